import { AppError } from '../../base/errors.ts';
import { bindPredicate, expressionSql, type Formula, parseExpression, sqlFault } from '../expression/expressions.ts';
import type { Metadata, Protocol } from '../log/actions.ts';
import { columnPathSql } from '../scan/column-path.ts';
import { duckdbScan } from '../scan/duckdb-scan.ts';
import { judgeFiles } from '../scan/prune-snapshot.ts';
import type { DataFile, Snapshot } from '../scan/snapshot.ts';
import { type CommitOutcome, checkTakesRemoves, commitWork, isDone } from '../transaction/commit-loop.ts';
import { READ_NOTHING, type Reads, removeOf, type TransactionContext } from '../transaction/work.ts';
import { isSameType, typeName } from '../types/delta-type.ts';
import { sqlName, sqlTypeOf } from '../types/sql-types.ts';
import {
  type ChangeRequest,
  commonWork,
  keepsRowIds,
  readsOf,
  rowIdPlaces,
  tellsChanges,
  transactionsOf,
} from './change-request.ts';
import { evolvedFor } from './evolve-schema.ts';
import { guardedQuery } from './guarded-query.ts';
import { identityAt, withHighWaterMarks } from './identity-values.ts';
import { writeQuery } from './query-writer.ts';
import { type RowSource, type StagedRows, stageRows } from './row-source.ts';
import { tableRules } from './table-rules.ts';
import { isWider } from './widen-type.ts';
import { discardFiles, type WriteSession, withSession } from './write-session.ts';

/** Rows to write, and what they replace. */
export interface WriteRequest extends ChangeRequest {
  readonly source: RowSource;
  /**
   * `append` replaces nothing, `overwrite` every row, or those of `replaceWhere`;
   * `overwrite-partitions` the partitions that the rows lie in.
   */
  readonly mode: 'append' | 'overwrite' | 'overwrite-partitions';
  /** A condition that every row must meet; with `overwrite` only rows that meet it are replaced. */
  readonly replaceWhere?: string;
  /** Whether columns that the table lacks become columns of it, and wider types widen its own. */
  readonly mergeSchema?: boolean;
}

/**
 * Writes rows that DuckDB reads, none of which passes through JavaScript: those of Parquet files, of
 * other versions and tables, and staged objects.
 *
 * @throws AppError invalid_request, constraint_violated, table_unsupported.
 */
export function writeRows(context: TransactionContext, request: WriteRequest): Promise<CommitOutcome> {
  return withSession(context, request.basedOn, async (read) => {
    if (isDone(read.snapshot, { transactions: transactionsOf(request.txn) })) {
      return { kind: 'already_committed', version: read.snapshot.version };
    }
    if (request.mode !== 'append') checkTakesRemoves(read.snapshot);
    const staged = await stageRows(read.db, request.source, read.snapshot.schema);
    const evolved = evolvedFor(read.snapshot, staged.schema, request.mergeSchema === true);
    const session = { ...read, snapshot: evolved.snapshot };
    try {
      return await replace(session, request, staged, evolved);
    } catch (error) {
      throw sqlFault(error) ?? error;
    }
  });
}

async function replace(
  session: WriteSession,
  request: WriteRequest,
  staged: StagedRows,
  evolved: { readonly metadata?: Metadata; readonly protocol?: Protocol },
): Promise<CommitOutcome> {
  const { context, snapshot } = session;
  const written = await writeNew(session, request, staged);
  const replaced = await replacedFiles(session, request, written.adds);
  const removes = replaced.files.map(({ add }) => removeOf(add, context.nowMs(), true));
  if (written.adds.length === 0 && removes.length === 0 && transactionsOf(request.txn).length === 0) {
    return { kind: 'nothing', version: snapshot.version };
  }
  const metadata = written.metadata ?? evolved.metadata;
  const adds = [...replaced.adds, ...written.adds];
  const outcome = await commitWork(context, snapshot, {
    operation: 'WRITE',
    parameters: {
      mode: request.mode === 'append' ? 'Append' : 'Overwrite',
      partitionBy: JSON.stringify(snapshot.partitionColumns),
      ...(request.replaceWhere === undefined ? {} : { predicate: request.replaceWhere }),
    },
    metrics: {
      numFiles: String(adds.length),
      numRemovedFiles: String(removes.length),
      numOutputRows: String(written.rows),
      numOutputBytes: String(adds.reduce((sum, { size }) => sum + Number(size), 0)),
    },
    ...commonWork(request),
    reads: replaced.reads,
    adds,
    removes,
    cdc: replaced.cdc,
    ...(metadata === undefined ? {} : { metadata }),
    ...(evolved.protocol === undefined ? {} : { protocol: evolved.protocol }),
    keepsRowIds: keepsRowIds(snapshot),
  });
  if (outcome.kind === 'committed') return { ...outcome, files: adds.length, rows: written.rows };
  await discardFiles(context, [...adds, ...replaced.cdc]);
  return outcome;
}

async function writeNew({ context, db, snapshot }: WriteSession, request: WriteRequest, staged: StagedRows) {
  const rules = tableRules(snapshot, BigInt(context.nowMs()) * 1000n);
  const bound =
    request.replaceWhere === undefined
      ? undefined
      : bindPredicate(parseExpression(request.replaceWhere), snapshot.schema);
  const checks = bound === undefined ? rules.checks : [...rules.checks, { name: 'replaceWhere', condition: bound }];
  const given = new Map(staged.schema.fields.map(({ name }) => [columnIn(snapshot, name), name] as const));
  const columns = [...given].map(([own, name]) => `${fittingSql(snapshot, staged, own, name)} AS ${sqlName(own)}`);
  const guarded = guardedQuery(
    snapshot,
    { ...rules, checks },
    `(SELECT ${columns.join(', ')} FROM ${staged.sql})`,
    new Set(given.keys()),
  );
  try {
    const { adds, rows } = await writeQuery(context, db, snapshot, { sql: guarded.sql });
    const marks = new Map<string, bigint>();
    for (const column of guarded.numbered) {
      const rule = rules.identities.get(column);
      if (rule !== undefined && rows > 0) marks.set(column, identityAt(rule, BigInt(rows) - 1n));
    }
    const metadata = marks.size === 0 ? undefined : withHighWaterMarks(snapshot.metadata, marks);
    return { adds, rows, metadata };
  } catch (error) {
    throw guarded.explain(error);
  }
}

/** A column of the rows as one of the table's type. @throws AppError invalid_request where it does not fit. */
function fittingSql({ schema }: Snapshot, staged: StagedRows, own: string, name: string): string {
  const wanted = schema.fields.find((item) => item.name === own)?.type ?? 'void';
  const given = staged.schema.fields.find((item) => item.name === name)?.type ?? 'void';
  if (isSameType(wanted, given)) return sqlName(name);
  if (given === 'void' || isWider(given, wanted)) return `CAST(${sqlName(name)} AS ${sqlTypeOf(wanted)})`;
  throw new AppError(
    'invalid_request',
    `The column ${own} is ${typeName(wanted)} and the rows have ${typeName(given)}: cast them first`,
    { column: own },
  );
}

function columnIn({ schema, table }: Snapshot, name: string): string {
  const found =
    schema.fields.find((item) => item.name === name) ??
    schema.fields.find((item) => item.name.toLowerCase() === name.toLowerCase());
  if (found !== undefined) return found.name;
  throw new AppError('invalid_request', `The table ${table} has no column ${name}`, { table, column: name });
}

/** What a write takes out, and what it read to know that. */
interface Replaced {
  readonly files: readonly DataFile[];
  /** Rows of those files that stay. */
  readonly adds: Awaited<ReturnType<typeof writeQuery>>['adds'];
  readonly cdc: Awaited<ReturnType<typeof writeQuery>>['cdc'];
  readonly reads: Reads;
}

async function replacedFiles(session: WriteSession, request: WriteRequest, adds: Replaced['adds']): Promise<Replaced> {
  const { snapshot } = session;
  const nothing = { files: [], adds: [], cdc: [] };
  const appIds = new Set(transactionsOf(request.txn).map(({ appId }) => appId));
  if (request.mode === 'append') return { ...nothing, reads: { ...READ_NOTHING, appIds } };
  if (request.mode === 'overwrite-partitions') {
    const written = new Set(adds.map(({ partitionValues }) => JSON.stringify(partitionValues)));
    const isReplaced = (values: DataFile['partitionValues']): boolean => written.has(JSON.stringify(values));
    const files = [...snapshot.filesWhere(isReplaced)];
    const predicates = [({ partitionValues }: Pick<DataFile, 'partitionValues'>) => isReplaced(partitionValues)];
    return {
      ...nothing,
      files,
      reads: { wholeTable: false, predicates, files: new Set(files.map(({ key }) => key)), appIds },
    };
  }
  if (request.replaceWhere === undefined) {
    return { ...nothing, files: snapshot.files, reads: readsOf(snapshot, snapshot.files, request, undefined) };
  }
  return replacedWhere(session, request, bindPredicate(parseExpression(request.replaceWhere), snapshot.schema));
}

async function replacedWhere(
  { context, db, snapshot }: WriteSession,
  request: WriteRequest,
  condition: Formula,
): Promise<Replaced> {
  const judged = judgeFiles(snapshot, condition);
  const files = judged.map(({ file }) => file);
  const partly = judged.filter(({ verdict }) => verdict === 'some').map(({ file }) => file);
  const reads = readsOf(snapshot, files, request, condition);
  const passes = expressionSql(condition, columnPathSql);
  const kept =
    partly.length === 0
      ? { adds: [] }
      : await writeQuery(context, db, snapshot, {
          sql: `(SELECT * FROM ${await duckdbScan(db, snapshot, { files: partly, places: rowIdPlaces(snapshot) })} WHERE (${passes}) IS NOT TRUE)`,
          keepsRowIds: keepsRowIds(snapshot),
        });
  if (!tellsChanges(snapshot) || partly.length === 0) return { files, adds: kept.adds, cdc: [], reads };
  throw new AppError(
    'table_unsupported',
    `replaceWhere of a table with a change data feed must take whole files: delete the rows and append the new ones`,
    { table: snapshot.table },
  );
}
