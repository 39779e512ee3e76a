import type { AppError } from '../../base/errors.ts';
import { type DeltaType, typeName } from '../types/delta-type.ts';
import { typeArithmetic } from './arithmetic-types.ts';
import { assignmentTo } from './assignment-rules.ts';
import { type BoundExpression, type BoundTest, castTo, nullOf } from './bound-expression.ts';
import { isCastable } from './cast-rules.ts';
import type { CaseExpression, Expression, InExpression } from './expression.ts';
import { type ExpressionOrigin, expressionRefused } from './expression-error.ts';
import { EXPRESSION_LIMITS, isTooDeep } from './expression-limits.ts';
import { positionOf } from './expression-position.ts';
import { patternCharacters } from './like-pattern.ts';
import { literalAs } from './literal-fit.ts';
import { comparableOperands, mismatch, type Refuse, sameTypeOperands, withFloatLiterals } from './match-types.ts';
import { concatOf, resolveCall } from './resolve-call.ts';
import { resolveColumn, type Scope } from './resolve-column.ts';
import { familyOf, isFloating } from './type-rules.ts';

/** What an expression is bound to. */
export interface ResolveContext {
  readonly scope: Scope;
  /** Whose expression it is: how errors begin, and their code. */
  readonly origin: ExpressionOrigin;
  /** The instant of `current_timestamp()` in microseconds since 1970; without it such functions are refused. */
  readonly now?: bigint;
}

/**
 * Binds an expression to a scope and types its every part, by the rules of `type-rules.ts`: nothing
 * is cast that could change a value.
 *
 * @throws AppError of the origin's code for unknown names, for types that do not go together, with
 *   the position of the part that it is about, and for what nests beyond the limit.
 */
export function resolveExpression(expression: Expression, context: ResolveContext): BoundExpression {
  checkDepth(expression, context);
  return resolve(expression, context);
}

/** As {@link resolveExpression}, for a condition. @throws AppError where it is not boolean. */
export function resolvePredicate(expression: Expression, context: ResolveContext): BoundExpression {
  checkDepth(expression, context);
  return resolveBoolean(expression, context);
}

/**
 * As {@link resolveExpression}, for a value that goes into a column of a type: a SET, a default or a
 * generated column. It is of exactly that type, by the rules of `assignment-rules.ts`.
 *
 * @throws AppError where the value does not go into the type.
 */
export function resolveAssignment(expression: Expression, target: DeltaType, context: ResolveContext): BoundExpression {
  return assignmentTo(resolveExpression(expression, context), target, refusalOf(expression, context));
}

/** The walks below are recursive, and a caller may build an expression without the parser. */
function checkDepth(expression: Expression, { origin }: ResolveContext): void {
  if (isTooDeep(expression)) throw expressionRefused(origin, `it nests deeper than ${EXPRESSION_LIMITS.depth} levels`);
}

function resolve(expression: Expression, context: ResolveContext): BoundExpression {
  const refuse = refusalOf(expression, context);
  const all = (parts: readonly Expression[]): readonly BoundExpression[] => parts.map((part) => resolve(part, context));
  switch (expression.kind) {
    case 'literal':
      return expression;
    case 'column':
      return resolveColumn(expression.path, context.scope, refuse);
    case 'comparison': {
      const { left, right } = expression;
      const [a, b] = pairOf(comparableOperands(all([left, right]), refuse));
      return { kind: 'comparison', type: 'boolean', op: expression.op, left: a, right: b };
    }
    case 'and':
    case 'or': {
      const operands = expression.operands.map((operand) => resolveBoolean(operand, context));
      return { kind: expression.kind, type: 'boolean', operands };
    }
    case 'not':
      return testOf('not', resolveBoolean(expression.operand, context));
    case 'isNull':
      return testOf('isNull', resolve(expression.operand, context));
    case 'isTruth': {
      const operand = resolveBoolean(expression.operand, context);
      return testOf(TRUTH_TESTS[expression.truth], operand);
    }
    case 'in':
      return resolveIn(expression, context, refuse);
    case 'between': {
      const [operand, low, high] = comparableOperands(
        all([expression.operand, expression.low, expression.high]),
        refuse,
      );
      if (operand === undefined || low === undefined || high === undefined) throw refuse('BETWEEN takes two bounds');
      return { kind: 'between', type: 'boolean', operand, low, high };
    }
    case 'like':
      return resolveLike(expression, context, refuse);
    case 'arithmetic': {
      const operands = pairOf(all([expression.left, expression.right]));
      return { kind: 'arithmetic', op: expression.op, ...typeArithmetic(expression.op, operands, refuse) };
    }
    case 'negate': {
      const operand = resolve(expression.operand, context);
      const number = operand.type === 'void' ? castTo(operand, 'double') : operand;
      if (familyOf(number.type) !== 'exact' && !isFloating(number.type))
        throw refuse(`- does not take ${typeName(number.type)}`);
      return { kind: 'negate', type: number.type, operand: number };
    }
    case 'concat':
      return concatOf(all(expression.operands), refuse);
    case 'cast': {
      const operand = resolve(expression.operand, context);
      if (!isCastable(operand.type, expression.type)) {
        throw refuse(`there is no CAST of ${typeName(operand.type)} AS ${typeName(expression.type)}`);
      }
      return castTo(operand, expression.type);
    }
    case 'case':
      return resolveCase(expression, context, refuse);
    case 'call':
      return resolveCall(expression.name, all(expression.args), { refuse, now: context.now });
  }
}

const TRUTH_TESTS = { true: 'isTrue', false: 'isFalse', unknown: 'isNull' } as const;

function testOf(kind: BoundTest['kind'], operand: BoundExpression): BoundExpression {
  return { kind, type: 'boolean', operand };
}

function resolveBoolean(expression: Expression, context: ResolveContext): BoundExpression {
  const bound = resolve(expression, context);
  if (bound.type === 'boolean') return bound;
  if (bound.type === 'void') return nullOf('boolean');
  throw refusalOf(expression, context)(`it is ${typeName(bound.type)} where a condition stands`);
}

function resolveLike(
  expression: Extract<Expression, { kind: 'like' }>,
  context: ResolveContext,
  refuse: Refuse,
): BoundExpression {
  const bound = resolve(expression.operand, context);
  const operand = bound.type === 'void' ? nullOf('string') : bound;
  if (operand.type !== 'string') throw refuse(`LIKE does not take ${typeName(operand.type)}`);
  const pattern = patternCharacters(expression.pattern, expression.escape);
  if (pattern === undefined) throw refuse('only %, _ and the escape itself may follow the escape of a pattern');
  return { kind: 'like', type: 'boolean', operand, pattern };
}

function resolveIn({ operand, items }: InExpression, context: ResolveContext, refuse: Refuse): BoundExpression {
  const bound = items.map((item) => resolve(item, context));
  const literals = bound.filter((item) => item.kind === 'literal');
  const others = bound.filter((item) => item.kind !== 'literal');
  if (others.some((item) => item.kind !== 'column')) throw refuse('IN takes values and columns; write = and OR');
  const [left, ...columns] = sameTypeOperands([resolve(operand, context), ...others], refuse);
  if (left === undefined || left.type === 'void') return nullOf('boolean');
  if (familyOf(left.type) === undefined) throw refuse(`values of ${typeName(left.type)} do not compare`);
  // Beside floats a decimal is a double first, as in a comparison: 0.1 is not the float that is nearest to it.
  const [, ...typed] = withFloatLiterals([left, ...literals], refuse);
  const present = typed.filter((item) => item.kind === 'literal').filter(({ value }) => value !== null);
  for (const item of present) {
    if (familyOf(left.type) !== familyOf(item.type)) throw refuse(mismatch(left, item, 'compare'));
  }
  // What is not exactly a value of the operand's type is equal to none of them.
  const values = present.map((item) => literalAs(item, left.type)?.value ?? null).filter((value) => value !== null);
  return { kind: 'in', type: 'boolean', operand: left, values, columns, hasNull: present.length < literals.length };
}

function resolveCase(
  { operand, branches, otherwise }: CaseExpression,
  context: ResolveContext,
  refuse: Refuse,
): BoundExpression {
  const [subject, ...whens] = resolveWhens(
    operand,
    branches.map(({ when }) => when),
    context,
    refuse,
  );
  const results = [...branches.map(({ result }) => result), ...(otherwise === undefined ? [] : [otherwise])];
  const bound = sameTypeOperands(
    results.map((result) => resolve(result, context)),
    refuse,
  );
  const [first] = bound;
  return {
    kind: 'case',
    type: first?.type ?? 'void',
    operand: subject,
    branches: whens.map((when, at) => ({ when, result: bound[at] ?? nullOf('void') })),
    otherwise: otherwise === undefined ? undefined : bound.at(-1),
  };
}

/** The operand of a CASE, undefined where it has none, and its conditions. */
function resolveWhens(
  operand: Expression | undefined,
  whens: readonly Expression[],
  context: ResolveContext,
  refuse: Refuse,
): readonly [BoundExpression | undefined, ...BoundExpression[]] {
  if (operand === undefined) return [undefined, ...whens.map((when) => resolveBoolean(when, context))];
  const bound = [operand, ...whens].map((part) => resolve(part, context));
  const [subject, ...rest] = sameTypeOperands(comparableOperands(bound, refuse), refuse);
  return [subject, ...rest];
}

function pairOf(operands: readonly BoundExpression[]): readonly [BoundExpression, BoundExpression] {
  const [left = nullOf('void'), right = nullOf('void')] = operands;
  return [left, right];
}

function refusalOf(expression: Expression, { origin }: ResolveContext): Refuse {
  return (reason): AppError => expressionRefused(origin, reason, positionOf(expression));
}
