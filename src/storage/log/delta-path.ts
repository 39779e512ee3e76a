import { AppError } from '../../base/errors.ts';

/**
 * Names inside a table (PROTOCOL.md, "File Types"):
 *   _delta_log/<20 digits>.json                     a commit
 *   _delta_log/<20 digits>.checkpoint.parquet       a classic checkpoint
 *   _delta_log/_last_checkpoint                     the hint
 * and the paths of data files in actions: relative URIs, percent-encoded, against the table's root.
 */
const COMMIT = /^(\d{20})\.json$/;
const CHECKPOINT = /^(\d{20})\.checkpoint(?:\.(.+))?\.(parquet|json)$/;

/** The folder of a table's log, with a closing slash. */
export function logFolder(table: string): string {
  return `${tablePrefix(table)}_delta_log/`;
}

/** The key prefix of a table's objects: its path with a closing slash, or nothing for the root. */
export function tablePrefix(table: string): string {
  return table === '' ? '' : `${table}/`;
}

/** The key of a commit. */
export function commitKey(table: string, version: number): string {
  return `${logFolder(table)}${padded(version)}.json`;
}

/** The key of a classic checkpoint of one part. */
export function checkpointKey(table: string, version: number): string {
  return `${logFolder(table)}${padded(version)}.checkpoint.parquet`;
}

/** The key of the hint to the last checkpoint. */
export function lastCheckpointKey(table: string): string {
  return `${logFolder(table)}_last_checkpoint`;
}

/** A version as the log's names write it. */
export function padded(version: number): string {
  return String(version).padStart(20, '0');
}

/** What a name in the log folder is. */
export type LogName =
  | { readonly kind: 'commit'; readonly version: number }
  /** `part` is undefined for a classic checkpoint of one part, else a multi-part number or a V2 name. */
  | { readonly kind: 'checkpoint'; readonly version: number; readonly part: string | undefined };

/** Parses a name in the log folder; undefined for what is neither a commit nor a checkpoint. */
export function parseLogName(name: string): LogName | undefined {
  const commit = COMMIT.exec(name);
  if (commit !== null) return { kind: 'commit', version: Number(commit[1]) };
  const checkpoint = CHECKPOINT.exec(name);
  if (checkpoint === null) return undefined;
  const part = checkpoint[3] === 'json' ? (checkpoint[2] ?? 'json') : checkpoint[2];
  return { kind: 'checkpoint', version: Number(checkpoint[1]), part };
}

/**
 * The object's key that a path in an action names. Two spellings of one path (`p=M%C3%BCnchen`,
 * `p=München`) have one key.
 *
 * @throws AppError table_unsupported for a path outside the table, table_corrupt for a broken one.
 */
export function keyOfActionPath(table: string, path: string): string {
  if (/^[a-z][a-z0-9+.-]*:/i.test(path) || path.startsWith('/')) {
    throw new AppError(
      'table_unsupported',
      `The table ${table} names a file by an absolute path; that is not supported`,
    );
  }
  let key: string;
  try {
    key = decodeURIComponent(path);
  } catch (error) {
    throw new AppError('table_corrupt', `The table ${table} names a file by a path that is no URI`, { table }, error);
  }
  if (key.split('/').some((segment) => segment === '..' || segment === '.' || segment === '')) {
    throw new AppError('table_corrupt', `The table ${table} names a file by a path that leaves it`, { table });
  }
  return tablePrefix(table) + key;
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
