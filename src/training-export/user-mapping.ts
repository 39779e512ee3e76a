import type { DataType } from 'apache-arrow';
import { AppError } from '../base/errors.ts';
import { didYouMean } from '../base/nearest-name.ts';
import { tellableColumns, toldColumns } from '../base/tellable.ts';
import { PAYMENT_COLUMNS, type PaymentColumn } from '../domain/payment-row.ts';
import { ID_COLUMNS } from './entity-columns.ts';
import { mayBeInstant } from './user-cells.ts';

/** What a user's file calls the columns that an export needs; by default as we call them. */
export interface UserMapping {
  /** Column of ours → column of the file. */
  readonly columns: Readonly<Record<string, string>>;
}

/** Columns of a file that mean something besides those of payments. */
const OWN_COLUMNS = ['event_time', 'known_time', 'end_to_end_id', 'label', 'payer_account', 'payee_account'] as const;

/** The columns of a user's file. */
export interface UserHeader {
  readonly header: readonly string[];
  /** Types of columns by name, of files that have them; cells of others are texts. */
  readonly types: ReadonlyMap<string, DataType>;
}

/** Where each column that is read lies in the file. */
export interface UserColumns {
  /** The file's name of a column of ours; undefined where it has none. */
  fileColumn(name: string): string | undefined;
  /** The file's type of a column of ours; undefined where it has none. */
  fileType(name: string): DataType | undefined;
  /** Columns of payments that the file has. */
  readonly payment: readonly PaymentColumn[];
  /** Columns of the file that nothing reads. */
  readonly ignored: readonly string[];
}

/** Names that a mapping may give a column to. */
export const MAPPABLE: readonly string[] = [...OWN_COLUMNS, ...PAYMENT_COLUMNS.map(({ name }) => name)].filter(
  (name, at, all) => all.indexOf(name) === at,
);

/**
 * Finds the columns of a file: by the mapping, else by our own names.
 *
 * @throws AppError `usage` for a mapping to a column that the file or we do not have, where the file has no event time or
 * no entity, and for a column of instants whose type says none.
 */
export function userColumns({ header, types }: UserHeader, { columns }: UserMapping): UserColumns {
  for (const [name, column] of Object.entries(columns)) {
    if (!MAPPABLE.includes(name)) fail(`there is no column ${name} to map to${didYouMean(name, MAPPABLE)}`);
    if (!header.includes(column))
      fail(`the file has no column ${column}${didYouMean(column, tellableColumns(header) ?? [])}`);
  }
  const fileColumn = (name: string): string | undefined => columns[name] ?? (header.includes(name) ? name : undefined);
  const hint = toldColumns(header);
  if (fileColumn('event_time') === undefined) fail(`the file has no event time: name its column by --time (${hint})`);
  const entities = [...Object.keys(ID_COLUMNS), 'payer_number', 'payee_number'];
  if (entities.every((name) => fileColumn(name) === undefined)) {
    const near = header.map((column) => didYouMean(column, entities)).find((text) => text !== '') ?? '';
    fail(`the file has no entity${near}: name one by --entity payer_account=COLUMN (${hint})`);
  }
  const payment = PAYMENT_COLUMNS.filter(
    ({ name }) => name !== 'event_time' && name !== 'end_to_end_id' && fileColumn(name) !== undefined,
  );
  const fileType = (name: string): DataType | undefined => types.get(fileColumn(name) ?? '');
  const instants = payment.filter(({ type }) => type === 'timestamp' || type === 'date').map(({ name }) => name);
  for (const name of ['event_time', 'known_time', ...instants]) {
    if (mayBeInstant(fileType(name))) continue;
    const hint = 'write a timestamp, a date, or a text such as 2026-07-01T12:00:00Z';
    fail(`the column ${fileColumn(name)} is ${String(fileType(name))}, which is no instant: ${hint}`);
  }
  const read = new Set([...OWN_COLUMNS, ...payment.map(({ name }) => name)].map(fileColumn));
  return { fileColumn, fileType, payment, ignored: header.filter((column) => !read.has(column)) };
}

function fail(message: string): never {
  throw new AppError('usage', `--rows: ${message}`);
}
