import { AppError } from '../../base/errors.ts';
import type { ExactJson } from '../../base/exact-json.ts';
import type { AddFile, PartitionValues } from '../log/actions.ts';
import { columnMappingMode, storedName } from '../log/physical-schema.ts';
import { checkWritable } from '../log/table-features.ts';
import { indexedColumnsOf, type Snapshot } from '../scan/snapshot.ts';
import { type CommitOutcome, checkTakesRemoves, commitWork, isDone } from '../transaction/commit-loop.ts';
import { READ_NOTHING, type Reads, removeOf, type TransactionContext } from '../transaction/work.ts';
import type { Row } from '../types/cell.ts';
import { type Transaction, transactionsOf } from './change-request.ts';
import { type DataFileWriter, dataFileWriter } from './data-file-writer.ts';
import { withHighWaterMarks } from './identity-values.ts';
import { type PartitionTest, partitionTest } from './partition-test.ts';
import { type RowRules, rowRules } from './row-rules.ts';
import { isWithoutRules, tableRules } from './table-rules.ts';
import { discardFiles } from './write-session.ts';

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

/** Rows of a data file: few files, and each written within bounded memory. */
const MAX_FILE_ROWS = 500_000;

/** Adds rows. */
export async function appendRows(context: TransactionContext, request: AppendRequest): Promise<CommitOutcome> {
  return commitRows(context, request, undefined);
}

/** Replaces partitions. */
export async function replacePartitions(context: TransactionContext, request: ReplaceRequest): Promise<CommitOutcome> {
  return commitRows(context, request, request.partitions);
}

/** Partitions by the names that files go by. @throws AppError invalid_request for a column that is none of the partition. */
function storedPartitions(snapshot: Snapshot, partitions: readonly PartitionValues[]): PartitionValues[] {
  const mode = columnMappingMode(snapshot);
  const nameOf = (name: string): string => {
    const found = snapshot.schema.fields.find((item) => item.name === name);
    if (found === undefined || !snapshot.partitionColumns.includes(name)) {
      throw new AppError('invalid_request', `The table ${snapshot.table} is not partitioned by ${name}`, {
        column: name,
      });
    }
    return storedName(found, mode);
  };
  return partitions.map((values) =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [nameOf(name), value])),
  );
}

/** Begins an append. @throws AppError table_unsupported. */
export async function startAppend(
  context: TransactionContext,
  request: Omit<AppendRequest, 'rows'>,
): Promise<TableAppend> {
  return start(context, request, request.basedOn ?? (await context.snapshot()), undefined);
}

async function commitRows(
  context: TransactionContext,
  request: AppendRequest,
  partitions: readonly PartitionValues[] | undefined,
): Promise<CommitOutcome> {
  const snapshot = request.basedOn ?? (await context.snapshot());
  const begun = start(context, request, snapshot, partitions);
  if (isDone(snapshot, { transactions: transactionsOf(request.txn) })) {
    return { kind: 'already_committed', version: snapshot.version };
  }
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
  replaced: readonly PartitionValues[] | undefined,
): BegunCommit {
  const isReplaced = replaced === undefined ? undefined : partitionTest(snapshot, storedPartitions(snapshot, replaced));
  checkWritable(context.log.table, snapshot.protocol, snapshot.metadata);
  if (isReplaced !== undefined) checkTakesRemoves(snapshot);
  const writer = startWriter(context, snapshot, request.maxFileRows ?? MAX_FILE_ROWS);
  const tableOwn = tableRules(snapshot, BigInt(context.nowMs()) * 1000n);
  const rules = isWithoutRules(tableOwn) ? undefined : rowRules(snapshot.table, snapshot.schema, tableOwn);
  const discard = (): Promise<void> => discardFiles(context, writer.written);
  return {
    write: (rows) => writer.write(rules === undefined ? rows : ruled(rows, rules)),
    discard,
    async commit() {
      const outcome = await commitWritten(context, request, snapshot, { writer, isReplaced, discard, rules });
      // Files of a commit that did not come about are nobody's.
      if (outcome.kind !== 'committed') await discard();
      return outcome;
    },
  };
}

interface WrittenFiles {
  readonly writer: DataFileWriter;
  /** Whether a file lies in a partition that is replaced; undefined where rows are only added. */
  readonly isReplaced: PartitionTest | undefined;
  /** What fills and checks rows; undefined where the schema is all. */
  readonly rules: RowRules | undefined;
  discard(): Promise<void>;
}

async function* ruled(rows: AppendRequest['rows'], rules: RowRules): AsyncIterable<Row> {
  for await (const row of rows) yield rules.apply(row);
}

async function commitWritten(
  context: TransactionContext,
  request: Omit<AppendRequest, 'rows'>,
  snapshot: Snapshot,
  { writer, isReplaced, discard, rules }: WrittenFiles,
): Promise<CommitOutcome> {
  const transactions = transactionsOf(request.txn);
  if (isDone(snapshot, { transactions })) return { kind: 'already_committed', version: snapshot.version };
  const adds = await writer.finish().catch(async (error: unknown) => {
    await discard();
    throw error;
  });
  const replaced = isReplaced === undefined ? [] : [...snapshot.filesWhere(isReplaced)].map(({ add }) => add);
  const removes = replaced.map((add) => removeOf(add, context.nowMs(), true));
  if (adds.length === 0 && removes.length === 0 && request.allowEmpty !== true) {
    return { kind: 'nothing', version: snapshot.version };
  }
  const { operation = 'WRITE', commitMetadata } = request;
  const marks = rules?.highWaterMarks;
  // An error from here on leaves the files: it may be unknown whether a commit names them.
  const outcome = await commitWork(context, snapshot, {
    operation,
    parameters: { mode: isReplaced === undefined ? 'Append' : 'Overwrite' },
    metrics: {
      numFiles: String(adds.length),
      numRemovedFiles: String(removes.length),
      numOutputRows: String(writer.rows),
      numOutputBytes: String(adds.reduce((sum, { size }) => sum + Number(size), 0)),
    },
    ...(commitMetadata === undefined ? {} : { userMetadata: JSON.stringify(commitMetadata) }),
    ...(request.readsRows === true ? { isolation: 'Serializable' as const } : {}),
    reads: readsOf(context, request, isReplaced, replaced, transactions),
    adds,
    removes,
    transactions,
    ...(marks === undefined || marks.size === 0 ? {} : { metadata: withHighWaterMarks(snapshot.metadata, marks) }),
  });
  return outcome.kind === 'committed' ? { ...outcome, files: adds.length, rows: writer.rows } : outcome;
}

function readsOf(
  { log }: TransactionContext,
  { readsRows }: Pick<AppendRequest, 'readsRows'>,
  isReplaced: PartitionTest | undefined,
  replaced: readonly AddFile[],
  transactions: readonly Transaction[],
): Reads {
  const appIds = new Set(transactions.map(({ appId }) => appId));
  if (readsRows === true) return { ...READ_NOTHING, wholeTable: true, appIds };
  if (isReplaced === undefined) return { ...READ_NOTHING, appIds };
  return {
    wholeTable: false,
    predicates: [({ partitionValues }) => isReplaced(partitionValues)],
    files: new Set(replaced.map(({ path }) => log.keyOf(path))),
    appIds,
  };
}

function startWriter(context: TransactionContext, snapshot: Snapshot, maxFileRows: number): DataFileWriter {
  return dataFileWriter({
    store: snapshot.store,
    table: snapshot.table,
    schema: snapshot.schema,
    partitionColumns: snapshot.partitionColumns,
    mapping: columnMappingMode(snapshot),
    indexedColumns: indexedColumnsOf(snapshot),
    maxFileRows,
    nowMs: context.nowMs,
    newUuid: context.newUuid,
  });
}
