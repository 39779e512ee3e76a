import { AppError } from '../base/errors.ts';
import { didYouMean } from '../base/nearest-name.ts';

/** What ids are called in an export, and of what kind they are: ids of one kind join, whichever column they stand in. */
export const ID_COLUMNS = {
  payer_account: { kind: 'account', description: 'The payer’s account' },
  payee_account: { kind: 'account', description: 'The payee’s account' },
  payer_document: { kind: 'document', description: 'The payer’s CPF or CNPJ' },
  payee_document: { kind: 'document', description: 'The payee’s CPF or CNPJ' },
  pix_key: { kind: 'pix_key', description: 'The Pix key that was paid to' },
  device_id: { kind: 'device', description: 'The payer’s device' },
} as const;

/** A column of silver.transactions that names a person, an account or a device. */
export type IdColumn = keyof typeof ID_COLUMNS;

/** How ids are written. */
export type IdForm = 'pseudonym' | 'clear';

const NAMES = Object.keys(ID_COLUMNS) as IdColumn[];

/** Short names of entities, as definitions of features have them. */
const SHORT: Readonly<Record<string, IdColumn>> = {
  payer: 'payer_account',
  payee: 'payee_account',
  device: 'device_id',
};

/** Whether a column is one of {@link ID_COLUMNS}. */
export function isIdColumn(name: string): name is IdColumn {
  return Object.hasOwn(ID_COLUMNS, name);
}

/** The column of an entity's name. @throws AppError `usage` with the nearest name; `flag` begins the message. */
export function idColumnOf(flag: string, name: string): IdColumn {
  const column = NAMES.find((known) => known === name) ?? SHORT[name];
  if (column !== undefined) return column;
  const known = [...Object.keys(SHORT), ...NAMES];
  throw new AppError('usage', `${flag} ${name} is no entity${didYouMean(name, known)} (${known.join(', ')})`);
}

/** Columns that are read for ids beside those that every export reads. */
export function idColumnsToRead(columns: readonly IdColumn[]): string[] {
  return columns.filter((column) => column !== 'payer_account' && column !== 'payee_account');
}
