import { AppError } from '../../base/errors.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { Action } from './actions.ts';
import { readCheckpoint } from './checkpoint-read.ts';
import { keyOfActionPath } from './file-path.ts';
import type { FileKeys } from './file-table.ts';
import { commitKey, tablePrefix } from './log-names.ts';
import { type CheckpointFiles, commitsAfter, findLogSegment, type LogSegment } from './log-segment.ts';
import { readCommit, readCommitFile } from './read-commit.ts';
import { StateReplay, type TableState } from './table-state.ts';
import { verifyChecksum } from './version-checksum.ts';

/** A table's log: reads it once, then only what is new. */
export interface TableLog {
  readonly store: ObjectStore;
  readonly table: string;
  /** The newest version. */
  newest(): Promise<TableState>;
  /** @throws AppError version_not_found, table_corrupt. */
  at(version: number): Promise<TableState>;
  /** The actions of a commit; undefined where it is not there. */
  commit(version: number): Promise<Action[] | undefined>;
  /** The object's key of a path in an action. */
  keyOf(path: string): string;
}

/** Commits that are read at once. */
const PARALLEL_READS = 16;
/** Rows of files, dead ones among them, beyond which a table of files is made anew. */
const MOST_DEAD_ROWS = 200_000;

/** The log of a table in a store. */
export function tableLog(store: ObjectStore, table: string): TableLog {
  const keyOf = (path: string): string => keyOfActionPath(store, table, path);
  const keys: FileKeys = { keyOf, prefix: tablePrefix(table) };
  let known: Known | undefined;
  // One refresh at a time, so that each goes on from where the one before came to.
  let refreshing: Promise<TableState> | undefined;
  let next: Promise<TableState> | undefined;
  const refresh = async (): Promise<TableState> => {
    const isCurrent = known !== undefined && !isStale(known.state) && (await goOn(store, table, known));
    if (known === undefined || !isCurrent) known = await load(store, table, keys);
    return known.state;
  };
  const begin = (): Promise<TableState> => {
    refreshing = refresh()
      .catch((error: unknown) => {
        // What was half applied is read anew.
        known = undefined;
        throw error;
      })
      .finally(() => {
        refreshing = undefined;
      });
    return refreshing;
  };
  return {
    store,
    table,
    newest() {
      if (refreshing === undefined) return begin();
      // Who asks while one is under way must see what was committed before he asked: all who wait share the next one.
      next ??= refreshing
        .catch(() => undefined)
        .then(() => {
          next = undefined;
          // One that began since is as good.
          return refreshing ?? begin();
        });
      return next;
    },
    async at(version) {
      return known?.state.version === version ? known.state : (await load(store, table, keys, version)).state;
    },
    commit: (version) => readCommit(store, table, version),
    keyOf,
  };
}

/** The newest state that was read, and what the next one is made with. */
interface Known {
  readonly replay: StateReplay;
  state: TableState;
}

function isStale({ fileRows, fileCount }: TableState): boolean {
  const dead = fileRows - fileCount;
  return dead > MOST_DEAD_ROWS && dead > fileCount;
}

/**
 * Reads the commits after a state.
 *
 * @returns whether there are no more: where the state's own commit is gone, a clean-up passed it, and took those
 * after it too. Who then believed that the state is the newest would commit at a version that is taken already.
 */
async function goOn(store: ObjectStore, table: string, known: Known): Promise<boolean> {
  for (;;) {
    const version = known.state.version + 1;
    const actions = await readCommit(store, table, version);
    // In this order: a clean-up deletes the older commit first.
    if (actions === undefined) return isThere(store, commitKey(table, known.state.version));
    known.replay.apply(actions, version);
    known.state = known.replay.stateAt(version);
  }
}

async function isThere(store: ObjectStore, key: string): Promise<boolean> {
  return (await store.get(key, { start: 0, end: 1 })) !== undefined;
}

async function load(store: ObjectStore, table: string, keys: FileKeys, version?: number): Promise<Known> {
  const segment = await findLogSegment(store, table, version, false);
  const [newest] = segment.checkpoints;
  const isShort = newest !== undefined || segment.compactions.length > 0;
  let read: Known;
  try {
    read = await replaySegment(store, table, keys, segment, newest);
  } catch (error) {
    if (!isCorrupt(error) || !isShort) throw error;
    return await loadAround(store, table, keys, segment, error);
  }
  if (!isShort || (await isAsSummed(store, table, read))) return read;
  // A checkpoint or a compaction that was cut where a line or a row ends reads well, and lacks the rest.
  const around = await loadAround(store, table, keys, segment, undefined).catch(() => read);
  return (await isAsSummed(store, table, around)) ? around : read;
}

/** Whether a state is what the checksum of its version says; also where there is none. */
async function isAsSummed(store: ObjectStore, table: string, { state }: Known): Promise<boolean> {
  const mismatches = await verifyChecksum(store, table, state);
  return mismatches === undefined || mismatches.length === 0;
}

/**
 * Loads a version whose newest checkpoint, or a compaction, cannot be read: by an older checkpoint, or
 * none, and the commits after it.
 */
async function loadAround(
  store: ObjectStore,
  table: string,
  keys: FileKeys,
  broken: LogSegment,
  cause: unknown,
): Promise<Known> {
  const segment = { ...(await findLogSegment(store, table, broken.version, true)), compactions: [] };
  const [newest] = broken.checkpoints;
  const others = segment.checkpoints.filter(({ keys: parts }) => parts[0] !== newest?.keys[0]);
  // The newest once more at the end: only a compaction may have been broken.
  for (const checkpoint of [...others, undefined, ...(newest === undefined ? [] : [newest])]) {
    try {
      return await replaySegment(store, table, keys, segment, checkpoint);
    } catch (error) {
      if (!isCorrupt(error)) throw error;
    }
  }
  throw cause;
}

function isCorrupt(error: unknown): boolean {
  return error instanceof AppError && error.code === 'table_corrupt';
}

async function replaySegment(
  store: ObjectStore,
  table: string,
  keys: FileKeys,
  segment: LogSegment,
  checkpoint: CheckpointFiles | undefined,
): Promise<Known> {
  const commits = commitsAfter(table, segment, checkpoint);
  const replay = new StateReplay(table, keys);
  if (checkpoint !== undefined) await readCheckpoint(store, table, checkpoint, replay);
  for (let at = 0; at < commits.length; at += PARALLEL_READS) {
    const some = commits.slice(at, at + PARALLEL_READS);
    const read = await Promise.all(some.map((commit) => readCommitFile(store, commit)));
    for (const [offset, actions] of read.entries()) replay.apply(actions, some[offset]?.to ?? 0);
  }
  return { replay, state: replay.stateAt(segment.version) };
}
