import { AppError } from '../base/errors.ts';
import { coveredRows } from './covered-rows.ts';
import type { ExportOptions } from './export-options.ts';
import { rowFilter } from './row-filter.ts';
import type { SilverSource } from './silver-source.ts';
import type { SourceTables } from './source-snapshots.ts';

/** Which rows of the payments are exported. @throws AppError `not_found` where none is. */
export async function wantedRows(
  source: SilverSource,
  tables: SourceTables,
  { where, toMicros = Number.POSITIVE_INFINITY, after = [] }: ExportOptions,
): Promise<(row: number) => boolean> {
  const { payments, sides, snapshots, versions, userRows } = source;
  if (userRows !== null) return (row) => row >= userRows.first;
  const table = `silver.transactions@${versions['silver/transactions']}`;
  if (payments.count === 0) {
    const hint = 'import a file or score payments, then run bronze-to-silver';
    throw new AppError('not_found', `${table} holds no rows: ${hint}`);
  }
  const transactions = snapshots['silver/transactions'];
  const passes = where === undefined ? () => true : await rowFilter(transactions, payments.count, where);
  const covers: ((row: number) => boolean)[] = [];
  for (const part of after) covers.push(await coveredRows(source, tables, part));
  const isCovered = (row: number): boolean => covers.some((covered) => covered(row));
  const isNew = (row: number): boolean => (payments.times[row] as number) < toMicros && !isCovered(row);
  const isWanted = (row: number): boolean => isNew(row) && passes(payments.ids.at(row) ?? '', sides.at(row) ?? '');
  if (someRow(payments.count, isWanted)) return isWanted;
  if (!someRow(payments.count, isNew)) {
    throw new AppError('not_found', `${table} has no ${after.length === 0 ? '' : 'new '}rows before --to`);
  }
  throw new AppError('not_found', `no row of ${table} passes --where, of ${payments.count}: name a wider condition`);
}

function someRow(count: number, is: (row: number) => boolean): boolean {
  for (let row = 0; row < count; row += 1) if (is(row)) return true;
  return false;
}
