import type { BoundExpression } from '../expression/bound-expression.ts';
import type { Expression } from '../expression/expression.ts';
import { bindPredicate, type Formula, literalOf, parseExpression } from '../expression/expressions.ts';
import { columnPathSql } from '../scan/column-path.ts';
import { judgeFiles } from '../scan/prune-snapshot.ts';
import type { DataFile, Snapshot } from '../scan/snapshot.ts';
import { isSameType } from '../types/delta-type.ts';
import type { MergePlan } from './merge-plan.ts';
import type { WriteSession } from './write-session.ts';

/** Files that may have rows which belong to rows of the source. */
export interface MergeCandidates {
  readonly files: readonly DataFile[];
  /** What the files were chosen by, as a condition on the table; undefined where it says nothing. */
  readonly condition: Formula | undefined;
}

/**
 * Chooses the files to join: those whose statistics can meet the condition, with the least and the
 * greatest of the source's keys in the place of its columns.
 *
 * @param source a relation with the columns of the source.
 */
export async function mergeCandidates(
  { db, snapshot }: WriteSession,
  plan: MergePlan,
  source: string,
): Promise<MergeCandidates> {
  if (plan.bySource.length > 0) return { files: snapshot.files, condition: undefined };
  const keys = equalities(plan.on.tree, plan);
  const bounds: Expression[] = [];
  for (const { target, source: own } of keys) {
    const column = columnPathSql({ path: own });
    const [row] = await db.rows(`SELECT min(${column}) AS low, max(${column}) AS high FROM ${source}`);
    // Without a key no row of the source belongs to any.
    if (row === undefined || row.low === null || row.low === undefined)
      return { files: [], condition: falseOf(snapshot) };
    const left: Expression = { kind: 'column', path: target.path };
    bounds.push({ kind: 'comparison', op: '>=', left, right: literalOf(target.type, row.low) });
    bounds.push({ kind: 'comparison', op: '<=', left, right: literalOf(target.type, row.high ?? null) });
  }
  const own = judgeFiles(snapshot, plan.on, plan.target).map(({ file }) => file);
  if (bounds.length === 0) return { files: own, condition: undefined };
  const condition = bindPredicate({ kind: 'and', operands: bounds }, snapshot.schema);
  const inRange = new Set(judgeFiles(snapshot, condition).map(({ file }) => file.key));
  return { files: own.filter(({ key }) => inRange.has(key)), condition };
}

function falseOf({ schema }: Snapshot): Formula {
  return bindPredicate(parseExpression('false'), schema);
}

interface Equality {
  readonly target: Extract<BoundExpression, { kind: 'column' }>;
  readonly source: readonly string[];
}

/** Columns of the table that the condition asks to equal columns of the source of one type. */
function equalities(tree: BoundExpression, plan: MergePlan): Equality[] {
  if (tree.kind === 'and') return tree.operands.flatMap((operand) => equalities(operand, plan));
  if (tree.kind !== 'comparison' || tree.op !== '=') return [];
  const { left, right } = tree;
  if (left.kind !== 'column' || right.kind !== 'column' || !isSameType(left.type, right.type)) return [];
  // A literal cannot hold a NaN, and floats are no keys.
  if (left.type === 'double' || left.type === 'float' || left.type === 'binary' || left.type === 'boolean') return [];
  if (left.relation === plan.target && right.relation === plan.source) return [{ target: left, source: right.path }];
  if (right.relation === plan.target && left.relation === plan.source) return [{ target: right, source: left.path }];
  return [];
}
