import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { FileRecord } from '../../../src/pipeline/import-lines.ts';
import { parseMapping } from '../../../src/pipeline/import-mapping.ts';
import { bodyReader, type ImportedRow, mappedReader } from '../../../src/pipeline/import-row.ts';
import { dayReader, timeReader } from '../../../src/pipeline/import-times.ts';
import { amountReader, dateValue } from '../../../src/pipeline/import-values.ts';

const minimal = `
payment:
  endToEndId: id
  side: { constant: PAYER }
  amount: value
  acceptedAt: at
`;
const record = (text: string, line = 2): FileRecord => ({ line, bytes: Buffer.from(text), problem: null });
const read = (yaml: string, header: string, ...lines: string[]): (ImportedRow | null)[] => {
  const reader = mappedReader(parseMapping(yaml, 'map.yaml'), 'csv', 'file.csv');
  reader(record(header, 1));
  return lines.map((line) => reader(record(line)));
};

describe('a mapping', () => {
  it.each([
    ['paymnt: {}', /map\.yaml: paymnt is not known, did you mean payment\?/],
    [minimal.replace('amount:', 'amout:'), /payment\.amout is not known, did you mean amount\?/],
    [minimal.replace('  amount: value\n', ''), /payment\.amount is missing/],
    [
      minimal.replace('value', '{ column: v, unit: reai }'),
      /payment\.amount\.unit must be one of reais centavos, did you mean reais\?/,
    ],
    [
      minimal.replace('value', '{ column: v, zone: UTC }'),
      /payment\.amount\.zone has no meaning for a field of type amount/,
    ],
    [minimal.replace('value', '{ column: v, constant: "1.00" }'), /names a column or a constant/],
    [minimal.replace('at\n', '{ column: at, format: dd/mm }\n'), /payment\.acceptedAt\.format must be iso/],
    [minimal.replace('at\n', '{ column: at, zone: America/Sao_Paolo }\n'), /payment\.acceptedAt\.zone is no time zone/],
    [`${minimal}known_time: { delay: 7 days }`, /known_time\.delay must be a number of s, m, h or d/],
    [`${minimal}known_time: now`, /known_time is running_max/],
    [`${minimal}label: { column: f, values: { '1': FRAUD } }`, /label\.values\.1 must be one of CONTESTED/],
    [`${minimal}label: { column: f }`, /label\.values is missing/],
    [`${minimal}csv: { delimiter: ';;' }`, /csv\.delimiter must be one character/],
    ['payment: [', /map\.yaml is no YAML at 1:11: the indent is wrong, or/],
    ['payment: *there', /map\.yaml is no YAML: an alias/],
    ['7', /must be a set of keys and values/],
  ])('is refused with the key that is wrong: %#', (yaml, message) => {
    expect(() => parseMapping(yaml, 'map.yaml')).toThrow(message);
    expect(() => parseMapping(yaml, 'map.yaml')).toThrow(expect.objectContaining({ code: 'invalid_mapping' }));
  });

  it('must name columns that the file has', () => {
    expect(() => read(minimal, 'id,valu,at')).toThrow(/file\.csv has no column value, did you mean valu\?/);
    expect(() => read(minimal, 'id,value,at,at')).toThrow(/file\.csv has two columns of one name: at$/);
  });

  it('is told no row of a file that has no header', () => {
    const rows = [
      '52998224725,Maria da Silva,2026-03-01',
      'maria,10.50,2026-03-01',
      '0,0,2026-03-01',
      'E1,maria@x.br,ok',
    ];
    for (const row of rows) {
      let thrown: unknown;
      try {
        read(minimal.replace('id\n', 'mario\n'), row);
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toMatchObject({ message: expect.stringMatching(/file\.csv has .*csv\.header names its columns/) });
      expect(inspect(thrown)).not.toMatch(/5299|Silva|maria|10\.50|2026|: 0/);
    }
    expect(() => read(minimal, 'a,b,c')).toThrow('file.csv has no column id (it has a, b, c)');
    expect(() => read(minimal, '123,b,c')).toThrow(
      'file.csv has no column id (it has 3, not told: they do not look like names; where the file has no header, csv.header names its columns)',
    );
  });

  it('is what the page about it shows', () => {
    const [, yaml = ''] = /```yaml\n([\s\S]*?)```/.exec(readFileSync('docs/import.md', 'utf8')) ?? [];
    expect(parseMapping(yaml, 'docs/import.md')).toMatchObject({
      delimiter: ';',
      encoding: 'latin1',
      header: ['id', 'value', 'at'],
      knownTime: { kind: 'column', column: 'loaded_at' },
      label: { delayMicros: 7 * 86_400_000_000 },
    });
  });

  it('has one hash for one meaning', () => {
    const spaced = parseMapping(`# comment\n${minimal}`, 'a').sha256;
    expect(parseMapping(minimal, 'b').sha256).toBe(spaced);
    expect(parseMapping(minimal.replace('value', 'values'), 'b').sha256).not.toBe(spaced);
  });
});

describe('a mapped row', () => {
  it('pads an id, keeps it, and leaves out what the file lacks', () => {
    const yaml = `${minimal}  payer.account.number: who\n  localInstrument: how\n`;
    const [row] = read(yaml, 'id,value,at,who,how', '42,7.5,2026-03-01T12:00:00Z,A1,');
    expect(row).toMatchObject({
      kind: 'payment',
      sourceId: '42',
      payment:
        '{"acceptedAt":"2026-03-01T12:00:00.000Z","amount":"7.50","endToEndId":"00000000000000000000000000000042","payer":{"account":{"number":"A1"}},"side":"PAYER"}',
      row: { amount_centavos: 750, payee_number: null, local_instrument: null, payer_document: null },
    });
  });

  it('keeps a whole endToEndId as it is', () => {
    const id = 'E18236120202603010301Ab700000QU2';
    const [row] = read(minimal, 'id,value,at', `${id},0.00,2026-03-01`);
    expect(row).toMatchObject({ sourceId: null, row: { end_to_end_id: id, amount_is_zero: true } });
  });

  it.each([
    ['1,-5.00,2026-03-01', 'invalid_payment', 'amount is negative'],
    ['1,5.001,2026-03-01', 'invalid_payment', /two places/],
    ['1,5,2026-02-30', 'invalid_payment', /acceptedAt is no time/],
    ['a-b,5,2026-03-01', 'invalid_payment', /endToEndId must match/],
    [',5,2026-03-01', 'invalid_payment', /endToEndId is missing/],
    ['1,5', 'invalid_csv', /2 fields, the header 3/],
    ['1,"5,2026-03-01', 'invalid_csv', /quote/],
    ['1,5\u0000,2026-03-01', 'invalid_encoding', /NUL/],
  ])('that is wrong is told with code and reason, never its values: %#', (line, code, reason) => {
    const [row] = read(minimal, 'id,value,at', line);
    expect(row).toMatchObject({ kind: 'bad', line: 2, code, reason: expect.stringMatching(reason) });
  });

  it('reads labels, values and known times as the mapping says', () => {
    const yaml = `${minimal}  localInstrument: { column: how, values: { M: MANU } }
known_time: { column: seen, format: epoch_s }
label: { column: fraud, values: { '1': AGREED, '0': null }, delay: 7d }
nulls: ['', 'NA']
`;
    const header = 'id,value,at,how,seen,fraud';
    const rows = read(
      yaml,
      header,
      '1,5,2026-03-01,M,1772400000,1',
      '2,5,2026-03-01,NA,1772400000,0',
      '3,5,2026-03-01,X,1,0',
      '4,5,2026-03-01,M,1772400000,9',
      '5,5,2026-03-01,M,soon,0',
    );
    expect(rows).toMatchObject([
      { kind: 'payment', label: 'AGREED', knownMicros: 1_772_400_000_000_000, row: { local_instrument: 'MANU' } },
      { kind: 'payment', label: null, row: { local_instrument: null } },
      { kind: 'bad', reason: 'localInstrument has a value that the mapping does not name' },
      { kind: 'payment', label: null, labelProblem: 'the label has a value that the mapping does not name' },
      { kind: 'bad', reason: 'known_time is no time of its format' },
    ]);
  });

  it('takes no known time that no table holds', () => {
    const yaml = `${minimal}known_time: { column: seen, format: iso }\n`;
    const rows = read(yaml, 'id,value,at,seen', '1,5,2026-03-01,9999-12-31', '2,5,2026-03-01,2026-03-02');
    const reason = 'known_time is not a real instant of the years 1685 to 2254';
    expect(rows).toMatchObject([{ kind: 'bad', reason }, { kind: 'payment' }]);
  });

  it('reads NDJSON by dotted names', () => {
    const yaml = minimal.replace('value', '{ column: money.cents, unit: centavos }');
    const reader = mappedReader(parseMapping(yaml, 'm'), 'ndjson', 'f');
    expect(reader(record('{"id":7,"money":{"cents":1234},"at":"2026-03-01 10:00:00-03:00"}'))).toMatchObject({
      row: { amount_centavos: 1234, event_time: Date.UTC(2026, 2, 1, 13) * 1000 },
    });
    expect(reader(record('[1'))).toMatchObject({ kind: 'bad', code: 'invalid_json' });
    expect(reader(record('{"id":"7","money":5,"at":"x"}'))).toMatchObject({ kind: 'bad' });
  });

  it('reads numbers of NDJSON as they are written, ids beyond 2^53 too', () => {
    const yaml = `${minimal.replace('value', '{ column: value, unit: centavos }')}  payer.account.number: who\n`;
    const reader = mappedReader(parseMapping(yaml, 'm'), 'ndjson', 'f');
    const line = (id: string, value = '5', who = '1'): ImportedRow | null =>
      reader(record(`{"id":${id},"value":${value},"at":"2026-03-01","who":${who}}`));
    const ids = ['90071992547409931', '90071992547409932', '90071992547409933'];
    expect(ids.map((id) => line(id))).toMatchObject(ids.map((sourceId) => ({ kind: 'payment', sourceId })));
    expect(line('1', '1.5e3', '12345678901234567890')).toMatchObject({
      row: { amount_centavos: 1500, payer_number: '12345678901234567890' },
    });
    expect(line('7.0')).toMatchObject({ sourceId: '7' });
    for (const id of ['1e5', '90071992547409931e0', '9.0071992547409931E16', '0.0000001']) {
      expect(line(id)).toMatchObject({ kind: 'bad', reason: expect.stringMatching(/^endToEndId/) });
    }
    expect(line('1', '12345678901234567e-400')).toMatchObject({
      kind: 'bad',
      reason: expect.stringMatching(/^amount is a number in exp/),
    });
    expect(line('1', '5', '{"n":1}')).toMatchObject({
      kind: 'bad',
      code: 'invalid_payment',
      reason: 'payer.account.number is an object or a list, where one value belongs',
    });
    expect(line('1', '5', '["1"]')).toMatchObject({ kind: 'bad' });
    expect(line('1', '5', 'null')).toMatchObject({ kind: 'payment', row: { payer_number: null } });
  });

  it('keeps the amount and the time of NDJSON numbers exact', () => {
    const yaml = minimal.replace('at\n', '{ column: at, format: epoch_s }\n');
    const reader = mappedReader(parseMapping(yaml, 'm'), 'ndjson', 'f');
    const line = (value: string, at = '1772366400'): ImportedRow | null =>
      reader(record(`{"id":"1","value":${value},"at":${at}}`));
    expect(['57.16', '140.29999999999998', '1e+05', '12e-1', '0.10'].map((value) => line(value))).toMatchObject(
      [5716, 14030, 10_000_000, 120, 10].map((amount_centavos) => ({ row: { amount_centavos } })),
    );
    expect(line('5', '1.7723664e9')).toMatchObject({ row: { event_time: 1_772_366_400_000_000 } });
    expect(line('5.00000000000000001')).toMatchObject({ row: { amount_centavos: 500 } });
    expect(line('123456789012.1')).toMatchObject({ kind: 'bad' });
  });

  it('without a mapping is a body of /v1/score, whole', () => {
    expect(bodyReader()(record('{"endToEndId":"x"}'))).toMatchObject({ kind: 'bad', code: 'invalid_payment' });
    expect(bodyReader()({ ...record(''), bytes: Buffer.from([0xc3, 0x28]) })).toMatchObject({
      code: 'invalid_encoding',
    });
  });

  it('is what the handbook’s shipped mapping says', () => {
    const yaml = readFileSync('docs/examples/handbook/import.yaml', 'utf8');
    const header = 'TRANSACTION_ID,TX_DATETIME,CUSTOMER_ID,TERMINAL_ID,TX_AMOUNT,TX_FRAUD';
    const rows = read(
      yaml,
      header,
      '0,2018-04-01 00:00:31,596,3156,57.16,0',
      '9,2018-04-01 00:00:31,596,3156,140.29999999999998,1',
    );
    expect(rows).toMatchObject([
      { row: { payer_number: '596', payee_number: '3156', amount_centavos: 5716 }, label: null, sourceId: '0' },
      { row: { amount_centavos: 14030 }, label: 'AGREED' },
    ]);
  });
});

describe('values', () => {
  const amount = (text: string, unit: 'reais' | 'centavos' = 'reais', decimal: '.' | ',' = '.') => {
    const value = amountReader(unit, decimal)(text);
    return value.ok ? value.value : value.problem;
  };

  it('reads money exactly, never by rounding', () => {
    expect(['146.0', '57.16', '12', '0.0', '007.5', '9999999999.99'].map((text) => amount(text))).toEqual([
      '146.00',
      '57.16',
      '12.00',
      '0.00',
      '7.50',
      '9999999999.99',
    ]);
    expect(amount('1.234,56', 'reais', ',')).toBe('1234.56');
    for (const [text, value] of [
      ['1.234', '1234.00'],
      ['1.234.567,8', '1234567.80'],
      ['1234,5', '1234.50'],
      ['140,29999999999998', '140.30'],
    ] as const) {
      expect(amount(text, 'reais', ',')).toBe(value);
    }
    expect(amount('-1.234,56', 'reais', ',')).toBe('is negative');
    for (const text of [
      '10.50',
      '10.5',
      '1.2.3,4',
      '1234.567',
      '1.23,4',
      '1.2345',
      '0.500',
      '.500',
      '1.234.56',
      '1,234.5',
    ]) {
      expect(amount(text, 'reais', ',')).toBe('has a point that groups no thousands');
    }
    expect(amount('1,234.56')).toMatch(/no amount/);
    expect(amount('1234', 'centavos')).toBe('12.34');
    expect(amount('-1')).toBe('is negative');
    for (const text of ['1.005', '1e3', '', 'R$ 5', '12345678901', '5.1250000000000', '140.2999999']) {
      expect(amount(text)).toMatch(/no amount/);
    }
    expect(amount('12.5', 'centavos')).toMatch(/no whole number/);
  });

  it('reads times in their zone, over hours that come twice or never', () => {
    const local = timeReader('YYYY-MM-DD HH:mm:ss', 'America/Sao_Paulo');
    expect(local?.('2026-03-01 09:00:00')).toBe(Date.UTC(2026, 2, 1, 12) * 1000);
    expect(local?.('2019-02-16 23:30:00')).toBe(Date.UTC(2019, 1, 17, 1, 30) * 1000);
    expect(local?.('2018-11-04 00:30:00')).toBe(Date.UTC(2018, 10, 4, 3, 30) * 1000);
    expect(local?.('2026-13-01 09:00:00')).toBeUndefined();
    const iso = timeReader('iso', 'America/Sao_Paulo');
    expect(iso?.('2026-03-01T09:00:00.123456+02:00')).toBe(Date.UTC(2026, 2, 1, 7) * 1000 + 123_456);
    expect(iso?.('2026-03-01')).toBe(Date.UTC(2026, 2, 1, 3) * 1000);
    expect(timeReader('epoch_ms', 'UTC')?.('1772400000123')).toBe(1_772_400_000_123_000);
    expect(timeReader('DD/MM/YYYY HH:mm', 'UTC')?.('02/03/2026 05:06')).toBe(Date.UTC(2026, 2, 2, 5, 6) * 1000);
    expect(timeReader('MM/YYYY', 'UTC')).toBeUndefined();
  });

  it('reads the day that a text writes, whatever its offset', () => {
    const date = (text: string, format = 'iso') => {
      const read = dayReader(format);
      return read === undefined ? undefined : dateValue(read)(text);
    };
    const day = (value: string) => ({ ok: true, value });
    expect(date('2020-01-31T22:00:00-03:00')).toEqual(day('2020-01-31'));
    expect(date('2020-02-01T01:00:00+05:00')).toEqual(day('2020-02-01'));
    expect(date('2020-01-31T23:59:59.999999Z')).toEqual(day('2020-01-31'));
    expect(date('1969-12-31 10:00:00')).toEqual(day('1969-12-31'));
    expect(date('2020-01-31')).toEqual(day('2020-01-31'));
    expect(date('31/01/2020 23:00', 'DD/MM/YYYY HH:mm')).toEqual(day('2020-01-31'));
    expect(date('1580515199', 'epoch_s')).toEqual(day('2020-01-31'));
    expect(date('2020-02-30')).toMatchObject({ ok: false });
    expect(date('31/01', 'DD/MM')).toBeUndefined();
  });

  it('maps a date with an offset to its own day', () => {
    const [row] = read(
      `${minimal}  payer.account.openedOn: since\n`,
      'id,value,at,since',
      '1,5,2026-03-01,2020-01-31T22:00:00-03:00',
    );
    expect(row).toMatchObject({ payment: expect.stringContaining('"openedOn":"2020-01-31"') });
  });
});
