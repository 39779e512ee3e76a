import { AppError } from '../../base/errors.ts';
import type { ExactJson } from '../../base/exact-json.ts';
import { putCommit } from '../log/committer.ts';
import type { Action, AddFile, PartitionValues, RemoveFile } from '../log/delta-actions.ts';
import type { Log } from '../log/log.ts';
import { checkWritable, isAppendOnly } from '../log/protocol-support.ts';
import { type DataFileWriter, dataFileWriter, type Row } from '../parquet/data-file-writer.ts';
import { indexedColumnsOf, type Snapshot } from '../scan/snapshot.ts';
import { type ConflictReason, findConflict, type ReadSet } from './conflict.ts';

/** How far an application has come with this commit. */
export interface Transaction {
  readonly appId: string;
  readonly version: number;
}

/** Rows to add. */
export interface AppendRequest {
  readonly rows: Iterable<Row> | AsyncIterable<Row>;
  /** Makes the append happen once: a table that has this version of the application, or a later one, is left as it is. */
  readonly txn?: Transaction | readonly Transaction[];
  /** What history calls the commit; WRITE unless told. */
  readonly operation?: string;
  /** Kept in `commitInfo.userMetadata` as JSON. */
  readonly commitMetadata?: Readonly<Record<string, ExactJson>>;
  /** Commit also when there are no rows (to record a txn). */
  readonly allowEmpty?: boolean;
  /**
   * The snapshot that the rows were made from; the newest without it. A txn of an application of
   * this commit that came since is a conflict.
   */
  readonly basedOn?: Snapshot;
  /** Whether the rows were made from the table's own rows too: then any that came or went since are a conflict. */
  readonly readsRows?: boolean;
  /** Rows after which a new file begins; 500,000 unless told. */
  readonly maxFileRows?: number;
}

/** Partitions to replace. */
export interface ReplaceRequest extends AppendRequest {
  /** Values of all partition columns, in their text form; every file with one of these goes. */
  readonly partitions: readonly PartitionValues[];
}

/** An append whose rows come bit by bit; nothing of it is in the table before its commit. */
export interface TableAppend {
  write(rows: readonly Row[]): Promise<void>;
  commit(): Promise<CommitOutcome>;
  /** Gives up: what was written already is deleted. */
  discard(): Promise<void>;
}

/** What became of a commit. */
export type CommitOutcome =
  | { readonly kind: 'committed'; readonly version: number; readonly files: number; readonly rows: number }
  /** The application's version was in the table before; nothing was written. */
  | { readonly kind: 'already_committed'; readonly version: number }
  /** There was nothing to write. */
  | { readonly kind: 'nothing'; readonly version: number }
  | { readonly kind: 'conflict'; readonly reason: ConflictReason | 'too_many_attempts'; readonly version: number };

/** What a transaction works with. */
export interface TransactionContext {
  readonly log: Log;
  readonly nowMs: () => number;
  readonly newUuid: () => string;
  readonly engineInfo: string;
}

/** Rows of a data file: few files, and each written within bounded memory. */
const MAX_FILE_ROWS = 500_000;

/** Lost races after which a commit gives up; with ten writers a commit loses four times at most in 99.9 % of cases. */
const MAX_ATTEMPTS = 50;

/** Adds rows. */
export async function appendRows(context: TransactionContext, request: AppendRequest): Promise<CommitOutcome> {
  return commitRows(context, request, undefined);
}

/** Replaces partitions. */
export async function replacePartitions(context: TransactionContext, request: ReplaceRequest): Promise<CommitOutcome> {
  return commitRows(context, request, request.partitions);
}

/** Begins an append. @throws AppError table_unsupported. */
export async function startAppend(
  context: TransactionContext,
  request: Omit<AppendRequest, 'rows'>,
): Promise<TableAppend> {
  return start(context, request, request.basedOn ?? (await context.log.newest()), undefined);
}

async function commitRows(
  context: TransactionContext,
  request: AppendRequest,
  partitions: readonly PartitionValues[] | undefined,
): Promise<CommitOutcome> {
  const snapshot = request.basedOn ?? (await context.log.newest());
  const begun = start(context, request, snapshot, partitions);
  const done = alreadyDone(snapshot, transactionsOf(request));
  if (done !== undefined) return done;
  try {
    await begun.write(request.rows);
  } catch (error) {
    await begun.discard();
    throw error;
  }
  return begun.commit();
}

interface BegunCommit extends TableAppend {
  write(rows: AppendRequest['rows']): Promise<void>;
}

function start(
  context: TransactionContext,
  request: Omit<AppendRequest, 'rows'>,
  snapshot: Snapshot,
  partitions: readonly PartitionValues[] | undefined,
): BegunCommit {
  checkWritable(context.log.table, snapshot.protocol, snapshot.metadata);
  if (partitions !== undefined && isAppendOnly(snapshot.metadata)) {
    throw new AppError('table_unsupported', `The table ${context.log.table} takes appends only (delta.appendOnly)`);
  }
  const writer = startWriter(context, snapshot, request.maxFileRows ?? MAX_FILE_ROWS);
  const discard = (): Promise<void> => discardFiles(context, writer.written);
  return {
    write: (rows) => writer.write(rows),
    discard,
    async commit() {
      const outcome = await commitWritten(context, request, snapshot, { writer, partitions, discard });
      // Files of a commit that did not come about are nobody's.
      if (outcome.kind !== 'committed') await discard();
      return outcome;
    },
  };
}

interface WrittenFiles {
  readonly writer: DataFileWriter;
  readonly partitions: readonly PartitionValues[] | undefined;
  discard(): Promise<void>;
}

async function commitWritten(
  context: TransactionContext,
  request: Omit<AppendRequest, 'rows'>,
  snapshot: Snapshot,
  { writer, partitions, discard }: WrittenFiles,
): Promise<CommitOutcome> {
  const transactions = transactionsOf(request);
  const done = alreadyDone(snapshot, transactions);
  if (done !== undefined) return done;
  const adds = await writer.finish().catch(async (error: unknown) => {
    await discard();
    throw error;
  });
  const removes = partitions === undefined ? [] : removesOf(snapshot, partitions, context.nowMs());
  if (adds.length === 0 && removes.length === 0 && request.allowEmpty !== true) {
    return { kind: 'nothing', version: snapshot.version };
  }
  const reads = readSetOf(context.log, request, partitions, removes, transactions);
  // An error from here on leaves the files: it may be unknown whether a commit names them.
  return commitActions(context, snapshot, { request, transactions, adds, removes, rows: writer.rows, reads });
}

interface Change {
  readonly request: Omit<AppendRequest, 'rows'>;
  readonly transactions: readonly Transaction[];
  readonly adds: readonly AddFile[];
  readonly removes: readonly RemoveFile[];
  readonly rows: number;
  readonly reads: ReadSet;
}

async function commitActions(context: TransactionContext, read: Snapshot, change: Change): Promise<CommitOutcome> {
  const { log } = context;
  let base = read;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    // A body of its own for each try, with a fresh txnId: what was refused must not be taken for ours.
    const txnId = context.newUuid();
    const version = base.version + 1;
    const actions = actionsOf(context, change, read.version, txnId);
    if ((await putCommit(log.store, log.table, version, actions, txnId)) === 'created') {
      return { kind: 'committed', version, files: change.adds.length, rows: change.rows };
    }
    await backOff(attempt);
    const newest = await log.newest();
    const done = alreadyDone(newest, change.transactions);
    if (done !== undefined) return done;
    for (let winner = version; winner <= newest.version; winner += 1) {
      const actions = await log.commit(winner);
      if (actions === undefined) throw new AppError('table_corrupt', `The commit ${winner} of ${log.table} is gone`);
      const reason = findConflict(log.table, change.reads, actions);
      if (reason !== undefined) return { kind: 'conflict', reason, version: winner };
    }
    base = newest;
  }
  return { kind: 'conflict', reason: 'too_many_attempts', version: base.version };
}

function actionsOf(context: TransactionContext, change: Change, readVersion: number, txnId: string): Action[] {
  const { request, transactions, adds, removes } = change;
  const nowMs = context.nowMs();
  const bytes = adds.reduce((sum, { size }) => sum + Number(size), 0);
  const isBlind = change.reads.files === 'none';
  const commitInfo = {
    timestamp: nowMs,
    operation: request.operation ?? 'WRITE',
    operationParameters: { mode: removes.length > 0 ? 'Overwrite' : 'Append' },
    readVersion,
    isBlindAppend: isBlind,
    operationMetrics: {
      numFiles: String(adds.length),
      numRemovedFiles: String(removes.length),
      numOutputRows: String(change.rows),
      numOutputBytes: String(bytes),
    },
    engineInfo: context.engineInfo,
    txnId,
    ...(request.commitMetadata === undefined ? {} : { userMetadata: JSON.stringify(request.commitMetadata) }),
  };
  return [
    { commitInfo },
    ...transactions.map((txn) => ({ txn: { ...txn, lastUpdated: nowMs } })),
    ...removes.map((remove) => ({ remove })),
    ...adds.map((add) => ({ add })),
  ];
}

function transactionsOf({ txn }: Pick<AppendRequest, 'txn'>): readonly Transaction[] {
  if (txn === undefined) return [];
  return isTransactionList(txn) ? txn : [txn];
}

function isTransactionList(txn: Transaction | readonly Transaction[]): txn is readonly Transaction[] {
  return Array.isArray(txn);
}

/** A commit of several applications is done when all of them are. */
function alreadyDone(snapshot: Snapshot, transactions: readonly Transaction[]): CommitOutcome | undefined {
  if (transactions.length === 0) return undefined;
  const isDone = transactions.every(({ appId, version }) => (snapshot.transactionVersion(appId) ?? -1) >= version);
  return isDone ? { kind: 'already_committed', version: snapshot.version } : undefined;
}

function readSetOf(
  log: Log,
  request: Pick<AppendRequest, 'readsRows'>,
  partitions: readonly PartitionValues[] | undefined,
  removes: readonly RemoveFile[],
  transactions: readonly Transaction[],
): ReadSet {
  const appIds = new Set(transactions.map(({ appId }) => appId));
  if (request.readsRows === true) return { files: 'all', removedKeys: new Set(), appIds };
  if (partitions === undefined) return { files: 'none', removedKeys: new Set(), appIds };
  return {
    files: ({ partitionValues }) => partitions.some((partition) => isIn(partitionValues, partition)),
    removedKeys: new Set(removes.map(({ path }) => log.keyOf(path))),
    appIds,
  };
}

function removesOf(snapshot: Snapshot, partitions: readonly PartitionValues[], nowMs: number): RemoveFile[] {
  const removes: RemoveFile[] = [];
  for (const { add } of snapshot.files) {
    if (!partitions.some((partition) => isIn(add.partitionValues, partition))) continue;
    removes.push({
      path: add.path,
      deletionTimestamp: nowMs,
      dataChange: true,
      extendedFileMetadata: true,
      partitionValues: add.partitionValues,
      size: add.size,
    });
  }
  return removes;
}

function isIn(values: PartitionValues, partition: PartitionValues): boolean {
  return Object.entries(partition).every(([name, value]) => (values[name] ?? null) === value);
}

function startWriter(context: TransactionContext, snapshot: Snapshot, maxFileRows: number): DataFileWriter {
  return dataFileWriter({
    store: snapshot.store,
    table: snapshot.table,
    schema: snapshot.schema,
    partitionColumns: snapshot.partitionColumns,
    indexedColumns: indexedColumnsOf(snapshot.metadata),
    maxFileRows,
    nowMs: context.nowMs,
    newUuid: context.newUuid,
  });
}

/** Deletes data files that no commit names. What fails here is left to VACUUM. */
async function discardFiles({ log }: TransactionContext, adds: readonly AddFile[]): Promise<void> {
  for (const { path } of adds) await log.store.delete(log.keyOf(path)).catch(() => undefined);
}

/** Waits a little longer after each lost race, by chance, so that writers do not stay in step. */
async function backOff(attempt: number): Promise<void> {
  const limitMs = Math.min(200, 2 ** Math.min(attempt, 8));
  await new Promise((resolve) => setTimeout(resolve, Math.random() * limitMs));
}
