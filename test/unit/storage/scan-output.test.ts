import { tableFromIPC } from 'apache-arrow';
import { describe, expect, it } from 'vitest';
import { arrowStream } from '../../../src/storage/scan/arrow-stream.ts';
import { cellReader } from '../../../src/storage/types/arrow-cells.ts';
import type { CellRow } from '../../../src/storage/types/cell.ts';
import { arrayOf, decimalOf, field, mapOf, structOf } from '../../../src/storage/types/delta-type.ts';
import { csvHeader, rowCsv } from '../../../src/storage/types/row-csv.ts';
import { rowJson } from '../../../src/storage/types/row-json.ts';

const SCHEMA = structOf([
  field('2', 'long'),
  field('1', decimalOf(38, 2)),
  field('x', 'double'),
  field('b', 'binary'),
  field('day', 'date'),
  field('at', 'timestamp'),
  field('local', 'timestamp_ntz'),
  field('v', 'variant'),
  field('map', mapOf('string', 'long')),
  field('list', arrayOf(structOf([field('s', 'string')]))),
  field('text', 'string'),
]);

const ROW: CellRow = {
  '2': 9_223_372_036_854_775_807n,
  '1': '999999999999999999999999999999999999.99',
  x: Number.NaN,
  b: Uint8Array.of(0, 255),
  day: -719_529,
  at: -1n,
  local: 253_402_300_800_000_000n,
  v: '{"a":1.00}',
  map: [['k', -9_223_372_036_854_775_808n]],
  list: [{ s: 'a"b' }, null],
  text: '\u{feff}á\n',
};

const NULLS: CellRow = Object.fromEntries(SCHEMA.fields.map(({ name }) => [name, null]));

describe('a row as JSON', () => {
  it('has exact numbers, and the columns in the order of the schema', () => {
    expect(rowJson(SCHEMA)(ROW)).toBe(
      '{"2":9223372036854775807,"1":999999999999999999999999999999999999.99,"x":"NaN","b":"AP8=","day":"-0001-12-31",' +
        '"at":"1969-12-31T23:59:59.999999Z","local":"+10000-01-01T00:00:00.000000","v":{"a":1.00},' +
        '"map":[["k",-9223372036854775808]],"list":[{"s":"a\\"b"},null],"text":"\u{feff}á\\n"}',
    );
    expect(Object.values(JSON.parse(rowJson(SCHEMA)(NULLS)) as object).every((value) => value === null)).toBe(true);
  });

  it('holds instants of all 64 bits, days of all 32, infinities and a zero with a sign', () => {
    const schema = structOf([
      field('at', 'timestamp'),
      field('day', 'date'),
      field('x', 'double'),
      field('y', 'float'),
    ]);
    const write = rowJson(schema);
    expect(write({ at: 2n ** 63n - 1n, day: 2 ** 31 - 1, x: -0, y: Number.NEGATIVE_INFINITY })).toBe(
      '{"at":"+294247-01-10T04:00:54.775807Z","day":"+5881580-07-11","x":-0.0,"y":"-Infinity"}',
    );
  });
});

describe('a row as CSV', () => {
  it('is of RFC 4180: quotes where they are needed, null empty, an empty text in quotes', () => {
    const schema = structOf([
      field('a,b', 'string'),
      field('n', 'long'),
      field('m', arrayOf('string')),
      field('x', 'double'),
    ]);
    const write = rowCsv(schema);
    expect(csvHeader(schema)).toBe('"a,b",n,m,x\r\n');
    expect(write({ 'a,b': 'say "hi"\r\n', n: 1n, m: ['x', null], x: Number.POSITIVE_INFINITY })).toBe(
      '"say ""hi""\r\n",1,"[""x"",null]",Infinity\r\n',
    );
    expect(write({ 'a,b': '', n: null, m: [], x: 0.1 })).toBe('"",,[],0.1\r\n');
    expect(write({ 'a,b': null, n: null, m: null, x: null })).toBe(',,,\r\n');
  });
});

describe('rows as an Arrow stream', () => {
  it('come in batches, with types, nulls and variants as texts', () => {
    const stream = arrowStream(SCHEMA);
    const pieces: Uint8Array[] = [];
    for (let part = 0; part < 20; part += 1) {
      stream.add(Array.from({ length: 1000 }, (_, at) => (at % 2 === 0 ? ROW : NULLS)));
      pieces.push(...stream.take());
    }
    // What is full went out before the end.
    expect(Buffer.concat(pieces).length).toBeGreaterThan(100_000);
    pieces.push(...stream.finish());
    const table = tableFromIPC(Buffer.concat(pieces));
    expect(table.numRows).toBe(20_000);
    expect(table.batches).toHaveLength(2);
    expect(table.schema.fields.map(({ name }) => name)).toEqual(SCHEMA.fields.map(({ name }) => name));
    expect(table.getChild('2')?.get(0)).toBe(9_223_372_036_854_775_807n);
    expect(table.getChild('2')?.get(1)).toBe(null);
    expect(table.getChild('v')?.get(19_998)).toBe('{"a":1.00}');
    // By our own reader: arrow-js drops a U+FEFF at the start of a text.
    const [text] = table.getChild('text')?.data ?? [];
    expect(text === undefined ? undefined : cellReader(text)(0)).toBe('\u{feff}á\n');
  });

  it('are a stream with a schema where there is none', () => {
    const stream = arrowStream(SCHEMA);
    const table = tableFromIPC(Buffer.concat(stream.finish()));
    expect(table.numRows).toBe(0);
    expect(table.schema.fields).toHaveLength(SCHEMA.fields.length);
  });
});
