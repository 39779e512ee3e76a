import { createHash } from 'node:crypto';
import {
  type ExactJson,
  isJsonObject,
  type JsonObject,
  parseExactJson,
  stringifyExactJson,
} from '../../base/exact-json.ts';
import { compareUtf8, type ObjectStore } from '../store/object-store.ts';
import { checksumText, type FileSum } from './file-checksum.ts';
import { lastCheckpointKey } from './log-names.ts';

/*
 * `_last_checkpoint` (PROTOCOL.md, "Last Checkpoint File Schema"): JSON with the version of a
 * checkpoint, and an MD5 of its own members. It is only a hint, written over by every checkpoint
 * writer: one that is missing, torn, stale or of a wrong sum is passed over.
 */

/** What a reader takes from the hint. */
export interface LastCheckpoint {
  readonly version: number;
  /** Its file, where it is one, and what that must be. */
  readonly file?: FileSum & { readonly name: string };
}

/** What a writer says besides, for other engines. */
export interface WrittenCheckpoint extends LastCheckpoint {
  /** Actions of the checkpoint. */
  readonly size: number;
  readonly sizeInBytes: number;
  readonly numOfAddFiles: number;
}

/** The tag (tags are free) of the hint, `name:size:sum`. */
const FILE_TAG = 'sentinela.checkpoint';

/** Reads the hint; undefined where it is missing or cannot be trusted. */
export async function readLastCheckpoint(store: ObjectStore, table: string): Promise<LastCheckpoint | undefined> {
  const bytes = await store.get(lastCheckpointKey(table));
  if (bytes === undefined) return undefined;
  try {
    const json = parseExactJson(new TextDecoder().decode(bytes));
    if (!isJsonObject(json)) return undefined;
    const { version, checksum, tags } = json;
    if (typeof version !== 'number' || !Number.isSafeInteger(version) || version < 0) return undefined;
    if (typeof checksum === 'string' && checksum !== checksumOf(json)) return undefined;
    const file = fileOf(isJsonObject(tags) ? tags[FILE_TAG] : undefined);
    return { version, ...(file === undefined ? {} : { file }) };
  } catch {
    return undefined;
  }
}

/** Writes the hint, unless one of a later version is there. */
export async function writeLastCheckpoint(store: ObjectStore, table: string, last: WrittenCheckpoint): Promise<void> {
  const known = await readLastCheckpoint(store, table);
  if (known !== undefined && known.version > last.version) return;
  const { file, ...hint } = last;
  const tags =
    file === undefined ? {} : { tags: { [FILE_TAG]: `${file.name}:${file.sizeBytes}:${checksumText(file.crc32)}` } };
  const members: JsonObject = { ...hint, ...tags };
  const text = stringifyExactJson({ ...members, checksum: checksumOf(members) });
  await store.put(lastCheckpointKey(table), new TextEncoder().encode(text));
}

function fileOf(tag: ExactJson | undefined): LastCheckpoint['file'] {
  const [, name, sizeBytes, sum] = typeof tag === 'string' ? (/^([^:/]+):(\d+):([0-9a-f]{8})$/.exec(tag) ?? []) : [];
  return name === undefined ? undefined : { name, sizeBytes: Number(sizeBytes), crc32: Number.parseInt(sum ?? '', 16) };
}

/** The MD5 of the canonical form of a hint (PROTOCOL.md, "JSON checksum"). */
export function checksumOf(json: JsonObject): string {
  return createHash('md5').update(canonicalForm(json)).digest('hex');
}

/** The canonical form: paths and values of all leaves, sorted by their paths' bytes; a top-level `checksum` is left out. */
export function canonicalForm(json: JsonObject): string {
  const { checksum: _, ...members } = json;
  const leaves: { readonly path: string; readonly value: string }[] = [];
  collect(members, '', leaves);
  leaves.sort((left, right) => compareUtf8(left.path, right.path));
  return leaves.map(({ path, value }) => `${path}=${value}`).join(',');
}

function collect(json: ExactJson, path: string, leaves: { path: string; value: string }[]): void {
  const below = (name: string): string => (path === '' ? name : `${path}+${name}`);
  if (Array.isArray(json)) {
    for (const [at, item] of (json as readonly ExactJson[]).entries()) collect(item, below(String(at)), leaves);
  } else if (isJsonObject(json)) {
    for (const [name, member] of Object.entries(json)) collect(member, below(`"${urlEncoded(name)}"`), leaves);
  } else {
    leaves.push({ path, value: typeof json === 'string' ? `"${urlEncoded(json)}"` : stringifyExactJson(json) });
  }
}

/** Percent-encodes every octet but `a-z A-Z 0-9 - . _ ~`; half a surrogate pair, which has no octets, as U+FFFD. */
function urlEncoded(text: string): string {
  return encodeURIComponent(Buffer.from(text).toString()).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
