/**
 * The kinds of entity whose history features read: the payer's account, the payee's account, payer's
 * account → payee's account, the holders' documents, the Pix key, the payer's device. Numbers are
 * stored in this order: a kind that comes is added at the end.
 */
export const ENTITY_KINDS = [
  'payer',
  'payee',
  'pair',
  'payer_document',
  'payee_document',
  'pix_key',
  'device',
] as const;
/** A kind of entity. */
export type EntityKind = (typeof ENTITY_KINDS)[number];

/** Kinds whose key is a column of silver.transactions; a pair's is made of its two accounts'. */
export type KeyedKind = Exclude<EntityKind, 'pair'>;

/** The columns of silver.transactions that are keys of entities. */
export const KEY_COLUMNS: Readonly<Record<KeyedKind, string>> = {
  payer: 'payer_account',
  payee: 'payee_account',
  payer_document: 'payer_document',
  payee_document: 'payee_document',
  pix_key: 'pix_key',
  device: 'device_id',
};

/** Something for each kind of entity. */
export function byKind<T>(make: (kind: EntityKind) => T): Record<EntityKind, T> {
  const made: Partial<Record<EntityKind, T>> = {};
  for (const kind of ENTITY_KINDS) made[kind] = make(kind);
  return made as Record<EntityKind, T>;
}

/** Something for each kind that has a column of keys. */
export function byKeyedKind<T>(make: (kind: KeyedKind) => T): Record<KeyedKind, T> {
  const made: Partial<Record<KeyedKind, T>> = {};
  for (const kind of ENTITY_KINDS) if (kind !== 'pair') made[kind] = make(kind);
  return made as Record<KeyedKind, T>;
}

/** What names an account. Its type does not: the same number is one account. */
export interface AccountNameParts {
  readonly ispb: string | null;
  readonly branch: string | null;
  readonly number: string | null;
}

/** An account's key, `ispb|branch|number`; null where there is no account number. */
export function accountKey(account: AccountNameParts): string | null {
  if (account.number === null) return null;
  return `${account.ispb ?? ''}|${account.branch ?? ''}|${account.number}`;
}

/** The parts of an account's key; undefined where a text is no such key. */
export function accountOfKey(key: string): AccountNameParts | undefined {
  const [ispb = '', branch = '', number = '', ...rest] = key.split('|');
  if (number === '' || rest.length > 0) return undefined;
  return { ispb: ispb === '' ? null : ispb, branch: branch === '' ? null : branch, number };
}

/** The key of a payer→payee pair; null where either account is missing. */
export function pairKey(payer: string | null, payee: string | null): string | null {
  return payer === null || payee === null ? null : `${payer}>${payee}`;
}

/** A number in an entity's state: seq counts from 1 within an epoch. */
export interface EntityNumber {
  readonly epoch: number;
  readonly seq: number;
}

/** An entity's numbers by kind; null where there is no such entity or no number. */
export type EntityNumbers = Readonly<Record<EntityKind, EntityNumber | null>>;

/** The keys of a payment's entities; null where it names none. */
export type EntityKeys = Readonly<Record<EntityKind, string | null>>;

/** No number of any entity. */
export const NO_NUMBERS: EntityNumbers = byKind(() => null);

/** Whether any entity has a number. */
export function hasNumber(numbers: EntityNumbers): boolean {
  return ENTITY_KINDS.some((kind) => numbers[kind] !== null);
}
