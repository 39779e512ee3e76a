import { AppError } from '../../base/errors.ts';
import type { VectorPlace } from '../deletion-vectors/deletion-vector.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { tablePrefix } from './log-names.ts';

/*
 * Paths of files in actions are URIs (RFC 2396), percent-encoded: relative to the table's root, or
 * absolute. Two spellings of one path (`p=M%C3%BCnchen`, `p=München`; `file:/x`, `file:///x`, `/x`)
 * have one key.
 */

/**
 * The object's key that a path in an action names.
 *
 * @throws AppError table_corrupt for a path that is no URI or leaves the table, table_unsupported
 * for an absolute one outside the store.
 */
export function keyOfActionPath(store: Pick<ObjectStore, 'keyOfUri'>, table: string, path: string): string {
  if (path.startsWith('/') || /^[a-z][a-z0-9+.-]*:/i.test(path)) return keyOfAbsolute(store, table, path);
  const key = path.includes('%') ? decoded(table, path) : path;
  if (leaves(key)) {
    throw new AppError('table_corrupt', `The table ${table} names a file by a path that leaves it`, { table });
  }
  return tablePrefix(table) + key;
}

/** The key of a deletion vector's file; undefined where it lies outside the store. */
export function keyOfVectorPlace(
  store: Pick<ObjectStore, 'keyOfUri'>,
  table: string,
  { kind, path }: VectorPlace,
): string | undefined {
  return kind === 'relative' ? tablePrefix(table) + path : store.keyOfUri(path);
}

function keyOfAbsolute(store: Pick<ObjectStore, 'keyOfUri'>, table: string, path: string): string {
  const key = store.keyOfUri(path);
  if (key !== undefined && !leaves(key)) return key;
  throw new AppError(
    'table_unsupported',
    `The table ${table} names a file by an absolute path that lies outside the store; open a store that holds it`,
    { table },
  );
}

/** Whether a key has a segment that is empty or moves up. */
function leaves(key: string): boolean {
  if (!key.includes('//') && !key.includes('.')) return key === '' || key.endsWith('/');
  return key.split('/').some((segment) => segment === '..' || segment === '.' || segment === '');
}

/** A percent-encoded path, decoded once. @throws AppError table_corrupt for one that is no URI. */
export function decoded(table: string, path: string): string {
  try {
    return decodeURIComponent(path);
  } catch (error) {
    throw new AppError('table_corrupt', `The table ${table} names a file by a path that is no URI`, { table }, error);
  }
}

/** The path in an action of a key relative to the table's root: percent-encoded, once. */
export function actionPathOfKey(relativeKey: string): string {
  return relativeKey
    .split('/')
    .map((segment) => encodeURIComponent(segment).replaceAll('%3D', '='))
    .join('/');
}

/** Characters that Hive, and Spark after it, escape in the folder names of partitions. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is escaped.
const HIVE_ESCAPED = /[\x00-\x1f"#%'*/:=?\\\x7f{[\]^]/g;

/** The folder of a partition, `column=value/…`; `__HIVE_DEFAULT_PARTITION__` stands for null. */
export function partitionFolder(values: Readonly<Record<string, string | null>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${hiveEscaped(name)}=${value === null || value === '' ? HIVE_NULL : hiveEscaped(value)}/`)
    .join('');
}

const HIVE_NULL = '__HIVE_DEFAULT_PARTITION__';

function hiveEscaped(text: string): string {
  return text.replace(HIVE_ESCAPED, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
}
