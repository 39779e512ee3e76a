import fc from 'fast-check';
import type { Cell, CellRow } from '../../../../src/storage/types/cell.ts';
import { unscaledOf } from '../../../../src/storage/types/decimal.ts';
import { type DeltaType, decimalOf, field, isDecimal, structOf } from '../../../../src/storage/types/delta-type.ts';
import type { Kind } from './random-expressions.ts';

/** A table of all types that expressions take. */
export const SCHEMA = structOf([
  field('b', 'boolean'),
  field('i8', 'byte'),
  field('i16', 'short'),
  field('i32', 'integer'),
  field('j32', 'integer'),
  field('i64', 'long'),
  field('f', 'float'),
  field('d', 'double'),
  field('d10', decimalOf(10, 2)),
  field('d38', decimalOf(38, 10)),
  field('whole', decimalOf(38, 0)),
  field('part', decimalOf(38, 38)),
  field('s', 'string'),
  field('odd `name"', 'string'),
  field('bin', 'binary'),
  field('dt', 'date'),
  field('ts', 'timestamp'),
  field('ntz', 'timestamp_ntz'),
  field('st', structOf([field('x', 'integer'), field('y', 'string')])),
]);

/** The columns and fields of the table, with the kind of their values. */
export const COLUMNS: readonly { readonly kind: Kind; readonly path: readonly string[] }[] = [
  { kind: 'bool', path: ['b'] },
  ...['i8', 'i16', 'i32', 'j32', 'i64'].map((name) => ({ kind: 'int' as const, path: [name] })),
  { kind: 'int', path: ['st', 'x'] },
  ...['f', 'd'].map((name) => ({ kind: 'float' as const, path: [name] })),
  ...['d10', 'd38', 'whole', 'part'].map((name) => ({ kind: 'decimal' as const, path: [name] })),
  ...['s', 'odd `name"'].map((name) => ({ kind: 'string' as const, path: [name] })),
  { kind: 'string', path: ['st', 'y'] },
  { kind: 'binary', path: ['bin'] },
  { kind: 'date', path: ['dt'] },
  { kind: 'timestamp', path: ['ts'] },
  { kind: 'ntz', path: ['ntz'] },
];

const RANGES = { byte: 2n ** 7n, short: 2n ** 15n, integer: 2n ** 31n, long: 2n ** 63n } as const;

function integers(type: DeltaType): readonly Cell[] {
  const range = RANGES[type === 'byte' || type === 'short' || type === 'integer' ? type : 'long'];
  const all = [
    0n,
    1n,
    -1n,
    2n,
    7n,
    100n,
    -100n,
    range - 1n,
    -range,
    range - 2n,
    range / 2n,
    2n ** 53n + 1n,
    123_456_789_012n,
  ];
  const own = all.filter((value) => value < range && value >= -range);
  return type === 'long' ? own : own.map(Number);
}

function decimals(type: DeltaType): readonly Cell[] {
  if (!isDecimal(type)) return [];
  const nines = '9'.repeat(type.precision);
  const cut = (digits: string): string =>
    type.scale === 0 ? digits : `${digits.slice(0, -type.scale) || '0'}.${digits.slice(-type.scale)}`;
  const texts = [
    '0',
    '1',
    '-1',
    '2.5',
    '-0.5',
    '0.05',
    '7',
    '100',
    '0.0000000001',
    cut(nines),
    `-${cut(nines)}`,
    '-7.25',
  ];
  return texts
    .filter((text) => {
      const unscaled = unscaledOf(text, type.scale);
      return unscaled !== undefined && String(unscaled).replace('-', '').length <= type.precision;
    })
    .map((text) => padded(text, type.scale));
}

/** A decimal's text with all digits of its scale, as rows have it. */
function padded(text: string, scale: number): string {
  const [whole = '', fraction = ''] = text.split('.');
  return scale === 0 ? whole : `${whole}.${fraction.padEnd(scale, '0')}`;
}

const DAY = 86_400_000_000n;
/** Before and after 1970, before 1582 and the year 1, leap days, and beyond the year 9999. */
const DAYS = [
  0, 1, -1, 19_723, 19_782, -141_427, -141_428, -200_000, -719_162, -719_163, -800_000, 2_932_896, 2_932_897,
  10_000_000,
];
const INSTANTS = DAYS.flatMap((day) => [
  BigInt(day) * DAY,
  BigInt(day) * DAY + 43_200_123_456n,
  BigInt(day) * DAY - 1n,
]);

const TEXTS = [
  '',
  'a',
  'b',
  'ab',
  'aab',
  ' a ',
  "it's",
  '100%',
  'a_b',
  'back\\slash',
  '"q"',
  '`',
  'é',
  'straße',
  '\uffff',
  '\u{1f600}',
  'a\u{1f600}b',
  '\u{10ffff}',
  'line\nend',
  '\0',
  'NaN',
  '12',
  '-7',
  '+128',
  '1.25',
  '-0.5',
  '1e3',
  'Infinity',
  '9223372036854775808',
  '2024-02-29',
  '2023-02-29',
  '1500-01-01',
  '2024-01-31 12:00:00.5',
  '2024-01-31T12:00:00Z',
  'x'.repeat(40),
];

/** Values of each type, at the edges and small enough to meet each other. */
export const VALUES: Readonly<Record<Kind, (type: DeltaType) => readonly Cell[]>> = {
  bool: () => [true, false],
  int: integers,
  decimal: decimals,
  float: (type) => [
    ...[0, -0, 1, -1, 0.5, 2.5, -7.25, 100, 16_777_217, 1e30, -1e-30, Number.NaN, Number.POSITIVE_INFINITY].map(
      type === 'float' ? Math.fround : Number,
    ),
    type === 'float' ? Math.fround(0.1) : 0.1,
    type === 'float' ? Math.fround(3.4e38) : 1.7e308,
    Number.NEGATIVE_INFINITY,
  ],
  string: () => TEXTS,
  binary: () => ['', '00', 'ff', '00ff', '7f80', '61'].map((hex) => new Uint8Array(Buffer.from(hex, 'hex'))),
  date: () => DAYS,
  timestamp: () => INSTANTS,
  ntz: () => INSTANTS,
};

function cellOf(kind: Kind, type: DeltaType): fc.Arbitrary<Cell> {
  return fc.oneof(
    { weight: 1, arbitrary: fc.constant(null) },
    { weight: 6, arbitrary: fc.constantFrom(...VALUES[kind](type)) },
  );
}

/** A row of the table. */
export const ROW: fc.Arbitrary<CellRow> = fc.record(
  Object.fromEntries(
    SCHEMA.fields.map(({ name, type }) => {
      if (name !== 'st') return [name, cellOf(COLUMNS.find(({ path }) => path[0] === name)?.kind ?? 'bool', type)];
      const struct: fc.Arbitrary<Cell> = fc.record({ x: cellOf('int', 'integer'), y: cellOf('string', 'string') });
      return [name, fc.oneof(struct, fc.constant(null))];
    }),
  ),
);
