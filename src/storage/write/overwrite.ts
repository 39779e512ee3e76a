import { AppError } from '../../base/errors.ts';
import type { Formula } from '../expression/expressions.ts';
import type { Snapshot } from '../scan/snapshot.ts';
import { type CommitOutcome, checkTakesRemoves, commitWork } from '../transaction/commit-loop.ts';
import { removeOf, type TransactionContext } from '../transaction/work.ts';
import { findField, isSameType, typeName } from '../types/delta-type.ts';
import { sqlName, sqlTypeOf } from '../types/sql-types.ts';
import { commonWork, conditionOf, keepsRowIds, tellsChanges, transactionsOf } from './change-request.ts';
import { evolvedSchema } from './evolve-schema.ts';
import { type GuardedQuery, guardedQuery, settledRows } from './guarded-query.ts';
import { marksAfter, withHighWaterMarks } from './identity-values.ts';
import { writeQuery } from './query-writer.ts';
import { type RedefinedTable, redefined } from './redefine-table.ts';
import { type ReplaceMode, replacedFiles } from './replaced-files.ts';
import { type RowSource, type StagedRows, stageRows } from './row-source.ts';
import { type TableRules, tableRules } from './table-rules.ts';
import { isWider } from './widen-type.ts';
import { discardFiles, type WriteSession, withSession } from './write-session.ts';

/** Rows to write, and what they replace. */
export interface WriteRequest extends ReplaceMode {
  readonly source: RowSource;
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
  return withSession(context, request, async (read) => {
    if (request.mode !== 'append') checkTakesRemoves(read.snapshot);
    const staged = await stageRows(read.db, request.source, read.snapshot.schema);
    const schema = request.mergeSchema === true ? evolvedSchema(read.snapshot, staged.schema) : undefined;
    if (schema === undefined) return replace(read, request, staged);
    const { snapshot, change } = redefined(read.snapshot, { schema });
    return replace({ ...read, snapshot }, request, staged, change);
  });
}

async function replace(
  session: WriteSession,
  request: WriteRequest,
  staged: StagedRows,
  definition: Partial<RedefinedTable['change']> = {},
): Promise<CommitOutcome> {
  const { context, db, snapshot } = session;
  const condition =
    request.replaceWhere === undefined ? undefined : conditionOf(snapshot, request.replaceWhere, context.nowMs());
  const { guarded, rules } = newRows(session, staged, condition);
  // With a change feed they may be read twice.
  const rows =
    condition !== undefined && tellsChanges(snapshot) ? await settledRows(db, guarded, 'new_rows') : guarded.sql;
  const written = await writeQuery(context, db, snapshot, { sql: rows });
  const marks = marksAfter(rules.identities, guarded.numbered, BigInt(written.rows));
  const replaced = await replacedFiles(session, request, { adds: written.adds, condition, rows });
  const removes = replaced.files.map(({ add }) => removeOf(add, context.nowMs(), true));
  if (written.adds.length === 0 && removes.length === 0 && transactionsOf(request.txn).length === 0) {
    return { kind: 'nothing', version: snapshot.version };
  }
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
    ...definition,
    ...(marks.size === 0 ? {} : { metadata: withHighWaterMarks(snapshot.metadata, marks) }),
    keepsRowIds: keepsRowIds(snapshot),
  });
  if (outcome.kind === 'committed') return { ...outcome, files: adds.length, rows: written.rows };
  await discardFiles(context, [...adds, ...replaced.cdc]);
  return outcome;
}

/** The rows to write, as the table takes them. */
interface NewRows {
  readonly guarded: GuardedQuery;
  readonly rules: TableRules;
}

function newRows({ context, snapshot }: WriteSession, staged: StagedRows, condition: Formula | undefined): NewRows {
  const rules = tableRules(snapshot, BigInt(context.nowMs()) * 1000n);
  const checks = condition === undefined ? rules.checks : [...rules.checks, { name: 'replaceWhere', condition }];
  const given = new Map(staged.schema.fields.map(({ name }) => [columnIn(snapshot, name), name] as const));
  const columns = [...given].map(([own, name]) => `${fittingSql(snapshot, staged, own, name)} AS ${sqlName(own)}`);
  const relation = `(SELECT ${columns.join(', ')} FROM ${staged.sql})`;
  return { guarded: guardedQuery(snapshot, { ...rules, checks }, relation, new Set(given.keys())), rules };
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
  const found = findField(schema, name);
  if (found !== undefined) return found.name;
  throw new AppError('invalid_request', `The table ${table} has no column ${name}`, { table, column: name });
}
