import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../../../src/base/errors.ts';
import { decodeCell, encodeCell } from '../../../../src/storage/expression/cell-codec.ts';
import { comparatorOf } from '../../../../src/storage/expression/compare-values.ts';
import {
  bindPredicate,
  evaluate,
  type Formula,
  parseExpression,
  pruneFile,
} from '../../../../src/storage/expression/expressions.ts';
import type { FileFacts } from '../../../../src/storage/expression/file-facts.ts';
import type { Cell, CellRow } from '../../../../src/storage/types/cell.ts';
import { type DeltaType, decimalOf, field, structOf } from '../../../../src/storage/types/delta-type.ts';
import { expressionText } from './expression-text.ts';
import { expressionOf } from './random-expressions.ts';
import { COLUMNS, ROW, SCHEMA } from './random-rows.ts';

/** How a writer left a file's statistics. */
interface Writer {
  /** Rows of the file that a deletion vector has taken out. */
  readonly deleted: readonly CellRow[];
  /** Whether the deleted rows are still in the statistics. */
  readonly isWide: boolean;
  readonly partitionColumns: readonly string[];
  readonly prefixLength: number;
  /** What is left out: a letter of `lhnr` by column, low, high, null count, and `r` for the number of rows. */
  readonly missing: readonly string[];
}

const NAMES = COLUMNS.map(({ path }) => path.join('.'));
const WRITER: fc.Arbitrary<Writer> = fc.record({
  deleted: fc.array(ROW, { maxLength: 3 }),
  isWide: fc.boolean(),
  partitionColumns: fc.subarray(
    NAMES.filter((name) => !name.startsWith('st.')),
    { maxLength: 3 },
  ),
  prefixLength: fc.constantFrom(1, 2, 32),
  missing: fc.subarray(['r', ...NAMES.flatMap((name) => [`${name} l`, `${name} h`, `${name} n`])], { maxLength: 12 }),
});

function cellAt(row: CellRow, path: readonly string[]): Cell {
  let cell: Cell = row;
  for (const name of path) cell = (cell as CellRow | null)?.[name] ?? null;
  return cell;
}

function typeAt(path: readonly string[]): DeltaType {
  let type: DeltaType = SCHEMA;
  for (const name of path) {
    if (typeof type === 'object' && type.type === 'struct')
      type = type.fields.find((candidate) => candidate.name === name)?.type ?? 'void';
  }
  return type;
}

/** The log's facts of a file of rows, as a writer gives them. */
function factsOf(rows: readonly CellRow[], writer: Writer): FileFacts {
  const counted = writer.isWide ? [...rows, ...writer.deleted] : rows;
  const has = (path: readonly string[], what: string): boolean =>
    !writer.missing.includes(`${path.join('.')} ${what}`) && !writer.partitionColumns.includes(path.join('.'));
  const bound = (path: readonly string[], side: 'l' | 'h'): Cell | undefined =>
    has(path, side) && NAMES.includes(path.join('.'))
      ? boundOf(
          counted.map((row) => cellAt(row, path)),
          typeAt(path),
          side,
          writer,
        )
      : undefined;
  return {
    numRecords: writer.missing.includes('r') ? undefined : rows.length + writer.deleted.length,
    partitionValue: (path) =>
      writer.partitionColumns.includes(path.join('.'))
        ? { known: true, value: cellAt(rows[0] ?? {}, path) }
        : { known: false },
    min: (path) => bound(path, 'l'),
    max: (path) => bound(path, 'h'),
    nullCount: (path) =>
      has(path, 'n') && NAMES.includes(path.join('.'))
        ? counted.filter((row) => cellAt(row, path) === null).length
        : undefined,
  };
}

function boundOf(cells: readonly Cell[], type: DeltaType, side: 'l' | 'h', writer: Writer): Cell | undefined {
  const compare = comparatorOf(type, type);
  const values = cells
    .filter((cell) => cell !== null && !Number.isNaN(cell))
    .map((cell) => decodeCell(type, cell, 'a cell'));
  const [first = null, ...rest] = values;
  if (first === null) return undefined;
  const best = rest.reduce((a, b) => (compare(a, b) < 0 === (side === 'l') ? a : b), first);
  if (typeof best === 'string' && type === 'string') return cutText(best, side, writer.prefixLength);
  if ((type === 'timestamp' || type === 'timestamp_ntz') && typeof best === 'bigint') {
    const rest1000 = ((best % 1000n) + 1000n) % 1000n;
    return best - rest1000;
  }
  return typeof best === 'number' ? best + 0 : encodeCell(type, best);
}

/** Cut as Spark does: a bound above ends in a character that none is greater than. */
function cutText(text: string, side: 'l' | 'h', length: number): string | undefined {
  const characters = [...text];
  if (characters.length <= length) return text;
  const prefix = characters.slice(0, length).join('');
  if (side === 'l') return prefix;
  return characters[length] === '\u{10ffff}' ? undefined : `${prefix}\u{10ffff}`;
}

function isTrue(formula: Formula, row: CellRow): boolean {
  try {
    return evaluate(formula, row) === true;
  } catch (error) {
    if (error instanceof AppError) return false;
    throw error;
  }
}

describe('a condition for a file', () => {
  it('is "none" only where no row passes it and "all" only where every row does', () => {
    const verdicts = { none: 0, some: 0, all: 0 };
    const file = fc.tuple(fc.array(ROW, { minLength: 1, maxLength: 5 }), WRITER);
    fc.assert(
      fc.property(expressionOf('bool', 2), fc.array(file, { minLength: 8, maxLength: 8 }), (expression, files) => {
        let formula: Formula;
        try {
          formula = bindPredicate(expression, SCHEMA);
        } catch {
          return fc.pre(false);
        }
        for (const [own, writer] of files) {
          const same = Object.fromEntries(writer.partitionColumns.map((name) => [name, own[0]?.[name] ?? null]));
          const rows = own.map((row) => ({ ...row, ...same }));
          const passed = rows.filter((row) => isTrue(formula, row)).length;
          const verdict = pruneFile(formula, factsOf(rows, writer));
          verdicts[verdict] += 1;
          if (verdict === 'none') expect(passed, expressionText(expression)).toBe(0);
          if (verdict === 'all') expect(passed, expressionText(expression)).toBe(rows.length);
        }
      }),
      { numRuns: Number(process.env.EXPRESSION_RUNS ?? 2000) },
    );
    // A test of files that always says "some" would be sound, too.
    expect(verdicts.none).toBeGreaterThan(300);
    expect(verdicts.all).toBeGreaterThan(100);
  });
});

const TABLE = structOf([
  field('n', 'long'),
  field('price', decimalOf(10, 2)),
  field('x', 'double'),
  field('s', 'string'),
  field('at', 'timestamp'),
  field('day', 'date'),
  field('part', 'string'),
]);
const DAY = 86_400_000_000n;
const BOUNDS: Readonly<Record<string, readonly [Cell, Cell, number]>> = {
  n: [10n, 20n, 0],
  price: ['1.50', '9.99', 2],
  x: [1, 5, 0],
  s: ['abc', 'abx', 0],
  at: [10n * DAY, 11n * DAY, 0],
  day: [10, 20, 0],
};
const FACTS: FileFacts = {
  numRecords: 100,
  partitionValue: ([name]) => (name === 'part' ? { known: true, value: 'eu' } : { known: false }),
  min: ([name = '']) => BOUNDS[name]?.[0],
  max: ([name = '']) => BOUNDS[name]?.[1],
  nullCount: ([name = '']) => BOUNDS[name]?.[2],
};

describe('a file of known bounds', () => {
  it.each([
    ['n > 20', 'none'],
    ['n >= 20', 'some'],
    ['n >= 10', 'all'],
    ['n < 10 OR n > 20', 'none'],
    ['NOT (n < 10)', 'all'],
    ["n = 5 AND part = 'eu'", 'none'],
    ['n IN (1, 2, 30)', 'none'],
    ['n IN (1, 15)', 'some'],
    ['n NOT IN (1, 2, NULL)', 'none'],
    ['n BETWEEN 0 AND 100', 'all'],
    ['n BETWEEN 21 AND 100', 'none'],
    ['n + 1 > 0', 'some'],
    ['n IS NULL', 'none'],
    ['price >= 1.5', 'some'],
    ['price >= 1.5 OR price IS NULL', 'some'],
    ['price > 9.991', 'none'],
    // NaN is greater than every bound.
    ['x > 5D', 'some'],
    ['x < 1D', 'none'],
    ["s LIKE 'ab%'", 'all'],
    ["s LIKE 'b%'", 'none'],
    ["substring(s, 1, 2) = 'ab'", 'all'],
    ["part = 'eu'", 'all'],
    ['part <=> NULL', 'none'],
    ["part = 'us' OR n < 10", 'none'],
    ["day < DATE '1970-01-11'", 'none'],
    ['year(day) = 1970', 'all'],
    ["CAST(at AS DATE) > DATE '1970-01-12'", 'none'],
    // A bound is cut to milliseconds.
    ["at > TIMESTAMP '1970-01-12 00:00:00.000998Z'", 'some'],
    ["at > TIMESTAMP '1970-01-12 00:00:00.000999Z'", 'none'],
    ['10 / n > 100D', 'some'],
    // It fails where n is 0, and is then not true.
    ['10 / n IS NOT NULL', 'some'],
    ['FALSE', 'none'],
    ['TRUE', 'all'],
    ['NULL', 'none'],
  ])('%s: %s', (text, verdict) => {
    expect(pruneFile(bindPredicate(parseExpression(text), TABLE), FACTS)).toBe(verdict);
  });

  it('has no row where it has none, and nothing where it says nothing', () => {
    const nothing: FileFacts = {
      numRecords: undefined,
      partitionValue: () => ({ known: false }),
      min: () => undefined,
      max: () => undefined,
      nullCount: () => undefined,
    };
    const formula = bindPredicate(parseExpression('n > 5'), TABLE);
    expect(pruneFile(formula, nothing)).toBe('some');
    expect(pruneFile(formula, { ...nothing, numRecords: 0 })).toBe('none');
    // Bounds that contradict each other say nothing.
    expect(pruneFile(formula, { ...nothing, min: () => 5n, max: () => 4n })).toBe('some');
  });

  it('is one of two relations: of the other nothing is known', () => {
    const scope = [
      { alias: 'target', schema: TABLE },
      { alias: 'source', schema: TABLE },
    ];
    const verdict = (text: string): string => pruneFile(bindPredicate(parseExpression(text), scope), FACTS, 'target');
    expect(verdict("target.n = source.n AND target.part = 'us'")).toBe('none');
    expect(verdict("target.n = source.n AND target.part = 'eu'")).toBe('some');
    expect(verdict("source.part = 'us'")).toBe('some');
  });
});
