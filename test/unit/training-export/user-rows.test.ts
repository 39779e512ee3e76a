import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { TimestampMicrosecond } from 'apache-arrow';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRowsFile } from '../../../src/cli/rows-file.ts';
import { LABEL_STATES, type LabelState } from '../../../src/domain/label.ts';
import { entityKeys, type PaymentRow } from '../../../src/domain/payment-row.ts';
import { EmbeddedStore } from '../../../src/features/embedded/embedded-store.ts';
import { compileFeatureSet } from '../../../src/features/feature-set.ts';
import { openDuckDb } from '../../../src/storage/parquet/duckdb.ts';
import { memoryObjectStore } from '../../../src/storage/store/memory-object-store.ts';
import { createExport } from '../../../src/training-export/create-export.ts';
import { explainValue } from '../../../src/training-export/explain-value.ts';
import type { ExportOptions } from '../../../src/training-export/export-options.ts';
import { readUserRows, type UserFile } from '../../../src/training-export/user-rows.ts';
import { verifyExport } from '../../../src/training-export/verify-export.ts';
import { PYTHON, runPython } from '../../python.ts';
import { accountSet, rowOf } from '../features/streams.ts';
import { readParquetFiles } from './export-files.ts';
import { type SilverWorld, silverWorld } from './silver-world.ts';

const MINUTE = 60_000_000;
const DAY = 1440 * MINUTE;
const START = 20_000 * DAY;
const set = compileFeatureSet(accountSet(16));
const idOf = (number: number): string => `E${String(number).padStart(31, '0')}`;
/** A feature that counts payments of a sliding window, whatever they are. */
const COUNTED =
  set.definition.features.find(
    (feature) =>
      feature.kind === 'window' &&
      feature.aggregate === 'count' &&
      feature.entity === 'payee' &&
      [feature.filter, feature.hop, feature.current].every((part) => part === undefined),
  )?.name ?? '';
const OPTIONS: ExportOptions = { set, labelsAsOfMicros: START + 300 * DAY, doubles: true, leakage: 'off' };

interface Event {
  readonly payer: number;
  readonly payee: number;
  readonly amount: number;
  /** Minutes after the event before it, and how late it is known. */
  readonly wait: number;
  readonly late: number;
  readonly label: LabelState | null;
  readonly restart: boolean;
  readonly corrected?: { readonly back: number; readonly amount: number | null } | null;
}

interface Asked {
  readonly payer: number;
  readonly payee: number;
  readonly amount: number;
  readonly minute: number;
  readonly known: number | null;
  readonly own: number | null;
}

const aWorld = fc.array(
  fc.record({
    payer: fc.nat(2),
    payee: fc.integer({ min: 1, max: 2 }),
    amount: fc.nat(500),
    wait: fc.constantFrom(0, 1, 5, 30),
    late: fc.constantFrom(0, 0, 0, 10),
    label: fc.option(fc.constantFrom(...LABEL_STATES), { freq: 3 }),
    restart: fc.nat(9).map((number) => number === 0),
    /** Corrects one of the payments before: takes it back, or replaces its amount and accounts. */
    corrected: fc.option(fc.record({ back: fc.nat(3), amount: fc.option(fc.nat(500)) }), { freq: 3 }),
  }),
  { minLength: 1, maxLength: 25 },
);
const PAID = { payer: 1, payee: 1, amount: 5, wait: 1, late: 0, label: null, restart: false, corrected: null } as const;
const someRows = fc.array(
  fc.record({
    payer: fc.nat(3),
    payee: fc.nat(3),
    amount: fc.nat(500),
    minute: fc.integer({ min: -5, max: 300 }),
    known: fc.option(fc.integer({ min: -5, max: 400 })),
    own: fc.option(fc.nat(24), { freq: 2 }),
  }),
  { minLength: 1, maxLength: 12 },
);

type Fed = (store: EmbeddedStore) => void;

/** The world, and what a store is fed with, each with its known time. */
async function build(events: readonly Event[]): Promise<{ world: SilverWorld; fed: { known: number; feed: Fed }[] }> {
  const world = await silverWorld(set);
  const fed: { known: number; feed: Fed }[] = [];
  let known = START;
  for (const [number, { payer, payee, amount, wait, late, label, restart, corrected = null }] of events.entries()) {
    known += wait * MINUTE;
    const row = rowOf(idOf(number), known - late * MINUTE, amount, payer, payee);
    if (restart) world.restart();
    if (number % 2 === 0) world.pay(row, known, 'APPROVE');
    else world.importPayment(row, known);
    fed.push({ known, feed: (store) => void store.observePayment({ row, keys: entityKeys(row) }) });
    if (label !== null) {
      const event = { endToEndId: idOf(number), state: label, eventTimeMicros: known, payeeAccount: null };
      world.label(event.endToEndId, label, known, known);
      fed.push({ known, feed: (store) => void store.observeLabel(event) });
    }
    if (corrected === null) continue;
    const endToEndId = idOf(Math.max(0, number - corrected.back));
    const now = corrected.amount === null ? null : rowOf(endToEndId, known, corrected.amount, payer, payee);
    world.correct(endToEndId, now, known);
    const replacement = now === null ? null : { row: now, keys: entityKeys(now) };
    fed.push({ known, feed: (store) => void store.correctPayment({ endToEndId, replacement }) });
  }
  await world.commit();
  return { world, fed };
}

function paymentOf({ payer, payee, amount, minute, own }: Asked, number: number): PaymentRow {
  return rowOf(own === null ? `#${number}` : idOf(own), START + minute * MINUTE, amount, payer, payee);
}

/** Types of files whose instants are bigints. */
const INSTANTS: UserFile['types'] = new Map(
  ['event_time', 'known_time'].map((name) => [name, new TimestampMicrosecond()]),
);

function fileOf(rows: readonly Record<string, unknown>[], types = INSTANTS): UserFile {
  const header = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const records = rows.map((cells, at) => ({ line: at + 1, cells, problem: null }));
  return {
    format: 'parquet',
    sha256: 'f'.repeat(64),
    header,
    types,
    async *records() {
      yield records;
    },
  };
}

describe('rows of a user’s own file', () => {
  it('see what a store saw that was fed with all that was known by then, and no more', async () => {
    let compared = 0;
    let explainedRows = 0;
    await fc.assert(
      fc.asyncProperty(aWorld, someRows, async (events, asked) => {
        const { world, fed } = await build(events);
        const payments = asked.map(paymentOf);
        const file = fileOf(
          asked.map(({ known, own }, at) => {
            const row = payments[at] as PaymentRow;
            const { payer, payee } = entityKeys(row);
            return {
              payer_account: payer,
              payee_account: payee,
              event_time: BigInt(row.event_time),
              known_time: known === null ? null : BigInt(START + known * MINUTE),
              end_to_end_id: own === null ? null : idOf(own),
              amount_centavos: BigInt(row.amount_centavos),
            };
          }),
        );
        const rows = await readUserRows(file, { columns: {} });
        const files = memoryObjectStore();
        const options = { ...OPTIONS, rows };
        await createExport(options, { tables: world.tables, files });
        const found = await readParquetFiles(files, ['all.parquet']);
        expect(found).toHaveLength(asked.length);
        for (const row of found) {
          const at = Number(row.row) - 1;
          const { known } = asked[at] as Asked;
          const payment = payments[at] as PaymentRow;
          const knownMicros = known === null ? payment.event_time : START + known * MINUTE;
          const store = new EmbeddedStore(set, { maxPayments: 1000 });
          store.openEpoch(1);
          for (const { known: then, feed } of fed) if (then <= knownMicros) feed(store);
          const { values } = store.observePayment({ row: payment, keys: entityKeys(payment) });
          const expected = Array.from(values, (value) => (Number.isNaN(value) ? null : value));
          expect(set.names.map((name) => row[name])).toEqual(expected);
          expect(row).toMatchObject({ reconstructed: true, known_time: BigInt(knownMicros) });
          compared += expected.length;
        }
        const ports = { tables: world.tables, files };
        expect(await verifyExport(ports, file)).toMatchObject({ ok: true, difference: null });
        // It reads silver again: a third of the worlds is enough.
        if (events.length % 3 > 0) return;
        const row = found[events.length % found.length];
        const explained = await explainValue(String(row?.row), COUNTED, ports, file);
        expect([explained.exported, explained.recomputed]).toEqual([row?.[COUNTED], row?.[COUNTED]]);
        if (explained.status === 'present') {
          expect(explained.records.filter(({ counts }) => counts)).toHaveLength(explained.exported ?? -1);
          explainedRows += 1;
        }
      }),
      // One world has a value to explain; of the random ones few have.
      { numRuns: 25, examples: [[[PAID, PAID, PAID], [{ ...PAID, minute: 10, known: 20, own: null }]]] },
    );
    expect(compared).toBeGreaterThan(5000);
    expect(explainedRows).toBeGreaterThan(0);
  }, 400_000);

  it('have the label of the file, else that of their payment, else none', async () => {
    const label = 'AGREED';
    const event = { payer: 1, payee: 1, amount: 1, wait: 1, late: 0, restart: false };
    const { world } = await build([
      { ...event, label },
      { ...event, label: null },
    ]);
    const labelsOf = async (rows: Record<string, unknown>[]): Promise<unknown[]> => {
      const files = memoryObjectStore();
      const options = { ...OPTIONS, rows: await readUserRows(fileOf(rows), { columns: {} }) };
      await createExport(options, { tables: world.tables, files });
      return (await readParquetFiles(files, ['all.parquet'])).map((row) => row.label);
    };
    const at = { payer_account: '1||a', event_time: '2026-01-01' };
    expect(
      await labelsOf([
        { ...at, label: 1 },
        { ...at, label: 'false' },
        { ...at, label: '' },
      ]),
    ).toEqual([1, 0, null]);
    const early = { payer_account: '1||a', event_time: BigInt(START) };
    const byPayment = [0, 1].map((number) => ({ ...early, end_to_end_id: idOf(number) }));
    expect(await labelsOf([...byPayment, { ...early, end_to_end_id: null }])).toEqual([1, 0, null]);
  });

  it('of a payment that the lake does not know have no label, and are counted', async () => {
    const event = { payer: 1, payee: 1, amount: 1, wait: 1, late: 0, restart: false };
    const { world } = await build([
      { ...event, label: 'AGREED' },
      { ...event, label: null },
    ]);
    // A label may come of a payment that the lake has not seen.
    world.label(idOf(7), 'AGREED', START + MINUTE, START + MINUTE);
    await world.commit();
    const exported = async (rows: Record<string, unknown>[]) => {
      const ports = { tables: world.tables, files: memoryObjectStore() };
      const file = fileOf(rows);
      const manifest = await createExport({ ...OPTIONS, rows: await readUserRows(file, { columns: {} }) }, ports);
      expect(await verifyExport(ports, file)).toMatchObject({ ok: true });
      const labels = (await readParquetFiles(ports.files, ['all.parquet'])).map((row) => row.label);
      return { manifest, labels, counts: manifest.files[0]?.counts };
    };
    const at = { payer_account: '1||a', event_time: BigInt(START) };
    const rows = [0, 1, 7, 8, 9].map((number) => ({ ...at, end_to_end_id: idOf(number) }));
    const { manifest, labels, counts } = await exported(rows);
    expect(labels).toEqual([1, 0, 1, null, null]);
    expect(manifest.unknownPaymentRows).toBe(2);
    expect(counts).toEqual({ rows: 5, fraud: 2, notFraud: 1, contested: 0, censored: 0, unobserved: 0, unknown: 2 });
    const known = await exported(rows.slice(0, 3));
    expect(known.labels).toEqual([1, 0, 1]);
    expect('unknownPaymentRows' in known.manifest || 'unknown' in (known.counts ?? {})).toBe(false);
    const given = await exported(rows.map((row) => ({ ...row, label: 0 })));
    expect(given.labels).toEqual([0, 0, 0, 0, 0]);
    expect('unknownPaymentRows' in given.manifest).toBe(false);
  });

  it('are not bounded by flags that are for payments: those are refused', async () => {
    const { world } = await build([{ payer: 1, payee: 1, amount: 1, wait: 1, late: 0, restart: false, label: null }]);
    const rows = await readUserRows(fileOf([{ payer_account: '1||a', event_time: '2026-01-01' }]), { columns: {} });
    const ports = { tables: world.tables, files: memoryObjectStore() };
    for (const flags of [{ toMicros: START }, { where: 'true' }, { fromDecisions: true }, { eventKeys: true }]) {
      await expect(createExport({ ...OPTIONS, rows, ...flags }, ports), JSON.stringify(flags)).rejects.toMatchObject({
        code: 'usage',
      });
    }
  });

  it('are refused together where the file is no longer the one that the export was made of', async () => {
    const { world } = await build([{ payer: 1, payee: 1, amount: 1, wait: 1, late: 0, restart: false, label: null }]);
    const file = fileOf([{ payer_account: '1||a', event_time: '2026-01-01' }]);
    const files = memoryObjectStore();
    const ports = { tables: world.tables, files };
    const manifest = await createExport({ ...OPTIONS, rows: await readUserRows(file, { columns: {} }) }, ports);
    expect(manifest.command).toContain('--rows FILE');
    await expect(verifyExport(ports)).rejects.toMatchObject({ code: 'usage' });
    const other = await verifyExport(ports, { ...file, sha256: '0' });
    expect(other.difference).toContain('the file has SHA-256 0');
    await expect(explainValue('1', COUNTED, ports)).rejects.toMatchObject({ code: 'usage' });
    await expect(explainValue('1', COUNTED, ports, { ...file, sha256: '0' })).rejects.toMatchObject({
      code: 'export_mismatch',
    });
    await expect(explainValue('2', COUNTED, ports, file)).rejects.toThrow('write its number in your file');
  });
});

describe('a broken file of rows', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'sentinela-rows-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const read = async (text: string, columns: Record<string, string> = {}, name = 'rows.csv'): Promise<unknown> => {
    const path = join(folder, name);
    writeFileSync(path, name.endsWith('.gz') ? gzipSync(text) : text);
    return readUserRows(await openRowsFile(path), { columns });
  };

  it('names every wrong row, with its line and column and without its value, and gives nothing', async () => {
    const text = [
      'payer_account,event_time,amount_centavos,label,device_active_call',
      '1||secret-1,2026-07-01T12:00:00Z,100,1,true',
      '"1||secret',
      '2",yesterday,100,1,true',
      '1||secret-3,,1.5,2,perhaps',
      '1||secret-4,2026-07-01',
      '1||secret-5,2026-07-01 10:00:00,100,,',
      '',
    ].join('\n');
    const failure = await read(text).catch((error: unknown) => error as Error);
    expect(failure).toMatchObject({ code: 'invalid_file', context: { rows: 5, wrong: 3 } });
    expect((failure as Error).message.split('\n')).toEqual([
      '--rows: 3 of 5 rows are wrong, so nothing is exported:',
      '  line 3: event_time is no instant: write 2026-07-01T12:00:00Z or 2026-07-01',
      '  line 5: event_time is empty: a row needs its time',
      '  line 5: amount_centavos is no whole number',
      '  line 5: device_active_call is no boolean: true or false',
      '  line 5: label is no label: 1 fraud, 0 not, empty unknown',
      '  line 6: has 2 fields, the header 5',
    ]);
  });

  it('of many wrong rows names the first and counts the rest', async () => {
    const lines = Array.from({ length: 50 }, () => '1||a,never');
    const failure = await read(['payer_account,event_time', ...lines].join('\n')).catch(
      (error: unknown) => error as Error,
    );
    const told = (failure as Error).message.split('\n');
    expect(told).toHaveLength(22);
    expect(told.at(-1)).toBe('  and 30 more');
  });

  it.each([
    ['payr_account,event_time\na,2026-01-01', {}, 'the file has no entity, did you mean payer_account?'],
    ['payer_account,when\na,2026-01-01', {}, 'name its column by --time (it has payer_account, when)'],
    ['payer_account,when\na,2026-01-01', { event_time: 'whem' }, 'the file has no column whem, did you mean when?'],
    [
      'payer_account,when\na,2026-01-01',
      { event_tim: 'when' },
      'there is no column event_tim to map to, did you mean event_time?',
    ],
    ['payer_account,event_time\n', {}, 'the file has no rows'],
    ['', {}, 'has no header of CSV'],
  ] as const)('says what is missing: %j %j', async (text, columns, message) => {
    const failure = await read(text, columns).catch((error: unknown) => error as Error);
    expect((failure as Error).message).toContain(message);
  });

  const rowsOf = (rows: readonly Record<string, unknown>[]) =>
    readUserRows(fileOf(rows.map((row) => ({ event_time: '2026-07-01', ...row }))), { columns: {} });

  it.each([
    [{ payer_account: '12345678-1-123456' }, 'payer_account is no key of the form ispb|branch|number'],
    [{ payee_account: '12345678|123456' }, 'payee_account is no key of the form ispb|branch|number'],
    [{ payee_account: '1|2|3|4' }, 'payee_account is no key of the form ispb|branch|number'],
    [{ payer_account: 1234n }, 'payer_account is no text: the zeros in front of a number count'],
    [{ payer_number: '123456' }, 'payer_ispb is missing beside payer_number: an account of an institution that'],
    [{ payee_ispb: '', payee_branch: '1', payee_number: '2' }, 'payee_ispb is missing beside payee_number'],
    [{ payer_account: '1||2', payer_number: '3' }, 'payer_number is another one than in payer_account'],
    [{ payer_ispb: '00000000', payer_number: 12 }, 'payer_number is no text: the zeros in front of a number count'],
    [{ payer_document: 1234567890n }, 'payer_document is no text'],
    [{ payee_document: 1234567890 }, 'payee_document is no text'],
    [{ pix_key: 5511999999999n }, 'pix_key is no text'],
    [{ device_id: 7 }, 'device_id is no text'],
    [{ payer_account: '1||2', side: 'payer' }, 'side is none of PAYER, PAYEE'],
  ])('names a row whose entity is one that nobody has: %o', async (row, message) => {
    const good = { payer_account: '1||2', payee_document: '01234567890' };
    const failure = await rowsOf([good, row]).catch((error: unknown) => error as Error);
    expect(failure).toMatchObject({ code: 'invalid_file', context: { rows: 2, wrong: 1 } });
    expect((failure as Error).message.split('\n')[1]).toContain(`  line 2: ${message}`);
  });

  it('is none that names accounts by key, by parts or by both, has sides, and cells that are empty', async () => {
    const rows = await rowsOf([
      { payer_account: '12345678|1|9', side: 'PAYER' },
      { payer_account: '||9', side: 'PAYEE' },
      { payer_ispb: '12345678', payer_number: '9' },
      { payer_account: '12345678|1|9', payer_ispb: '12345678', payer_number: '9', side: '' },
      { payer_ispb: '12345678', payee_account: null },
    ]);
    expect(rows.payers).toEqual(['12345678|1|9', '||9', '12345678||9', '12345678|1|9', null]);
    expect(rows.values.get('side')).toEqual(['PAYER', 'PAYEE', null, null, null]);
  });

  it.each([
    ['1782907200000::BIGINT', 'Int64'],
    ['1782907200::INTEGER', 'Int32'],
    ['1782907200000000::UBIGINT', 'Uint64'],
    ['1782907200000.0::DOUBLE', 'Float64'],
  ])('is told once that %s is no instant, whatever its unit, in each of its columns of instants', async (sql, type) => {
    const path = join(folder, 'numbers.parquet');
    const db = await openDuckDb({ memoryLimitMb: 256, threads: 1, temporaryFolder: folder });
    const right = "TIMESTAMP '2026-07-01 12:00:00'";
    try {
      for (const name of ['event_time', 'known_time', 'device_enrolled_at']) {
        const columns = ['event_time', 'known_time', 'device_enrolled_at'].map(
          (column) => `${column === name ? sql : right} AS ${column}`,
        );
        await db.run(`COPY (SELECT '1||a' AS payer_account, ${columns.join(', ')}) TO '${path}' (FORMAT parquet)`);
        const told = `--rows: the column ${name} is ${type}, which is no instant: write a timestamp, a date, or a text such`;
        await expect(openRowsFile(path).then((file) => readUserRows(file, { columns: {} }))).rejects.toMatchObject({
          code: 'usage',
          message: expect.stringContaining(told),
        });
      }
    } finally {
      db.close();
    }
  });

  it.each([
    ["TIMESTAMP '2026-07-01 12:00:00'", 12],
    ["TIMESTAMPTZ '2026-07-01 09:00:00-03'", 12],
    ["TIMESTAMP_NS '2026-07-01 12:00:00.000000999'", 12],
    ["TIMESTAMP_MS '2026-07-01 12:00:00'", 12],
    ["DATE '2026-07-01'", 0],
    ["'2026-07-01T12:00:00Z'", 12],
  ])('is none whose instants are as %s', async (sql, hour) => {
    const path = join(folder, 'instants.parquet');
    const db = await openDuckDb({ memoryLimitMb: 256, threads: 1, temporaryFolder: folder });
    try {
      await db.run(`COPY (SELECT '1||a' AS payer_account, ${sql} AS event_time) TO '${path}' (FORMAT parquet)`);
    } finally {
      db.close();
    }
    const { times } = await readUserRows(await openRowsFile(path), { columns: {} });
    expect(times).toEqual([Date.UTC(2026, 6, 1, hour) * 1000]);
  });

  it('of texts, or of JSON, has no instants that are numbers', async () => {
    for (const cell of [20_000, 1_782_907_200_000, 20_000n]) {
      const file = fileOf([{ payer_account: '1||a', event_time: cell }], new Map());
      await expect(readUserRows(file, { columns: {} })).rejects.toThrow(
        'line 1: event_time is no instant: write 2026-',
      );
    }
  });

  it('is refused where two columns have one name: either could be meant', async () => {
    await expect(read('payer_account,event_time,payer_account\n1||a,2026-07-01,1||b\n')).rejects.toMatchObject({
      code: 'invalid_file',
      message: expect.stringMatching(/rows\.csv has two columns of one name: payer_account$/),
    });
  });

  it('is refused by its ending, and where its bytes are no Parquet or Arrow', async () => {
    await expect(read('x', {}, 'rows.xlsx')).rejects.toMatchObject({ code: 'usage' });
    await expect(read('x', {}, 'rows.parquet')).rejects.toMatchObject({ code: 'invalid_file' });
    await expect(read('x', {}, 'rows.arrow')).rejects.toMatchObject({ code: 'invalid_file' });
    await expect(openRowsFile(join(folder, 'none.csv'))).rejects.toMatchObject({ code: 'not_found' });
  });

  it('is none that other programs write, in any of the formats', { skip: PYTHON === undefined }, async () => {
    runPython('unit/training-export/user-rows-write.py', { folder });
    const rows = [];
    for (const name of [
      'pandas.csv',
      'pandas.csv.gz',
      'pandas.parquet',
      'polars.parquet',
      'pyarrow.arrow',
      'pyarrow.arrows',
      'pandas.feather',
    ]) {
      const {
        format: _,
        sha256: __,
        ...read
      } = await readUserRows(await openRowsFile(join(folder, name)), {
        columns: { payer_account: 'account', event_time: 'at', label: 'fraud' },
      });
      rows.push({ name, ...read, values: [...read.values] });
    }
    for (const { name, ...read } of rows) {
      expect({ ...read, name }).toEqual({ ...rows[0], name });
      expect(read.times).toEqual([1_782_907_200_123_456, 1_782_993_600_000_000]);
      expect(read.payers).toEqual(['a|1|7', 'b||ação']);
      expect(read.labels).toEqual([1, null]);
      expect(read.values).toEqual([['amount_centavos', [1050, 7]]]);
      expect(read.ignored).toEqual(['note']);
    }
  });
});
