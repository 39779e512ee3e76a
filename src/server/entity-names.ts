import { AppError } from '../base/errors.ts';
import { didYouMean } from '../base/nearest-name.ts';
import { tellable } from '../base/tellable.ts';
import { type AccountNameParts, accountOfKey, type EntityKeys } from '../domain/entity-keys.ts';
import { ENTITY_COLUMNS, type EntityColumn, entityKeys } from '../domain/payment-row.ts';

/** Names by which a client may name entities: the columns, or a whole key. */
export const ENTITY_NAMES = [
  ...ENTITY_COLUMNS,
  'payer',
  'payee',
  'pair',
  'payer_account',
  'payee_account',
  'device',
] as const;

type Columns = Record<EntityColumn, string | null>;

/**
 * The keys of the entities that a row names: by columns (`payer_ispb`, `payer_branch`,
 * `payer_number`, …) or by whole keys, `payer` and `payee` as `ispb|branch|number` (or `payer_account` and
 * `payee_account`, as exports call them) and `pair` as `payer>payee`. What it does not name is null.
 *
 * @param field where the row stands in the request, for messages.
 * @throws AppError `invalid_request`; never with a value, which is personal.
 */
export function keysOfNames(row: Readonly<Record<string, unknown>>, field: string): EntityKeys {
  const columns = Object.fromEntries(ENTITY_COLUMNS.map((name) => [name, null])) as Columns;
  for (const [name, value] of Object.entries(row)) {
    if (value === null) continue;
    if (typeof value !== 'string') {
      throw invalid(
        `${field}.${tellable(name)} must be a text or null: the zeros before an account's number count`,
        field,
      );
    }
    if (isColumn(name)) put(columns, name, value, field);
    else if (name === 'payer' || name === 'payer_account') putAccount(columns, 'payer', value, field, name);
    else if (name === 'payee' || name === 'payee_account') putAccount(columns, 'payee', value, field, name);
    else if (name === 'device') put(columns, 'device_id', value, field);
    else if (name === 'pair') putPair(columns, value, field);
    else throw invalid(`${field}.${tellable(name)} names no entity${didYouMean(name, ENTITY_NAMES)}`, field);
  }
  return entityKeys(columns);
}

function isColumn(name: string): name is EntityColumn {
  return (ENTITY_COLUMNS as readonly string[]).includes(name);
}

function put(columns: Columns, name: EntityColumn, value: string | null, field: string): void {
  if (columns[name] !== null) throw invalid(`${field} names ${name} twice: by its column and by a whole key`, field);
  columns[name] = value;
}

/** @param called what the row calls the key. */
function putAccount(columns: Columns, side: 'payer' | 'payee', key: string, field: string, called: string): void {
  const account: AccountNameParts | undefined = accountOfKey(key);
  if (account === undefined) throw invalid(`${field}.${called} must be a key of the form ispb|branch|number`, field);
  for (const part of ['ispb', 'branch', 'number'] as const) put(columns, `${side}_${part}`, account[part], field);
}

function putPair(columns: Columns, key: string, field: string): void {
  const [payer, payee, ...rest] = key.split('>');
  if (payer === undefined || payee === undefined || rest.length > 0) {
    throw invalid(`${field}.pair must be two keys with > between them`, field);
  }
  putAccount(columns, 'payer', payer, field, "pair's payer");
  putAccount(columns, 'payee', payee, field, "pair's payee");
}

function invalid(message: string, field: string): AppError {
  return new AppError('invalid_request', message, { field });
}
