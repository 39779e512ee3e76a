import type { Action, Metadata, Protocol } from '../log/actions.ts';
import { commitInfoOf } from '../log/read-commit.ts';
import { readerFeaturesOf, writerFeaturesOf } from '../log/table-features.ts';
import { isBlindAppend } from './isolation.ts';
import { toleratesMetadata } from './metadata-conflict.ts';
import { type IsolationLevel, VACUUM_START, type Work } from './work.ts';

/*
 * Whether a transaction can follow a winner: the checks of Delta Spark's ConflictChecker, in its
 * order. (The specification leaves them to writers; all of a table must agree on them.)
 */

/** Why a transaction cannot follow a winner. */
export type ConflictReason =
  | 'metadata_changed'
  | 'protocol_changed'
  | 'concurrent_append'
  | 'concurrent_delete_read'
  | 'concurrent_delete_delete'
  | 'concurrent_transaction'
  | 'concurrent_domain'
  | 'concurrent_vacuum';

/** What a transaction was made from, and how strict it is. */
export interface Follower {
  readonly work: Work;
  readonly protocol: Protocol;
  readonly metadata: Metadata;
  readonly isolation: IsolationLevel;
  /** The object's key of a path in an action. */
  readonly keyOf: (path: string) => string;
}

/** The first conflict of a transaction with the actions of a winner; undefined where there is none. */
export function findConflict(follower: Follower, winner: readonly Action[]): ConflictReason | undefined {
  return (
    protocolConflict(follower, winner) ??
    metadataConflict(follower, winner) ??
    addConflict(follower, winner) ??
    removeConflict(follower, winner) ??
    applicationConflict(follower, winner) ??
    vacuumConflict(follower, winner)
  );
}

/** Features that may come while a transaction is under way: what it wrote without them stays right. */
const HARMLESS_FEATURES: ReadonlySet<string> = new Set([
  'domainMetadata',
  'rowTracking',
  'deletionVectors',
  'v2Checkpoint',
  'inCommitTimestamp',
  'vacuumProtocolCheck',
]);

function protocolConflict({ work, protocol }: Follower, winner: readonly Action[]): ConflictReason | undefined {
  for (const action of winner) {
    if (!('protocol' in action)) continue;
    if (work.protocol !== undefined) return 'protocol_changed';
    const before = writerFeaturesOf(protocol);
    const after = writerFeaturesOf(action.protocol);
    const isLost = [...before].some((name) => !after.has(name));
    const isHarmful = [...after].some((name) => !before.has(name) && !HARMLESS_FEATURES.has(name));
    const readersLost = [...readerFeaturesOf(protocol)].some((name) => !readerFeaturesOf(action.protocol).has(name));
    if (isLost || isHarmful || readersLost) return 'protocol_changed';
  }
  return undefined;
}

function metadataConflict({ work, metadata }: Follower, winner: readonly Action[]): ConflictReason | undefined {
  for (const action of winner) {
    if (!('metaData' in action)) continue;
    if (work.metadata !== undefined || !toleratesMetadata(metadata, action.metaData)) return 'metadata_changed';
  }
  return undefined;
}

function addConflict(follower: Follower, winner: readonly Action[]): ConflictReason | undefined {
  const { work, isolation } = follower;
  const { wholeTable, predicates } = work.reads;
  if (!wholeTable && predicates.length === 0) return undefined;
  if (isolation === 'SnapshotIsolation' || isBlindAppend(work)) return undefined;
  // WriteSerializable lets a blind append come after, unless the metadata that it was written by changes.
  const passesBlind = isolation === 'WriteSerializable' && work.metadata === undefined;
  if (passesBlind && commitInfoOf(winner)?.isBlindAppend === true) return undefined;
  for (const action of winner) {
    if (!('add' in action)) continue;
    const { add } = action;
    // Rows that only moved were read where they lay before; that the file there is gone is seen below.
    if (!add.dataChange && isolation !== 'Serializable' && !wholeTable) continue;
    if (wholeTable || predicates.some((mayPass) => mayPass(add))) return 'concurrent_append';
  }
  return undefined;
}

function removeConflict({ work, keyOf }: Follower, winner: readonly Action[]): ConflictReason | undefined {
  const own = new Set((work.removes ?? []).map(({ path }) => keyOf(path)));
  for (const action of winner) {
    if (!('remove' in action)) continue;
    const key = keyOf(action.remove.path);
    if (own.has(key)) return 'concurrent_delete_delete';
    if (work.reads.wholeTable || work.reads.files.has(key)) return 'concurrent_delete_read';
  }
  return undefined;
}

function applicationConflict({ work }: Follower, winner: readonly Action[]): ConflictReason | undefined {
  const domains = new Set((work.domains ?? []).map(({ domain }) => domain));
  for (const action of winner) {
    if ('txn' in action && work.reads.appIds.has(action.txn.appId)) return 'concurrent_transaction';
    if (!('domainMetadata' in action)) continue;
    const { domain } = action.domainMetadata;
    // Row ids are given anew with every attempt.
    if (domain !== 'delta.rowTracking' && domains.has(domain)) return 'concurrent_domain';
  }
  return undefined;
}

/** What Spark's check lacks: a VACUUM that began has not seen the files that come back. */
function vacuumConflict({ work }: Follower, winner: readonly Action[]): ConflictReason | undefined {
  if (work.revivesFiles !== true) return undefined;
  return commitInfoOf(winner)?.operation === VACUUM_START ? 'concurrent_vacuum' : undefined;
}
