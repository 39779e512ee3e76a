import { AppError } from '../../base/errors.ts';
import { didYouMean } from '../../base/nearest-name.ts';
import { tellableColumns, toldColumns } from '../../base/tellable.ts';
import type { DuckDb } from '../../storage/parquet/duckdb.ts';
import { sqlName } from '../../storage/types/sql-types.ts';
import type { JoinSource, SourceColumn } from './join-request.ts';

/**
 * Runs what reads a source.
 *
 * @throws AppError `invalid_file` where it cannot be read; of DuckDB's message what shows no contents: they may be of people.
 */
export async function readable<T>(name: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof AppError) || !['storage_failed', 'table_corrupt'].includes(error.code)) throw error;
    const said = error.message.replace(/^(DuckDB|A file cannot be read): /, '').split('\n');
    const told = said.filter((line, at) => at === 0 || line.startsWith('Expected Number of Columns'));
    throw new AppError('invalid_file', `${name} cannot be read: ${told.join('; ')}`, {}, error);
  }
}

/** The column of a name. @throws AppError `usage` with the nearest name. */
export function sourceColumn(source: JoinSource, name: string): SourceColumn {
  const found = source.columns.find((column) => column.name === name);
  if (found !== undefined) return found;
  const names = source.columns.map((column) => column.name);
  throw new AppError(
    'usage',
    `${source.name} has no column ${name}${didYouMean(name, tellableColumns(names) ?? [])} (${toldColumns(names)})`,
  );
}

/**
 * A column as microseconds since 1970, null where it is no instant: a timestamp (UTC where it names no zone), a date,
 * a text of ISO 8601.
 *
 * @throws AppError `usage` for a column of another type, or one that is not there.
 */
export function instantSql(source: JoinSource, name: string): string {
  const { type } = sourceColumn(source, name);
  const column = sqlName(name);
  if (type === 'VARCHAR') return `epoch_us(TRY_CAST(${column} AS TIMESTAMP WITH TIME ZONE))`;
  // As they are: casting an instant with a zone asks ICU for the calendar, 0.4 µs a row and a quarter of a whole join.
  if (type === 'TIMESTAMP' || type === 'TIMESTAMP WITH TIME ZONE') return `epoch_us(${column})`;
  if (/^(TIMESTAMP|DATE)/.test(type)) return `epoch_us(${column}::TIMESTAMP)`;
  throw new AppError('usage', `${source.name}: the column ${name} is ${type}, which is no instant`);
}

/**
 * Refuses a table where a condition holds for any row.
 *
 * @param from a table in the order of the source. @throws AppError `invalid_file` that counts them and names the first.
 */
export async function refuseRows(
  db: DuckDb,
  source: JoinSource,
  { from, where, what }: { readonly from: string; readonly where: string; readonly what: string },
): Promise<void> {
  const [found] = await db.rows(`SELECT count(*) AS wrong FROM ${from} WHERE ${where}`);
  const wrong = Number(found?.wrong ?? 0);
  if (wrong === 0) return;
  const numbered = `(SELECT *, row_number() OVER () AS "#n" FROM ${from})`;
  const [first] = await db.rows(`SELECT min("#n") AS first FROM ${numbered} WHERE ${where}`);
  throw new AppError(
    'invalid_file',
    `${source.name}: ${wrong.toLocaleString('en-US')} rows ${what}, the first is row ${first?.first}`,
    { rows: wrong },
  );
}
