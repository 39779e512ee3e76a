/** Values that a stranger puts where a log has a text. */
export const HOSTILE_TEXTS: readonly string[] = [
  '',
  '..',
  '../../etc/passwd',
  '/etc/passwd',
  'file:///etc/passwd',
  'memory:///neighbour/part-1.parquet',
  'memory:///t/../neighbour/part-1.parquet',
  's3://elsewhere/x.parquet',
  '%2e%2e%2fneighbour%2fpart-1.parquet',
  '%2E%2E/neighbour/part-1.parquet',
  '%zz',
  '%00',
  '\u0000',
  '\ud800',
  'a\\..\\b',
  'x'.repeat(70_000),
  '_delta_log/00000000000000000000.json',
  '../neighbour/part-1.parquet',
  'NaN',
  '1e999',
  '-9223372036854775809',
  '99999999999999999999999999',
  '0000-00-00',
  '-290308-12-22 00:00:00',
  '__HIVE_DEFAULT_PARTITION__',
  'true',
  '[]',
  '{"numRecords":-1}',
  '{"numRecords":9007199254740993,"minValues":{"id":{"a":1}},"maxValues":[],"nullCount":null}',
  '{"numRecords":1e300}',
  '{"numRecords":3,"minValues":{"__proto__":1}}',
  'id',
  'p',
  'u',
  'i',
  'vBn[lx{q8@P<9BNH/isA',
  '^Bg9^0rr910000000000iXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L',
];

/** Numbers that fit nothing. Those that JSON cannot hold become null. */
export const HOSTILE_NUMBERS: readonly number[] = [
  -1,
  0,
  0.5,
  -0,
  2 ** 31,
  2 ** 53,
  2 ** 63,
  1e21,
  1e300,
  -(2 ** 63) - 2048,
  Number.MAX_SAFE_INTEGER,
  Number.MIN_VALUE,
  Number.NaN,
];

/** Deeper than any honest log, and less deep than what a stack bears. */
function nested(depth: number, wrap: (inner: unknown) => unknown): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level += 1) value = wrap(value);
  return value;
}

/** Objects, lists and constants where something else is asked for. */
export const HOSTILE_OBJECTS: readonly unknown[] = [
  null,
  true,
  false,
  [],
  {},
  [null],
  [{}],
  [1, 'x', null],
  { a: null },
  { part: null },
  { part: '' },
  { part: 7 },
  { other: 'x' },
  JSON.parse('{"__proto__":"x","constructor":"y","toString":"z","part":"a"}'),
  nested(90, (inner) => ({ a: inner })),
  nested(2000, (inner) => [inner]),
  { storageType: 'u', pathOrInlineDv: 'ab^-aqEH.-t@S}K{vb[*k^', offset: 4, sizeInBytes: 40, cardinality: 6 },
  { storageType: 'p', pathOrInlineDv: 'memory:///neighbour/part-1.parquet', offset: 0, sizeInBytes: 4, cardinality: 1 },
  { storageType: 'i', pathOrInlineDv: '', sizeInBytes: 2147483647, cardinality: 9007199254740991 },
  { storageType: 'u', pathOrInlineDv: '../../../../vBn[lx{q8@P<9BNH/isA', offset: 1, sizeInBytes: 36, cardinality: 2 },
  { provider: 'parquet', options: { x: null } },
  Array.from({ length: 5000 }, (_, at) => `f${at}`),
];

const field = (type: unknown, name = 'id', metadata: unknown = {}): string =>
  JSON.stringify({ type: 'struct', fields: [{ name, type, nullable: true, metadata }] });

/** Schemas that are none, or that no table has. */
export const HOSTILE_SCHEMAS: readonly string[] = [
  '',
  '{',
  'null',
  '"long"',
  '[]',
  '{"type":"struct"}',
  '{"type":"struct","fields":{}}',
  '{"type":"struct","fields":[]}',
  '{"type":"struct","fields":[null]}',
  field('decimal(99,99)'),
  field('decimal(1e9,0)'),
  field('decimal(10,-1)'),
  field('geometry'),
  field(7),
  field('long', ''),
  field('long', '__proto__'),
  field('long', 'a'.repeat(100_000)),
  field('long', 'id', null),
  field('long', 'id', { 'delta.columnMapping.id': -1, 'delta.columnMapping.physicalName': '../x' }),
  field('long', 'id', { 'delta.invariants': '{"expression":{"expression":"1 = 1 OR (SELECT 1)"}}' }),
  field('long', 'id', { 'delta.generationExpression': "read_text('/etc/passwd')" }),
  field({ type: 'map', keyType: 'long' }),
  field(nested(2000, (inner) => ({ type: 'array', elementType: inner === 1 ? 'long' : inner, containsNull: true }))),
  JSON.stringify({
    type: 'struct',
    fields: Array.from({ length: 20_000 }, (_, at) => ({ name: `c${at}`, type: 'long', nullable: true, metadata: {} })),
  }),
  JSON.stringify({
    type: 'struct',
    fields: ['id', 'ID', 'id'].map((name) => ({ name, type: 'string', nullable: false, metadata: {} })),
  }),
];
