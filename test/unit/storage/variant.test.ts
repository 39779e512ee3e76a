import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../../src/base/errors.ts';
import { decodeVariant } from '../../../src/storage/variant/decode-variant.ts';
import { encodeVariant } from '../../../src/storage/variant/encode-variant.ts';
import type { VariantBytes } from '../../../src/storage/variant/variant-format.ts';

/** The metadata of a variant without names. */
const EMPTY = '01 00 00';

const bytesOf = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');

const variant = (value: string, metadata = EMPTY): VariantBytes => ({
  metadata: bytesOf(metadata),
  value: bytesOf(value),
});

const hexOf = ({ metadata, value }: VariantBytes): [value: string, metadata: string] => [
  Buffer.from(value).toString('hex'),
  Buffer.from(metadata).toString('hex'),
];

function codeOf(action: () => unknown): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    if (error instanceof AppError) return error.code;
    throw error;
  }
}

/** JSON texts, with numbers of every kind that a variant has. */
const number = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
  fc.integer({ min: -200, max: 200 }).map(String),
  fc.tuple(fc.bigInt({ min: -(10n ** 36n), max: 10n ** 36n }), fc.nat(9)).map(([whole, part]) => `${whole}.${part}`),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (Object.is(value, -0) ? '0' : String(value))),
);
const text = fc.string({ unit: 'binary', maxLength: 80 }).map((value) => JSON.stringify(value));
const { json } = fc.letrec<{ json: string }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom('null', 'true', 'false'),
    number,
    text,
    fc.array(tie('json'), { maxLength: 6 }).map((items) => `[${items.join(',')}]`),
    fc.dictionary(fc.string({ unit: 'binary', maxLength: 5 }), tie('json'), { maxKeys: 6 }).map(
      (fields) =>
        `{${byName(fields)
          .map(([name, value]) => `${JSON.stringify(name)}:${value}`)
          .join(',')}}`,
    ),
  ),
}));

/** Fields as they come out of a variant: by their names' UTF-8 bytes. */
function byName(fields: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(fields).sort(([left], [right]) => Buffer.compare(Buffer.from(left), Buffer.from(right)));
}

/** What a text means; integers and decimals have no −0. */
function parsed(source: string): unknown {
  return JSON.parse(source, (_name, value) => (value === 0 ? 0 : value));
}

describe('a variant', () => {
  it('gives back the JSON that it was made of', () => {
    fc.assert(
      fc.property(json, (source) => {
        const decoded = decodeVariant(encodeVariant(source));
        expect(decodeVariant(encodeVariant(decoded))).toBe(decoded);
        // Doubles may be written otherwise (1e21, 1e+21); all else is the same text.
        if (!/[eE]/.test(source)) expect(decoded).toBe(source);
        expect(parsed(decoded)).toEqual(parsed(source));
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['{"key":50}', '02 01 00 0002 0c32', '01 01 0003 6b6579'],
    ['{"k":15000}', '02 01 00 0003 10983a', '01 01 0001 6b'],
    ['[2,1,5,9]', '03 04 0002040608 0c02 0c01 0c05 0c09', EMPTY],
    ['{}', '02 00 00', EMPTY],
    ['[]', '03 00 00', EMPTY],
    [
      '[{"b":[]},{"b":1,"é":null}]',
      '03 02 000812 02 01 00 0003 030000 02 02 0001 000203 0c01 00',
      '01 02 000103 62 c3a9',
    ],
    ['null', '00', EMPTY],
    ['true', '04', EMPTY],
    ['false', '08', EMPTY],
    ['"é"', '09 c3a9', EMPTY],
    [`"${'x'.repeat(63)}"`, `fd ${'78'.repeat(63)}`, EMPTY],
    [`"${'x'.repeat(64)}"`, `40 40000000 ${'78'.repeat(64)}`, EMPTY],
    ['127', '0c 7f', EMPTY],
    ['-128', '0c 80', EMPTY],
    ['128', '10 8000', EMPTY],
    ['-32769', '14 ff7fffff', EMPTY],
    ['2147483648', '18 0000008000000000', EMPTY],
    ['1234567890123456789', '18 1581e97df4102211', EMPTY],
    ['9223372036854775808', '28 00 00000000000000800000000000000000', EMPTY],
    ['12.34', '20 02 d2040000', EMPTY],
    ['0.00', '20 02 00000000', EMPTY],
    ['123456789.0', '24 01 d202964900000000', EMPTY],
    ['-12345678912345678.90', '28 02 2e49dc3f0befddeeffffffffffffffff', EMPTY],
    [`0.${'9'.repeat(38)}`, '28 26 ffffffff3f228a097ac4865aa84c3b4b', EMPTY],
  ])('of %s is what Spark writes', (source, value, metadata) => {
    expect(hexOf(encodeVariant(source))).toEqual(hexOf(variant(value, metadata)));
    expect(decodeVariant(variant(value, metadata))).toBe(source);
  });

  it.each([
    ['1e3', '1c 0000000000408f40', '1000.0'],
    ['1E-1', '1c 9a9999999999b93f', '0.1'],
    [`1.${'0'.repeat(38)}`, '1c 000000000000f03f', '1.0'],
    [`1${'0'.repeat(38)}`, '1c b1a1162ad3ced247', '1e+38'],
    ['-0', '0c 00', '0'],
    ['-0.0', '20 01 00000000', '0.0'],
  ])('of the number %s is of the type that its text has in Spark', (source, value, decoded) => {
    expect(hexOf(encodeVariant(source))).toEqual(hexOf(variant(value)));
    expect(decodeVariant(variant(value))).toBe(decoded);
  });

  // Of apache/parquet-testing, folder `variant`, which Spark wrote, and of the ends of their ranges.
  it.each([
    ['30 e05297dde7320600', '"2025-04-16T16:34:56.780000Z"'],
    ['30 0000000000000080', '"-290308-12-21T19:59:05.224192Z"'],
    ['34 ffffffffffffffff', '"1969-12-31T23:59:59.999999"'],
    ['48 15413a6cb7af0518', '"2024-11-07T12:33:54.123456789Z"'],
    ['4c ffffffffffffffff', '"1969-12-31T23:59:59.999999999"'],
    ['44 c0f229880a000000', '"12:33:54.123456"'],
    ['2c e24e0000', '"2025-04-16"'],
    ['2c 5705f5ff', '"-0001-12-31"'],
    ['2c 00000080', '"-5877641-06-23"'],
    ['3c 09000000 031337deadbeefcafe', '"AxM33q2+78r+"'],
    ['50 f24f9b6481fa49d1b74e8c09a6e31c56', '"f24f9b64-81fa-49d1-b74e-8c09a6e31c56"'],
    ['28 02 d2b623c0f41022110000000000000000', '12345678912345678.90'],
    ['1c 9c7500883ce4377e', '1e+300'],
    ['1c 0000000000000080', '-0.0'],
    ['1c 000000000000f87f', '"NaN"'],
    ['1c 000000000000f0ff', '"-Infinity"'],
    ['38 cdcc8c3f', '1.1'],
    ['38 01000000', '1e-45'],
    ['38 0000807f', '"Infinity"'],
  ])('of bytes %s is %s', (value, decoded) => {
    expect(decodeVariant(variant(value))).toBe(decoded);
  });

  it('has wide counts, ids and offsets where it is large', () => {
    const items = `[${Array.from({ length: 300 }, (_, at) => at).join(',')}]`;
    expect(hexOf(encodeVariant(items))[0].startsWith('172c010000')).toBe(true);
    const names = Array.from({ length: 300 }, (_, at) => `n${String(at).padStart(4, '0')}`);
    const fields = `{${names.map((name) => `"${name}":"${'v'.repeat(300)}"`).join(',')}}`;
    for (const source of [items, fields]) expect(decodeVariant(encodeVariant(source))).toBe(source);
  });

  it('has its fields in the order of their names in UTF-8, which is not that of JavaScript', () => {
    expect(decodeVariant(encodeVariant('{"\u{1f600}":1,"\uff5e":2,"a":3}'))).toBe('{"a":3,"\uff5e":2,"\u{1f600}":1}');
  });

  it('is read in whatever order its values and names are', () => {
    expect(decodeVariant(variant('02 02 0100 020004 0c01 0c02', '01 02 000102 6261'))).toBe('{"a":2,"b":1}');
    expect(decodeVariant(variant('02 02 0001 000204 0c01 0c02', '01 02 000102 6261'))).toBe('{"b":1,"a":2}');
    expect(decodeVariant(variant('03 01 0002 0c01', 'd1 00000000 00000000'))).toBe('[1]');
  });
});

describe('bytes that are no variant', () => {
  const refused: [what: string, bytes: VariantBytes][] = [
    ['no value', variant('')],
    ['no metadata', variant('00', '')],
    ['metadata without offsets', variant('00', '01')],
    ['metadata of more names than bytes', variant('00', 'c1 ffffffff')],
    ['metadata with bytes after its end', variant('00', '01 00 00 00')],
    ['metadata whose first offset is not 0', variant('00', '01 01 01 01 61')],
    ['metadata whose offsets descend', variant('02 01 01 0002 0c01', '01 02 000501 61')],
    ['a name that is not UTF-8', variant('02 01 00 0002 0c01', '01 01 0001 ff')],
    ['a name that there is not', variant('02 01 01 0002 0c01', '01 01 0001 61')],
    ['an object with a name twice', variant('02 02 0000 000204 0c01 0c02', '01 01 0001 61')],
    ['an object with two ids of one name', variant('02 02 0001 000204 0c01 0c02', '01 02 000102 6161')],
    ['bytes after the end', variant('0000')],
    ['an integer that is cut', variant('18 00')],
    ['a string that is cut', variant('09 61')],
    ['a string that is not UTF-8', variant('05 ff')],
    ['a long string of more bytes than there are', variant('40 ffffffff')],
    ['binary of more bytes than there are', variant('3c ffffffff 00')],
    ['an array of more values than bytes', variant('13 ffffffff 00')],
    ['an array whose value lies beyond it', variant('03 01 0501 00')],
    ['an array whose value ends after it', variant('03 02 000203 0c01 0c')],
    ['an array whose values share bytes', variant('03 02 000001 00')],
    ['a decimal of 39 digits', variant('28 00 0000000040 22 8a097ac4865aa84c3b4b')],
    ['a decimal of a scale of 39', variant('20 27 01000000')],
    ['a time of a day that is over', variant('44 0060d71d14000000')],
  ];

  it.each(refused)('are refused: %s', (_what, bytes) => {
    expect(codeOf(() => decodeVariant(bytes))).toBe('table_corrupt');
  });

  it.each([
    ['another version', variant('00', '02 00 00')],
    ['a type that we do not know', variant('54')],
    ['101 levels', variant(nested(101))],
    ['more than 16 MiB', { metadata: bytesOf(EMPTY), value: Buffer.alloc(16 * 1024 * 1024 + 1) }],
  ])('and what may be right and is not supported: %s', (_what, bytes) => {
    expect(codeOf(() => decodeVariant(bytes))).toBe('table_unsupported');
  });

  it('cost no more than they have bytes: a name of 1 MiB in a million objects is refused', () => {
    const name = 'n'.repeat(1024 * 1024);
    const source = `[${'{"x":0},'.repeat(100_000)}{"x":0}]`;
    const { value } = encodeVariant(source);
    const { metadata } = encodeVariant(`{"${name}":0}`);
    expect(codeOf(() => decodeVariant({ metadata, value }))).toBe('table_unsupported');
  });

  it('never end otherwise than in a refusal or a text that is JSON', () => {
    fc.assert(
      fc.property(json, fc.nat(), fc.integer({ min: 1, max: 255 }), fc.boolean(), (source, where, flip, isCut) => {
        const whole = encodeVariant(source);
        const both = Buffer.concat([whole.metadata, whole.value]);
        const at = where % both.length;
        if (!isCut) both[at] = (both[at] ?? 0) ^ flip;
        const end = isCut ? Math.max(at, whole.metadata.length) : both.length;
        const damaged = {
          metadata: both.subarray(0, isCut ? Math.min(at, whole.metadata.length) : whole.metadata.length),
          value: both.subarray(whole.metadata.length, end),
        };
        const code = codeOf(() => JSON.parse(decodeVariant(damaged)));
        expect([undefined, 'table_corrupt', 'table_unsupported']).toContain(code);
        if (isCut) expect(code).not.toBe(undefined);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a JSON text', () => {
  it.each([
    '',
    ' ',
    '{',
    '[1',
    '[1,]',
    '[,1]',
    '[1 2]',
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    '{a:1}',
    '{"a":1 "b":2}',
    '{"a":1,"a":2}',
    '{"a":1,"\\u0061":2}',
    '1 2',
    ']',
    '01',
    '1.',
    '.5',
    '+1',
    'NaN',
    'nul',
    'truee',
    '"a',
    '"\\"',
    '"\\x"',
    '"\n"',
    '"\\ud800"',
    '1e999',
    '1'.repeat(1001),
  ])('that is wrong is refused: %j', (source) => {
    expect(codeOf(() => encodeVariant(source))).toBe('invalid_json');
  });

  it('is refused where JSON.parse refuses it, and else means the same', () => {
    fc.assert(
      fc.property(json, fc.nat(), fc.constantFrom(...'{}[],:"\\0-.eE \n\u0000tfn'), (source, where, char) => {
        const at = where % (source.length + 1);
        const changed = source.slice(0, at) + char + source.slice(at);
        const code = codeOf(() => {
          expect(parsed(decodeVariant(encodeVariant(changed)))).toEqual(parsed(changed));
        });
        expect([undefined, 'invalid_json']).toContain(code);
      }),
      { numRuns: 1000 },
    );
  });

  it('has spaces where it likes', () => {
    expect(decodeVariant(encodeVariant(' { "a" : [ 1 ,\t2 ] ,\r\n"b\\u0062" : "\\n\\/" } '))).toBe(
      '{"a":[1,2],"bb":"\\n/"}',
    );
  });

  it('nests to 100 levels and is no larger than 16 MiB', () => {
    const deep = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
    expect(decodeVariant(encodeVariant(deep(101)))).toBe(deep(101));
    expect(codeOf(() => encodeVariant(deep(102)))).toBe('too_deep');
    expect(codeOf(() => encodeVariant('['.repeat(1_000_000)))).toBe('too_deep');
    const text = 'x'.repeat(16 * 1024 * 1024 - 5);
    expect(encodeVariant(`"${text}"`).value.length).toBe(16 * 1024 * 1024);
    expect(codeOf(() => encodeVariant(`"${text}x"`))).toBe('too_large');
    expect(codeOf(() => encodeVariant(`{"${text}":1}`))).toBe('too_large');
  });
});

/** Arrays in arrays: so many levels below the first. */
function nested(levels: number): string {
  let value = Buffer.of(0);
  for (let level = 0; level < levels; level += 1) {
    // Offsets of two bytes, whatever the level.
    const header = Buffer.from('070100000000', 'hex');
    header.writeUInt16LE(value.length, 4);
    value = Buffer.concat([header, value]);
  }
  return value.toString('hex');
}
