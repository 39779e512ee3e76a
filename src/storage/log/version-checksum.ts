import { AppError } from '../../base/errors.ts';
import {
  type ExactJson,
  isJsonObject,
  type JsonObject,
  parseExactJson,
  stringifyExactJson,
} from '../../base/exact-json.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { isTooDeep } from './action-json.ts';
import { checksumKey } from './log-names.ts';
import { inCommitTimestamp } from './read-commit.ts';
import { isEnabled } from './table-properties.ts';
import type { TableState } from './table-state.ts';

/*
 * `n.crc` (PROTOCOL.md, "Version Checksum File"): JSON of what the table was like at a version. It is
 * written after the commit and never over another. Hadoop's hidden `.n.json.crc` is something else.
 */

/** A member of a checksum that is not what the log says; long values are cut. */
export interface ChecksumMismatch {
  readonly member: string;
  readonly written: string;
  readonly computed: string;
}

/** Writes the checksum of a state. @param txnId of its commit. */
export async function writeChecksum(
  store: ObjectStore,
  table: string,
  state: TableState,
  txnId: string | undefined,
): Promise<void> {
  const json: Record<string, unknown> = { ...(txnId === undefined ? {} : { txnId }), ...membersOf(state) };
  await store.putIfAbsent(checksumKey(table, state.version), new TextEncoder().encode(stringifyExactJson(json)));
}

function membersOf(state: TableState): Record<string, unknown> {
  const { metadata, protocol, fileCount, sizeBytes } = state;
  const timestamp = isEnabled(metadata, 'delta.enableInCommitTimestamps')
    ? inCommitTimestamp(state.commitInfo)
    : undefined;
  return {
    tableSizeBytes: sizeBytes,
    numFiles: fileCount,
    numMetadata: 1,
    numProtocol: 1,
    ...(timestamp === undefined ? {} : { inCommitTimestampOpt: timestamp }),
    ...listed('setTransactions', state.transactions),
    ...listed('domainMetadata', state.domains),
    metadata,
    protocol,
  };
}

/** Of applications and domains so many: they are written with every commit. Both members may be left out. */
const MOST_LISTED = 50;

function listed(member: string, values: ReadonlyMap<string, unknown>): Record<string, unknown> {
  return values.size > MOST_LISTED ? {} : { [member]: [...values.values()] };
}

/**
 * Compares a state with its checksum; undefined where there is none that can be read.
 *
 * @throws AppError storage_failed.
 */
export async function verifyChecksum(
  store: ObjectStore,
  table: string,
  state: TableState,
): Promise<readonly ChecksumMismatch[] | undefined> {
  const bytes = await store.get(checksumKey(table, state.version));
  const written = bytes === undefined ? undefined : parsed(bytes);
  if (written === undefined) return undefined;
  const { metadata, protocol } = state;
  const expected: Readonly<Record<string, unknown>> = {
    tableSizeBytes: state.sizeBytes,
    numFiles: state.fileCount,
    numMetadata: 1,
    numProtocol: 1,
  };
  const mismatches: ChecksumMismatch[] = [];
  const compare = (member: string, was: unknown, is: unknown): void => {
    const [left, right] = [stringifyExactJson(was), stringifyExactJson(is)];
    if (left !== right) mismatches.push({ member, written: short(left), computed: short(right) });
  };
  for (const [member, value] of Object.entries(expected)) compare(member, written[member], value);
  if (isJsonObject(written.metadata)) {
    compare('metadata.id', written.metadata.id, metadata.id);
    compare('metadata.schemaString', written.metadata.schemaString, metadata.schemaString);
  }
  if (isJsonObject(written.protocol)) {
    compare('protocol.minReaderVersion', written.protocol.minReaderVersion, protocol.minReaderVersion);
    compare('protocol.minWriterVersion', written.protocol.minWriterVersion, protocol.minWriterVersion);
  }
  // Checkpoints drop expired ones, so only what both have is compared.
  for (const { key, txn } of writtenTransactions(written)) {
    const known = state.transactions.get(key);
    if (known !== undefined) compare(`setTransactions.${key}`, txn.version, known.version);
  }
  for (const { key, domain } of writtenDomains(written)) {
    compare(`domainMetadata.${key}`, domain.configuration, state.domains.get(key)?.configuration ?? null);
  }
  return mismatches;
}

function writtenTransactions({ setTransactions }: JsonObject): { readonly key: string; readonly txn: JsonObject }[] {
  return objectsIn(setTransactions).flatMap((txn) => (typeof txn.appId === 'string' ? [{ key: txn.appId, txn }] : []));
}

function writtenDomains({ domainMetadata }: JsonObject): { readonly key: string; readonly domain: JsonObject }[] {
  return objectsIn(domainMetadata).flatMap((domain) =>
    typeof domain.domain === 'string' ? [{ key: domain.domain, domain }] : [],
  );
}

function objectsIn(json: ExactJson | undefined): JsonObject[] {
  return Array.isArray(json) ? (json as readonly ExactJson[]).filter(isJsonObject) : [];
}

/** The error for a table that is not what its checksum says. */
export function checksumError(table: string, version: number, mismatches: readonly ChecksumMismatch[]): AppError {
  const list = mismatches.map(({ member, written, computed }) => `${member} is ${computed}, written ${written}`);
  return new AppError(
    'table_corrupt',
    `The version ${version} of ${table} is not what its checksum says: ${list.join('; ')}`,
    { table, version },
  );
}

function short(text: string): string {
  return text.length <= 60 ? text : `${text.slice(0, 57)}…`;
}

function parsed(bytes: Uint8Array): JsonObject | undefined {
  try {
    const text = new TextDecoder().decode(bytes);
    if (isTooDeep(text)) return undefined;
    const json = parseExactJson(text);
    return isJsonObject(json) ? json : undefined;
  } catch {
    // Torn: it is written without being waited for by anybody.
    return undefined;
  }
}
