import { accountKey, accountOfKey } from '../domain/entity-keys.ts';

/** The account of a row, null where it names none; or what is wrong, and in which column of ours. */
export type ReadAccount = { readonly value: string | null } | { readonly column: string; readonly problem: string };

const PARTS = ['ispb', 'branch', 'number'] as const;

/**
 * The account that a row names: by its key, by its parts, or by both where they say the same.
 *
 * A number without an ISPB is refused in parts: nearly always the column was forgotten, and rows of accounts that nobody
 * has are a training set of nothing that looks like one. Lakes of imports that know numbers alone are asked by the key.
 *
 * @param key that of the row, well formed; null where it has none. @param cells columns of payments that the row has.
 */
export function accountOfRow(
  whose: 'payer' | 'payee',
  key: string | null,
  cells: ReadonlyMap<string, unknown>,
): ReadAccount {
  const part = (name: (typeof PARTS)[number]): string | null => {
    const value = cells.get(`${whose}_${name}`);
    return typeof value === 'string' ? value : null;
  };
  const parts = { ispb: part('ispb'), branch: part('branch'), number: part('number') };
  const named = key === null ? undefined : accountOfKey(key);
  if (named === undefined) {
    if (parts.number === null || parts.ispb !== null) return { value: accountKey(parts) };
    const hint = `an account of an institution that the lake does not know is named by ${whose}_account, as ||number`;
    return { column: `${whose}_ispb`, problem: `is missing beside ${whose}_number: ${hint}` };
  }
  const other = PARTS.find((name) => parts[name] !== null && parts[name] !== named[name]);
  if (other === undefined) return { value: key };
  return { column: `${whose}_${other}`, problem: `is another one than in ${whose}_account` };
}
