import type { VectorDescriptor } from '../../../src/storage/deletion-vectors/deletion-vector.ts';
import type { LiveFile } from './stored-rows.ts';

/*
 * The log replayed from its first commit, without checkpoints, compactions and checksums, by code of its own: what
 * the storage layer reads is held against it.
 */

/** A version as its commits say. */
export interface ReplayedVersion {
  readonly version: number;
  readonly committedMs: number;
  readonly attempt: string | undefined;
  readonly operation: string;
  readonly readVersion: number;
  readonly parameters: Readonly<Record<string, string>>;
  readonly isBlindAppend: boolean;
  /** By object key. */
  readonly files: ReadonlyMap<string, ReplayedFile>;
  readonly transactions: ReadonlyMap<string, number>;
}

/** A live file of it. */
export interface ReplayedFile extends LiveFile {
  readonly sizeBytes: number;
}

interface Json {
  readonly [member: string]: unknown;
}

/** The versions of a table, oldest first, and what is wrong with them in themselves. */
export function replayLog(
  table: string,
  archive: ReadonlyMap<string, Uint8Array>,
  writtenMs: ReadonlyMap<string, number>,
): { readonly versions: readonly ReplayedVersion[]; readonly violations: readonly string[] } {
  const versions: ReplayedVersion[] = [];
  const violations: string[] = [];
  let lastTime = 0;
  for (let version = 0; ; version += 1) {
    const key = `${table}/_delta_log/${String(version).padStart(20, '0')}.json`;
    const bytes = archive.get(key);
    if (bytes === undefined) break;
    const actions = Buffer.from(bytes)
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Json);
    const next = applied(
      table,
      versions.at(-1),
      actions,
      { version, committedMs: writtenMs.get(key) ?? 0 },
      violations,
    );
    const info = (actions.find((action) => action.commitInfo)?.commitInfo ?? {}) as Json;
    const time = Number(info.inCommitTimestamp ?? 0);
    if (time !== 0 && time <= lastTime) violations.push(`the in-commit timestamp of ${version} does not rise`);
    lastTime = Math.max(time, lastTime);
    versions.push(next);
  }
  return { versions, violations };
}

function applied(
  table: string,
  before: ReplayedVersion | undefined,
  actions: readonly Json[],
  { version, committedMs }: Pick<ReplayedVersion, 'version' | 'committedMs'>,
  violations: string[],
): ReplayedVersion {
  const files = new Map(before?.files ?? []);
  const transactions = new Map(before?.transactions ?? []);
  const info = (actions.find((action) => action.commitInfo)?.commitInfo ?? {}) as Json;
  for (const { remove } of actions as readonly { readonly remove?: Json }[]) {
    if (remove === undefined) continue;
    const file = fileOf(table, remove);
    const known = files.get(file.key);
    if (known === undefined || !sameVector(known, file))
      violations.push(`${version} removes ${file.key}, which is not there`);
    else files.delete(file.key);
  }
  for (const { add } of actions as readonly { readonly add?: Json }[]) {
    if (add === undefined) continue;
    const file = fileOf(table, add);
    if (files.has(file.key)) violations.push(`${version} adds ${file.key}, which is there already`);
    files.set(file.key, file);
  }
  for (const { txn } of actions as readonly { readonly txn?: Json }[]) {
    if (txn === undefined) continue;
    const appId = String(txn.appId);
    if ((transactions.get(appId) ?? -1) >= Number(txn.version))
      violations.push(`${version} repeats the txn of ${appId}`);
    transactions.set(appId, Number(txn.version));
  }
  const metadata = typeof info.userMetadata === 'string' ? (JSON.parse(info.userMetadata) as Json) : {};
  return {
    version,
    committedMs,
    attempt: metadata.attempt === undefined ? undefined : String(metadata.attempt),
    operation: String(info.operation),
    readVersion: Number(info.readVersion ?? -1),
    parameters: (info.operationParameters ?? {}) as Readonly<Record<string, string>>,
    isBlindAppend: info.isBlindAppend === true,
    files,
    transactions,
  };
}

function fileOf(table: string, json: Json): ReplayedFile {
  const { part = '' } = (json.partitionValues ?? {}) as { readonly part?: string };
  return {
    key: `${table}/${decodeURIComponent(String(json.path))}`,
    part,
    vector: json.deletionVector as VectorDescriptor | undefined,
    sizeBytes: Number(json.size),
  };
}

function sameVector(left: LiveFile, right: LiveFile): boolean {
  return vectorText(left.vector) === vectorText(right.vector);
}

/** What tells a vector from another. */
export function vectorText(vector: VectorDescriptor | undefined): string {
  return vector === undefined ? '' : `${vector.storageType}${vector.pathOrInlineDv}@${vector.offset ?? ''}`;
}
