import { randomUUID } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { AppError } from '../base/errors.ts';
import { writeCheckpoint } from './log/checkpoint.ts';
import { putCommit } from './log/committer.ts';
import type { CommitInfo, Metadata } from './log/delta-actions.ts';
import { type Log, tableLog } from './log/log.ts';
import { hasLog } from './log/log-segment.ts';
import { OUR_PROTOCOL } from './log/protocol-support.ts';
import type { DataFile, Snapshot } from './scan/snapshot.ts';
import type { ObjectStore } from './store/object-store.ts';
import {
  type AppendRequest,
  appendRows,
  type CommitOutcome,
  type ReplaceRequest,
  replacePartitions,
  startAppend,
  type TableAppend,
} from './transaction/transaction.ts';
import { type StructType, serializeSchema } from './types/delta-schema.ts';

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
  /** Writes a checkpoint of the newest version now; appends do it by themselves every few commits. */
  checkpoint(): Promise<void>;
}

/** A commit of a table. */
export interface HistoryEntry {
  readonly version: number;
  /** Milliseconds since 1970; undefined where the commit says nothing. */
  readonly timestampMs: number | undefined;
  readonly operation: string | undefined;
  readonly commitInfo: CommitInfo;
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
  const outcome = await putCommit(store, path, 0, [{ commitInfo }, { protocol: OUR_PROTOCOL }, { metaData }], txnId);
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

/** Commits between checkpoints where the table does not say. */
const DEFAULT_CHECKPOINT_INTERVAL = 10;

/** Opens a table. Nothing is read before it is asked for. */
export function openTable(store: ObjectStore, path: string, environment: TableEnvironment): DeltaTable {
  const log = tableLog(store, path);
  const { clock, newUuid = randomUUID } = environment;
  const nowMs = (): number => Math.floor(clock.nowMicros() / 1000);
  const context = { log, nowMs, newUuid, engineInfo: ENGINE_INFO };
  const checkpointAt = async (snapshot: Snapshot): Promise<void> => {
    await writeCheckpoint(store, path, snapshot.state, nowMs());
  };
  const afterCommit = async (outcome: CommitOutcome): Promise<CommitOutcome> => {
    if (outcome.kind !== 'committed' || outcome.version === 0) return outcome;
    const snapshot = await log.newest();
    const interval = checkpointInterval(snapshot.metadata);
    // A checkpoint only saves readers time: the commit stands whether or not it succeeds.
    if (outcome.version % interval === 0) await checkpointAt(await log.at(outcome.version)).catch(() => undefined);
    return outcome;
  };
  return {
    store,
    path,
    snapshot: (version) => (version === undefined ? log.newest() : log.at(version)),
    history: (limit) => readHistory(log, limit),
    addedSince: (version) => readAddedSince(log, version),
    append: async (request) => afterCommit(await appendRows(context, request)),
    async startAppend(request) {
      const begun = await startAppend(context, request);
      return { ...begun, commit: async () => afterCommit(await begun.commit()) };
    },
    replacePartitions: async (request) => afterCommit(await replacePartitions(context, request)),
    checkpoint: async () => checkpointAt(await log.newest()),
  };
}

async function readHistory(log: Log, limit: number): Promise<readonly HistoryEntry[]> {
  const { version: newest } = await log.newest();
  const entries: HistoryEntry[] = [];
  for (let version = newest; version >= 0 && entries.length < limit; version -= 1) {
    const actions = await log.commit(version);
    // Older commits were cleaned up behind a checkpoint.
    if (actions === undefined) break;
    const info = actions.find((action) => 'commitInfo' in action);
    const commitInfo = info !== undefined && 'commitInfo' in info ? info.commitInfo : {};
    const { timestamp, operation } = commitInfo;
    entries.push({
      version,
      timestampMs: typeof timestamp === 'number' ? timestamp : undefined,
      operation: typeof operation === 'string' ? operation : undefined,
      commitInfo,
    });
  }
  return entries;
}

async function readAddedSince(log: Log, version: number): Promise<readonly DataFile[] | undefined> {
  const snapshot = await log.newest();
  const keys = new Set<string>();
  for (let at = version + 1; at <= snapshot.version; at += 1) {
    const actions = await log.commit(at);
    if (actions === undefined) return undefined;
    // A file that only moved rows together holds nothing new.
    for (const action of actions) if ('add' in action && action.add.dataChange) keys.add(log.keyOf(action.add.path));
  }
  return snapshot.files.filter(({ key }) => keys.has(key));
}

function checkpointInterval({ configuration }: Metadata): number {
  const text = configuration['delta.checkpointInterval'];
  const interval = text === undefined ? Number.NaN : Number(text);
  return Number.isInteger(interval) && interval > 0 ? interval : DEFAULT_CHECKPOINT_INTERVAL;
}

function tableExists(path: string): AppError {
  return new AppError('table_exists', `There is a Delta table at ${path} already`, { table: path });
}
