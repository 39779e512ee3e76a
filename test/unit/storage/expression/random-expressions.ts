import fc from 'fast-check';
import type {
  ArithmeticOperator,
  ComparisonOperator,
  Expression,
  FunctionName,
} from '../../../../src/storage/expression/expression.ts';
import { numberLiteral } from '../../../../src/storage/expression/parse-literal.ts';
import type { Cell } from '../../../../src/storage/types/cell.ts';
import { type DeltaType, decimalOf, isDecimal } from '../../../../src/storage/types/delta-type.ts';
import { COLUMNS, VALUES } from './random-rows.ts';

/*
 * Random expressions over the columns of `random-rows.ts`: of a kind of values each, so that most of
 * them bind. What does not (two decimals with no common type) is refused before anything is compared.
 */

/** Values that may stand for each other in an expression. */
export type Kind = 'bool' | 'int' | 'decimal' | 'float' | 'string' | 'binary' | 'date' | 'timestamp' | 'ntz';
const KINDS: readonly Kind[] = ['bool', 'int', 'decimal', 'float', 'string', 'binary', 'date', 'timestamp', 'ntz'];

const TYPES: Readonly<Record<Kind, readonly DeltaType[]>> = {
  bool: ['boolean'],
  int: ['byte', 'short', 'integer', 'long'],
  decimal: [
    decimalOf(5, 0),
    decimalOf(10, 2),
    decimalOf(20, 5),
    decimalOf(38, 10),
    decimalOf(38, 0),
    decimalOf(38, 38),
  ],
  float: ['float', 'double'],
  string: ['string'],
  binary: ['binary'],
  date: ['date'],
  timestamp: ['timestamp'],
  ntz: ['timestamp_ntz'],
};
const COMPARISONS: readonly ComparisonOperator[] = ['=', '<>', '<', '<=', '>', '>=', '<=>'];

/** An expression of a kind, of at most so many levels. */
export function expressionOf(kind: Kind, depth: number): fc.Arbitrary<Expression> {
  const key = `${kind} ${depth}`;
  const known =
    MADE.get(key) ?? fc.oneof(...(depth === 0 ? leaves(kind) : [...leaves(kind), ...branches(kind, depth - 1)]));
  MADE.set(key, known);
  return known;
}

const MADE = new Map<string, fc.Arbitrary<Expression>>();

/** Any expression of any kind. */
export function anyExpression(depth: number): fc.Arbitrary<Expression> {
  return fc.oneof(...KINDS.map((kind) => expressionOf(kind, depth)));
}

function leaves(kind: Kind): fc.Arbitrary<Expression>[] {
  const columns = COLUMNS.filter((column) => column.kind === kind).map(({ path }) => path);
  return [fc.constantFrom(...columns).map((path): Expression => ({ kind: 'column', path })), literalOf(kind)];
}

function literalOf(kind: Kind): fc.Arbitrary<Expression> {
  const typed = fc.constantFrom(...TYPES[kind]).chain((type) => {
    const values = VALUES[kind](type).filter((value) => !isNonFinite(value));
    return fc.constantFrom(...values).map((value) => literal(type, value));
  });
  return fc.oneof({ weight: 8, arbitrary: typed }, { weight: 1, arbitrary: fc.constant<Expression>(NULL) });
}

/** A literal as a text has it: a decimal's type is of as many digits as are written. */
function literal(type: DeltaType, value: Cell): Expression {
  const written = isDecimal(type) ? numberLiteral(`${String(value)}BD`) : undefined;
  return written ?? { kind: 'literal', type, value };
}

/** No literal has these. */
function isNonFinite(value: Cell): boolean {
  return typeof value === 'number' && !Number.isFinite(value);
}

const NULL: Expression = { kind: 'literal', type: 'void', value: null };

function branches(kind: Kind, depth: number): fc.Arbitrary<Expression>[] {
  return [...choices(kind, depth), ...OWN[kind](depth)];
}

/** What takes values of every kind: CASE, coalesce, greatest, least, nullif. */
function choices(kind: Kind, depth: number): fc.Arbitrary<Expression>[] {
  const inner = expressionOf(kind, depth);
  return [
    calls(['coalesce', 'greatest', 'least'], fc.array(inner, { minLength: 2, maxLength: 3 })),
    calls(['nullif'], fc.tuple(inner, inner)),
    fc
      .record({ when: expressionOf('bool', depth), result: inner, otherwise: fc.option(inner, { nil: undefined }) })
      .map(
        ({ when, result, otherwise }): Expression => ({
          kind: 'case',
          operand: undefined,
          branches: [{ when, result }],
          otherwise,
        }),
      ),
    fc
      .constantFrom(...KINDS)
      .chain((subject) =>
        fc.record({
          operand: expressionOf(subject, 0),
          whens: fc.array(expressionOf(subject, 0), { minLength: 1, maxLength: 2 }),
          result: inner,
          otherwise: fc.option(inner, { nil: undefined }),
        }),
      )
      .map(
        ({ operand, whens, result, otherwise }): Expression => ({
          kind: 'case',
          operand,
          branches: whens.map((when) => ({ when, result })),
          otherwise,
        }),
      ),
  ];
}

function calls(names: readonly FunctionName[], args: fc.Arbitrary<readonly Expression[]>): fc.Arbitrary<Expression> {
  return fc.tuple(fc.constantFrom(...names), args).map(([name, given]) => ({ kind: 'call', name, args: given }));
}

function call(names: readonly FunctionName[], kind: Kind, depth: number): fc.Arbitrary<Expression> {
  return calls(names, fc.tuple(expressionOf(kind, depth)));
}

function cast(from: readonly Kind[], types: readonly DeltaType[], depth: number): fc.Arbitrary<Expression> {
  return fc
    .tuple(fc.oneof(...from.map((kind) => expressionOf(kind, depth))), fc.constantFrom(...types))
    .map(([operand, type]) => ({ kind: 'cast', operand, type }));
}

function arithmetic(
  ops: readonly ArithmeticOperator[],
  left: fc.Arbitrary<Expression>,
  right: fc.Arbitrary<Expression>,
): fc.Arbitrary<Expression> {
  return fc
    .tuple(fc.constantFrom(...ops), left, right)
    .map(([op, a, b]): Expression => ({ kind: 'arithmetic', op, left: a, right: b }));
}

function negate(operand: fc.Arbitrary<Expression>): fc.Arbitrary<Expression> {
  return operand.map((inner): Expression => ({ kind: 'negate', operand: inner }));
}

function integer(value: number): Expression {
  return { kind: 'literal', type: 'integer', value };
}

const OWN: Readonly<Record<Kind, (depth: number) => fc.Arbitrary<Expression>[]>> = {
  bool: (depth) => conditions(depth),
  int(depth) {
    const inner = expressionOf('int', depth);
    return [
      arithmetic(['+', '-', '*', '%', 'div'], inner, inner),
      negate(inner),
      call(['abs', 'floor', 'ceil'], 'int', depth),
      call(['floor', 'ceil'], 'float', depth),
      call(['length'], 'string', depth),
      call(['length'], 'binary', depth),
      call(['year', 'month', 'day'], 'date', depth),
      call(['year', 'month', 'day', 'hour', 'minute', 'second'], 'timestamp', depth),
      call(['hour', 'minute', 'second', 'day'], 'ntz', depth),
      cast(['int', 'decimal', 'float', 'string'], TYPES.int, depth),
    ];
  },
  decimal(depth) {
    const [inner, whole] = [expressionOf('decimal', depth), expressionOf('int', depth)];
    return [
      arithmetic(['+', '-', '*', '%'], inner, inner),
      arithmetic(['+', '-', '*', '%'], inner, whole),
      arithmetic(['+', '-', '*', '%'], whole, inner),
      negate(inner),
      call(['abs', 'floor', 'ceil'], 'decimal', depth),
      cast(['int', 'decimal', 'string'], TYPES.decimal, depth),
    ];
  },
  float(depth) {
    const [inner, whole] = [expressionOf('float', depth), expressionOf('int', depth)];
    return [
      arithmetic(['+', '-', '*', '/', '%'], inner, inner),
      arithmetic(['/'], whole, whole),
      negate(inner),
      call(['abs'], 'float', depth),
      cast(['int', 'float'], TYPES.float, depth),
      cast(['decimal', 'string'], ['double'], depth),
    ];
  },
  string(depth) {
    const inner = expressionOf('string', depth);
    const bound = fc.integer({ min: -5, max: 5 }).map(integer);
    return [
      fc.array(inner, { minLength: 2, maxLength: 3 }).map((operands): Expression => ({ kind: 'concat', operands })),
      call(['lower', 'upper', 'trim', 'concat'], 'string', depth),
      calls(['substring'], fc.tuple(inner, bound)),
      calls(['substring'], fc.tuple(inner, bound, bound)),
      cast(['int', 'decimal', 'bool', 'date', 'timestamp', 'ntz'], ['string'], depth),
    ];
  },
  binary: (depth) => [calls(['concat'], fc.array(expressionOf('binary', depth), { minLength: 2, maxLength: 3 }))],
  date: (depth) => [
    call(['to_date'], 'timestamp', depth),
    cast(['string', 'timestamp', 'ntz', 'date'], ['date'], depth),
  ],
  timestamp(depth) {
    const unit = fc.constantFrom('YEAR', 'month', 'DAY', 'hour');
    return [
      calls(
        ['date_trunc'],
        fc.tuple(
          unit.map((value): Expression => ({ kind: 'literal', type: 'string', value })),
          expressionOf('timestamp', depth),
        ),
      ),
      cast(['date', 'ntz', 'string'], ['timestamp'], depth),
    ];
  },
  ntz: (depth) => [cast(['date', 'timestamp', 'string'], ['timestamp_ntz'], depth)],
};

function conditions(depth: number): fc.Arbitrary<Expression>[] {
  const inner = expressionOf('bool', depth);
  const chain = fc.array(inner, { minLength: 2, maxLength: 3 });
  const sameKind = fc.constantFrom(...KINDS);
  const pair = sameKind.chain((kind) => fc.tuple(expressionOf(kind, depth), expressionOf(kind, depth)));
  const exact = fc.constantFrom<Kind>('int', 'decimal');
  const exactPair = fc.tuple(exact, exact).chain(([a, b]) => fc.tuple(expressionOf(a, depth), expressionOf(b, depth)));
  const text = expressionOf('string', depth);
  return [
    fc
      .oneof(pair, exactPair)
      .chain(([left, right]) =>
        fc.constantFrom(...COMPARISONS).map((op): Expression => ({ kind: 'comparison', op, left, right })),
      ),
    sameKind
      .chain((kind) => fc.tuple(expressionOf(kind, depth), expressionOf(kind, depth), expressionOf(kind, depth)))
      .map(([operand, low, high]): Expression => ({ kind: 'between', operand, low, high })),
    sameKind
      .chain((kind) =>
        fc.tuple(
          expressionOf(kind, depth),
          fc.array(fc.oneof(literalOf(kind), ...leaves(kind)), { minLength: 1, maxLength: 5 }),
        ),
      )
      .map(([operand, items]): Expression => ({ kind: 'in', operand, items })),
    fc
      .tuple(text, fc.constantFrom('%', '', 'a%', '%a%', '_', '%\\%%', 'a_b%', "%'%", '_\u{1f600}%', '\\\\%', 'ab'))
      .map(([operand, pattern]): Expression => ({ kind: 'like', operand, pattern, escape: '\\' })),
    fc
      .tuple(fc.constantFrom<'and' | 'or'>('and', 'or'), chain)
      .map(([kind, operands]): Expression => ({ kind, operands })),
    inner.map((operand): Expression => ({ kind: 'not', operand })),
    fc
      .tuple(inner, fc.constantFrom<'true' | 'false' | 'unknown'>('true', 'false', 'unknown'))
      .map(([operand, truth]): Expression => ({ kind: 'isTruth', operand, truth })),
    anyKind(depth).map((operand): Expression => ({ kind: 'isNull', operand })),
  ];
}

function anyKind(depth: number): fc.Arbitrary<Expression> {
  return fc.constantFrom(...KINDS).chain((kind) => expressionOf(kind, depth));
}
