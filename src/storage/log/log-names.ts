/*
 * Names in a table's log (PROTOCOL.md, "File Types"); n, x and y are versions of 20 digits:
 *
 *   _delta_log/n.json                        a commit
 *   _delta_log/n.checkpoint.parquet          a classic checkpoint, of the V1 or the V2 spec
 *   _delta_log/n.checkpoint.o.p.parquet      part o of p of a checkpoint, ten digits each
 *   _delta_log/n.checkpoint.u.json|parquet   a V2 checkpoint, u is a UUID
 *   _delta_log/x.y.compacted.json            the commits from x to y in one
 *   _delta_log/n.crc                         the version's checksum
 *   _delta_log/_last_checkpoint              the hint to a checkpoint
 *   _delta_log/_sidecars/u.parquet           file actions of V2 checkpoints
 *   _delta_log/_staged_commits/n.u.json      for tables that a catalog manages: never read here
 */

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

/** The key of a V2 checkpoint that a UUID names. */
export function uuidCheckpointKey(table: string, version: number, uuid: string, format: 'json' | 'parquet'): string {
  return `${logFolder(table)}${padded(version)}.checkpoint.${uuid}.${format}`;
}

/** The folder of V2 checkpoints' sidecars, with a closing slash. */
export function sidecarFolder(table: string): string {
  return `${logFolder(table)}_sidecars/`;
}

/** The key of the commits from one version to another in one. */
export function compactionKey(table: string, from: number, to: number): string {
  return `${logFolder(table)}${padded(from)}.${padded(to)}.compacted.json`;
}

/** The key of a version's checksum. */
export function checksumKey(table: string, version: number): string {
  return `${logFolder(table)}${padded(version)}.crc`;
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
  | { readonly kind: 'checksum'; readonly version: number }
  | { readonly kind: 'compaction'; readonly version: number; readonly to: number }
  | { readonly kind: 'checkpoint'; readonly version: number; readonly form: CheckpointForm };

/** How a checkpoint is named. */
export type CheckpointForm =
  | { readonly kind: 'classic' }
  | { readonly kind: 'part'; readonly part: number; readonly parts: number }
  | { readonly kind: 'uuid'; readonly format: 'json' | 'parquet' };

const NAME = /^(\d{20})\.(.+)$/;
const PART = /^checkpoint\.(\d{10})\.(\d{10})\.parquet$/;
const UUID = /^checkpoint\.[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\.(json|parquet)$/;
const COMPACTED = /^(\d{20})\.compacted\.json$/;

/** Parses a name in the log folder; undefined for one that the protocol does not know, or of a version beyond 2^53. */
export function parseLogName(name: string): LogName | undefined {
  const match = NAME.exec(name);
  if (match === null) return undefined;
  const version = Number(match[1]);
  const rest = match[2] ?? '';
  if (!Number.isSafeInteger(version)) return undefined;
  if (rest === 'json') return { kind: 'commit', version };
  if (rest === 'crc') return { kind: 'checksum', version };
  const compacted = COMPACTED.exec(rest);
  if (compacted !== null) {
    const to = Number(compacted[1]);
    return Number.isSafeInteger(to) && to > version ? { kind: 'compaction', version, to } : undefined;
  }
  const form = parseCheckpointForm(rest);
  return form === undefined ? undefined : { kind: 'checkpoint', version, form };
}

function parseCheckpointForm(rest: string): CheckpointForm | undefined {
  if (rest === 'checkpoint.parquet') return { kind: 'classic' };
  const part = PART.exec(rest);
  if (part !== null) {
    const [number, parts] = [Number(part[1]), Number(part[2])];
    return number >= 1 && number <= parts ? { kind: 'part', part: number, parts } : undefined;
  }
  const uuid = UUID.exec(rest);
  return uuid === null ? undefined : { kind: 'uuid', format: uuid[1] === 'json' ? 'json' : 'parquet' };
}
