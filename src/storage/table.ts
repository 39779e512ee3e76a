import { randomUUID } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { AppError } from '../base/errors.ts';
import { encodeActions } from './log/action-json.ts';
import type { Metadata } from './log/actions.ts';
import { writeCheckpoint } from './log/checkpoint-write.ts';
import { putCommit } from './log/committer.ts';
import { type HistoryEntry, readHistory } from './log/history.ts';
import { hasLog } from './log/log-segment.ts';
import { BASE_PROTOCOL } from './log/table-features.ts';
import { tableLog } from './log/table-log.ts';
import { checkpointInterval } from './log/table-properties.ts';
import type { TableState } from './log/table-state.ts';
import { type DataFile, type Snapshot, snapshotOf } from './scan/snapshot.ts';
import type { ObjectStore } from './store/object-store.ts';
import type { CommitOutcome } from './transaction/commit-loop.ts';
import type { TransactionContext } from './transaction/work.ts';
import type { StructType } from './types/delta-type.ts';
import { serializeSchema } from './types/schema-json.ts';
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
  /** What commits said of themselves, the newest first. */
  history(limit: number): Promise<readonly HistoryEntry[]>;
  /**
   * Data files that commits after a version added and that are still there; undefined where a commit
   * since is gone, so that it cannot be told.
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
  /** Writes a checkpoint of the newest version now; appends do it by themselves every few commits. */
  checkpoint(): Promise<void>;
}

/** What a new table is. */
export interface TableDefinition {
  /** The path in the store, without a closing slash. */
  readonly path: string;
  readonly schema: StructType;
  readonly partitionColumns?: readonly string[];
  /** Table properties, `delta.…`. */
  readonly configuration?: Readonly<Record<string, string>>;
  readonly description?: string;
}

/**
 * Creates a table: version 0, without rows; reader version 1, writer version 2.
 *
 * @throws AppError table_exists.
 */
export async function createTable(
  store: ObjectStore,
  definition: TableDefinition,
  environment: TableEnvironment,
): Promise<DeltaTable> {
  const { path, schema, partitionColumns = [], configuration = {}, description } = definition;
  if (await hasLog(store, path)) throw tableExists(path);
  const newUuid = environment.newUuid ?? randomUUID;
  const nowMs = Math.floor(environment.clock.nowMicros() / 1000);
  const txnId = newUuid();
  const metaData: Metadata = {
    id: newUuid(),
    ...(description === undefined ? {} : { description }),
    format: { provider: 'parquet', options: {} },
    schemaString: serializeSchema(schema),
    partitionColumns,
    configuration,
    createdTime: nowMs,
  };
  const commitInfo = {
    timestamp: nowMs,
    operation: 'CREATE TABLE',
    operationParameters: { partitionBy: JSON.stringify(partitionColumns), properties: JSON.stringify(configuration) },
    operationMetrics: {},
    isBlindAppend: true,
    engineInfo: ENGINE_INFO,
    txnId,
  };
  const outcome = await putCommit(
    store,
    path,
    0,
    encodeActions([{ commitInfo }, { protocol: BASE_PROTOCOL }, { metaData }]),
    txnId,
  );
  if (outcome === 'lost') throw tableExists(path);
  return openTable(store, path, environment);
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
  const log = tableLog(store, path);
  const { clock, newUuid = randomUUID } = environment;
  const nowMs = (): number => Math.floor(clock.nowMicros() / 1000);
  let newest: Snapshot | undefined;
  const snapshot = async (version?: number): Promise<Snapshot> => {
    const state = await (version === undefined ? log.newest() : log.at(version));
    if (newest?.state === state) return newest;
    const made = snapshotOf(store, path, state, log.keyOf);
    if (version === undefined) newest = made;
    return made;
  };
  const context = { log, snapshot, nowMs, newUuid, engineInfo: ENGINE_INFO };
  const checkpointAt = (state: TableState): Promise<void> =>
    writeCheckpoint({ store, table: path, nowMs: nowMs(), newUuid }, state);
  const afterCommit = async (outcome: CommitOutcome): Promise<CommitOutcome> => {
    if (outcome.kind !== 'committed' || outcome.version === 0) return outcome;
    const { metadata } = await log.newest();
    // A checkpoint only saves readers time: the commit stands whether or not it succeeds.
    if (outcome.version % checkpointInterval(metadata) === 0)
      await checkpointAt(await log.at(outcome.version)).catch(() => undefined);
    return outcome;
  };
  return {
    store,
    path,
    snapshot,
    async history(limit) {
      const entries: HistoryEntry[] = [];
      for await (const entry of readHistory(log, await log.newest())) {
        if (entries.length >= limit) break;
        entries.push(entry);
      }
      return entries;
    },
    addedSince: (version) => readAddedSince(context, version),
    append: async (request) => afterCommit(await appendRows(context, request)),
    async startAppend(request) {
      const begun = await startAppend(context, request);
      return { ...begun, commit: async () => afterCommit(await begun.commit()) };
    },
    replacePartitions: async (request) => afterCommit(await replacePartitions(context, request)),
    write: async (request) => afterCommit(await writeRows(context, request)),
    delete: async (request) => afterCommit(await deleteRows(context, request)),
    update: async (request) => afterCommit(await updateRows(context, request)),
    merge: async (request) => afterCommit(await mergeRows(context, request)),
    checkpoint: async () => checkpointAt(await log.newest()),
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
    // A file that only moved rows together holds nothing new.
    for (const action of actions) if ('add' in action && action.add.dataChange) keys.add(log.keyOf(action.add.path));
  }
  return snapshot.files.filter(({ key }) => keys.has(key));
}

function tableExists(path: string): AppError {
  return new AppError('table_exists', `There is a Delta table at ${path} already`, { table: path });
}
