import { randomUUID } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { AppError } from '../base/errors.ts';
import { versionAt } from './log/commit-time.ts';
import { type HistoryEntry, readHistory } from './log/history.ts';
import { hasLog } from './log/log-segment.ts';
import { tableLog } from './log/table-log.ts';
import type { TableState } from './log/table-state.ts';
import { checkpointAt, followUp, type LogTending, tendLog } from './maintain/after-commit.ts';
import { autoCompaction } from './maintain/auto-compaction.ts';
import { createTableAt, type TableDefinition } from './maintain/create-table.ts';
import { describeTable, type TableDescription } from './maintain/describe.ts';
import { checkTable, type FsckReport, type FsckRequest } from './maintain/fsck.ts';
import { type OptimizeFigures, type OptimizeRequest, optimizeTable } from './maintain/optimize.ts';
import { type RestoreRequest, restoreTable } from './maintain/restore.ts';
import { shallowClone } from './maintain/shallow-clone.ts';
import { alterations, type TableAlterations } from './maintain/table-alterations.ts';
import { type VacuumReport, type VacuumRequest, vacuumTable } from './maintain/vacuum.ts';
import { type ChangeFeed, openChangeFeed } from './scan/change-feed.ts';
import type { ChangeRange } from './scan/change-range.ts';
import { type DataFile, type Snapshot, snapshotOf } from './scan/snapshot.ts';
import type { ObjectStore } from './store/object-store.ts';
import type { CommitOutcome } from './transaction/commit-loop.ts';
import type { TransactionContext } from './transaction/work.ts';
import {
  type AppendRequest,
  appendRows,
  type ReplaceRequest,
  replacePartitions,
  startAppend,
  type TableAppend,
} from './write/append.ts';
import { type DeleteRequest, deleteRows } from './write/delete-rows.ts';
import type { MergeRequest } from './write/merge-request.ts';
import { mergeRows } from './write/merge-rows.ts';
import { type WriteRequest, writeRows } from './write/overwrite.ts';
import { type UpdateRequest, updateRows } from './write/update-rows.ts';

/** What a table needs from outside. */
export interface TableEnvironment {
  readonly clock: Clock;
  /** Names of files and commits; random UUIDs where it is left out. */
  readonly newUuid?: () => string;
  /** Commits that are written once more in one file, see {@link LogTending}; none unless told. */
  readonly compactionInterval?: number;
  /** Told of a checksum, a checkpoint or a clean-up that failed after a commit, which stands all the same. */
  readonly onLogFault?: (error: unknown) => void;
}

/** A Delta table: read by snapshots, changed by commits. Any number of processes may do both at once. */
export interface DeltaTable {
  readonly store: ObjectStore;
  readonly path: string;
  /**
   * The table at a version; without one, at the newest, for which only new commits are read.
   *
   * @throws AppError table_not_found, version_not_found, table_corrupt, table_unsupported.
   */
  snapshot(version?: number): Promise<Snapshot>;
  /**
   * The table at the newest version that was made at or before an instant, in milliseconds since 1970.
   *
   * @throws AppError version_not_found before the first and after the last commit, naming both times.
   */
  snapshotAt(timestampMs: number): Promise<Snapshot>;
  /**
   * The rows that commits changed, which they recorded: needs `delta.enableChangeDataFeed`.
   *
   * @throws AppError version_not_found, table_unsupported.
   */
  changes(range: ChangeRange): Promise<ChangeFeed>;
  /** What commits said of themselves, the newest first. */
  history(limit: number): Promise<readonly HistoryEntry[]>;
  /**
   * Data files that commits after a version added and that are still there; undefined where it cannot be told: a commit
   * since is gone or took rows away (DELETE, UPDATE, RESTORE), or OPTIMIZE has put what came since together with what was there.
   */
  addedSince(version: number): Promise<readonly DataFile[] | undefined>;
  /** Adds rows in one commit. */
  append(request: AppendRequest): Promise<CommitOutcome>;
  /** Begins an append whose rows come bit by bit. */
  startAppend(request: Omit<AppendRequest, 'rows'>): Promise<TableAppend>;
  /** Takes out every row of the named partitions and adds rows, in one commit. */
  replacePartitions(request: ReplaceRequest): Promise<CommitOutcome>;
  /** Writes rows that DuckDB reads: files, other tables, staged objects; adds or overwrites. */
  write(request: WriteRequest): Promise<CommitOutcome>;
  /** Deletes the rows for which a condition is true. */
  delete(request: DeleteRequest): Promise<CommitOutcome>;
  /** Changes the rows for which a condition is true. */
  update(request: UpdateRequest): Promise<CommitOutcome>;
  /** Updates, deletes and adds rows by those of a source. */
  merge(request: MergeRequest): Promise<CommitOutcome>;
  /** Writes small files together, or rows in an order that makes look-ups read few files. */
  optimize(request?: OptimizeRequest): Promise<OptimizeFigures>;
  /** Changes of what the table is. */
  readonly alter: TableAlterations;
  /** Makes the table what it was at a version or a time, in a new commit. */
  restore(request: RestoreRequest): Promise<CommitOutcome>;
  /** Deletes files that no version within the retention needs. */
  vacuum(request?: VacuumRequest): Promise<VacuumReport>;
  /** Holds the table against what its log says of it, and can take lost files out of it. */
  check(request?: FsckRequest): Promise<FsckReport>;
  /** What the table is at its newest version, and how it lies there. */
  describe(): Promise<TableDescription>;
  /**
   * Makes a new table out of a version of this one, without copying data: see {@link shallowClone}.
   *
   * @param to its path, and its store where that is another.
   * @throws AppError table_exists, table_unsupported.
   */
  shallowClone(to: {
    readonly path: string;
    readonly store?: ObjectStore;
    readonly version?: number;
  }): Promise<DeltaTable>;
  /** Writes a checkpoint of the newest version now; appends do it by themselves every few commits. */
  checkpoint(): Promise<void>;
}

/**
 * Creates a table: version 0, without rows.
 *
 * @throws AppError table_exists, invalid_request, table_unsupported.
 */
export async function createTable(
  store: ObjectStore,
  definition: TableDefinition,
  environment: TableEnvironment,
): Promise<DeltaTable> {
  const context = contextOf(store, definition.path, environment);
  await createTableAt(context, definition);
  await tendLog(tendingOf(context, environment), 0, undefined);
  return openTable(store, definition.path, environment);
}

/** Opens a table, or creates it where there is none; of many callers at once one creates it. */
export async function openOrCreateTable(
  store: ObjectStore,
  definition: TableDefinition,
  environment: TableEnvironment,
): Promise<DeltaTable> {
  if (!(await hasLog(store, definition.path))) {
    try {
      return await createTable(store, definition, environment);
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'table_exists') throw error;
    }
  }
  return openTable(store, definition.path, environment);
}

/** What commits say of who wrote them. */
export const ENGINE_INFO = 'sentinela-storage/0.1.0';

/** Opens a table. Nothing is read before it is asked for. */
export function openTable(store: ObjectStore, path: string, environment: TableEnvironment): DeltaTable {
  const context = contextOf(store, path, environment);
  const { log, snapshot } = context;
  const tending = tendingOf(context, environment);
  const compaction = autoCompaction(context);
  context.committed = (version, work) => followUp(tending, compaction, { version, work, before: context.seen() });
  return {
    store,
    path,
    snapshot,
    snapshotAt: async (timestampMs) => snapshot(await versionAt(log, await log.newest(), timestampMs)),
    changes: (range) => openChangeFeed(context, range),
    async history(limit) {
      const entries: HistoryEntry[] = [];
      for await (const entry of readHistory(log, await log.newest())) {
        if (entries.length >= limit) break;
        entries.push(entry);
      }
      return entries;
    },
    addedSince: (version) => readAddedSince(context, version),
    append: (request) => appendRows(context, request),
    startAppend: (request) => startAppend(context, request),
    replacePartitions: (request) => replacePartitions(context, request),
    write: (request) => writeRows(context, request),
    delete: (request) => deleteRows(context, request),
    update: (request) => updateRows(context, request),
    merge: (request) => mergeRows(context, request),
    optimize: (request) => optimizeTable(context, request),
    alter: alterations(context),
    restore: (request) => restoreTable(context, request),
    vacuum: (request) => vacuumTable(context, request),
    check: (request) => checkTable(context, request),
    describe: async () => describeTable(await snapshot()),
    async shallowClone({ path: to, store: target = store, version }) {
      const created = contextOf(target, to, environment);
      await shallowClone(created, await snapshot(version));
      await tendLog(tendingOf(created, environment), 0, undefined);
      return openTable(target, to, environment);
    },
    checkpoint: async () => checkpointAt(tending, await log.newest()),
  };
}

async function readAddedSince(
  { log, snapshot: open }: TransactionContext,
  version: number,
): Promise<readonly DataFile[] | undefined> {
  const snapshot = await open();
  const keys = new Set<string>();
  for (let at = version + 1; at <= snapshot.version; at += 1) {
    const actions = await log.commit(at);
    if (actions === undefined) return undefined;
    // A commit that marks rows of a file as deleted removes and adds the same path, in either order.
    for (const action of actions) {
      if (!('remove' in action)) continue;
      const { path, dataChange } = action.remove;
      // Old rows went, or new ones that were moved together with them lie in no file of their own any more.
      if (dataChange !== keys.has(log.keyOf(path))) return undefined;
    }
    // A file that only moved rows together holds nothing new.
    for (const action of actions) if ('add' in action && action.add.dataChange) keys.add(log.keyOf(action.add.path));
  }
  return snapshot.files.filter(({ key }) => keys.has(key));
}

function tendingOf(
  { log, nowMs, newUuid }: TransactionContext,
  { compactionInterval, onLogFault: onFault }: TableEnvironment,
): LogTending {
  return { log, nowMs, newUuid, compactionInterval, onFault };
}

/** What changes of a table work with: its log, read once, then only what is new. */
function contextOf(
  store: ObjectStore,
  path: string,
  { clock, newUuid = randomUUID }: TableEnvironment,
): TransactionContext & {
  /** The newest state that was asked for. */
  seen(): TableState | undefined;
} {
  const log = tableLog(store, path);
  let newest: Snapshot | undefined;
  return {
    log,
    async snapshot(version) {
      const state = await (version === undefined ? log.newest() : log.at(version));
      if (newest?.state === state) return newest;
      const made = snapshotOf(store, path, state, log.keyOf);
      if (version === undefined) newest = made;
      return made;
    },
    nowMs: () => Math.floor(clock.nowMicros() / 1000),
    newUuid,
    engineInfo: ENGINE_INFO,
    seen: () => newest?.state,
  };
}
