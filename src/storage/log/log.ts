import { AppError } from '../../base/errors.ts';
import { type Snapshot, snapshotOf } from '../scan/snapshot.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { readCheckpoint } from './checkpoint.ts';
import type { Action } from './delta-actions.ts';
import { keyOfActionPath } from './delta-path.ts';
import { type LogState, logReplay } from './log-replay.ts';
import { findLogSegment, type LogSegment, readCommit } from './log-segment.ts';

/** A table's log: reads it once, then only what is new. */
export interface Log {
  readonly store: ObjectStore;
  readonly table: string;
  /** The newest version. */
  newest(): Promise<Snapshot>;
  /** @throws AppError version_not_found. */
  at(version: number): Promise<Snapshot>;
  /** The actions of a commit; undefined where it is not there. */
  commit(version: number): Promise<Action[] | undefined>;
  /** The object's key of a path in an action. */
  keyOf(path: string): string;
}

/** Commits that are read at once. */
const PARALLEL_READS = 16;

/** The log of a table in a store. */
export function tableLog(store: ObjectStore, table: string): Log {
  let known: Snapshot | undefined;
  // Refreshes queue up, so that each goes on from where the one before came to.
  let refreshing: Promise<Snapshot> | undefined;
  const refresh = async (): Promise<Snapshot> => {
    known = known === undefined ? await load(store, table) : await goOn(store, table, known);
    return known;
  };
  return {
    store,
    table,
    async newest() {
      while (refreshing !== undefined) await refreshing.catch(() => undefined);
      refreshing = refresh();
      try {
        return await refreshing;
      } finally {
        refreshing = undefined;
      }
    },
    async at(version) {
      return known?.version === version ? known : load(store, table, version);
    },
    commit: (version) => readCommit(store, table, version),
    keyOf: (path) => keyOfActionPath(table, path),
  };
}

/** Reads the commits after a snapshot. */
async function goOn(store: ObjectStore, table: string, from: Snapshot): Promise<Snapshot> {
  let replay: ReturnType<typeof logReplay> | undefined;
  let version = from.version;
  for (;;) {
    const actions = await readCommit(store, table, version + 1);
    if (actions === undefined) break;
    replay ??= logReplay(table, from.state);
    for (const action of actions) replay.apply(action);
    version += 1;
  }
  return replay === undefined ? from : snapshotOf(store, table, replay.stateAt(version));
}

async function load(store: ObjectStore, table: string, version?: number): Promise<Snapshot> {
  const segment = await findLogSegment(store, table, version, false);
  try {
    const [checkpoint] = segment.checkpoints;
    return snapshotOf(store, table, await replaySegment(store, table, segment, checkpoint));
  } catch (error) {
    if (!isCorrupt(error)) throw error;
    return await loadAround(store, table, segment, error);
  }
}

/** Loads a version whose newest checkpoint cannot be read: by an older one, or none, and the commits after it. */
async function loadAround(store: ObjectStore, table: string, broken: LogSegment, cause: unknown): Promise<Snapshot> {
  const segment = await findLogSegment(store, table, broken.version, true);
  const older = segment.checkpoints.filter((checkpoint) => checkpoint !== broken.checkpoints[0]);
  for (const checkpoint of [...older, undefined]) {
    try {
      return snapshotOf(store, table, await replaySegment(store, table, segment, checkpoint));
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
  segment: LogSegment,
  checkpoint: number | undefined,
): Promise<LogState> {
  const first = checkpoint === undefined ? 0 : checkpoint + 1;
  const versions = segment.commits.filter((version) => version >= first);
  versions.forEach((version, at) => {
    if (version === first + at) return;
    throw new AppError('table_corrupt', `The log of ${table} lacks the commit ${first + at}`, {
      table,
      version: first + at,
    });
  });
  if (first + versions.length - 1 !== segment.version) {
    throw new AppError('table_corrupt', `The log of ${table} lacks the commit ${first + versions.length}`, { table });
  }
  const replay = logReplay(table);
  if (checkpoint !== undefined) {
    for (const action of await readCheckpoint(store, table, checkpoint)) replay.apply(action);
  }
  for (let at = 0; at < versions.length; at += PARALLEL_READS) {
    const commits = await Promise.all(
      versions.slice(at, at + PARALLEL_READS).map((version) => readCommit(store, table, version)),
    );
    for (const [offset, actions] of commits.entries()) {
      if (actions === undefined)
        throw new AppError('table_corrupt', `The commit ${versions[at + offset]} is gone`, { table });
      for (const action of actions) replay.apply(action);
    }
  }
  return replay.stateAt(segment.version);
}
