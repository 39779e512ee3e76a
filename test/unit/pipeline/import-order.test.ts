import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { instantOfMicros } from '../../../src/domain/instant.ts';
import { parseImportedPayment } from '../../../src/domain/parse-payment.ts';
import { correctionSteps } from '../../../src/pipeline/import-corrections.ts';
import { type ImportLedger, importLedger } from '../../../src/pipeline/import-ledger.ts';
import type { FileRecord } from '../../../src/pipeline/import-lines.ts';
import {
  type ImportStep,
  importSteps,
  labelSteps,
  mergedSteps,
  type TimedRow,
  timedRows,
} from '../../../src/pipeline/import-order.ts';
import type { GoodRow, ImportedRow } from '../../../src/pipeline/import-row.ts';
import { type RowsInMemory, sortedRows } from '../../../src/pipeline/import-sort.ts';

const SECOND = 1_000_000;
const T0 = Date.UTC(2026, 2, 1) * 1000;

const good = (
  line: number,
  seconds: number,
  changes: Partial<GoodRow> & { id?: string; from?: string; to?: string; side?: string } = {},
): GoodRow => {
  const { id = String(line), from = 'A', to = 'B', side = 'PAYER', ...rest } = changes;
  const body = {
    endToEndId: id.padStart(32, '0'),
    side,
    amount: '1.00',
    acceptedAt: instantOfMicros(T0 + seconds * SECOND),
    payer: { account: { number: from } },
    payee: { account: { number: to } },
  };
  const { payment, row } = parseImportedPayment(body);
  return {
    kind: 'payment',
    line,
    raw: Buffer.from(`line ${line}`),
    payment: JSON.stringify(payment),
    row,
    sourceId: null,
    knownMicros: null,
    label: null,
    labelProblem: null,
    ...rest,
  };
};

async function* batched<T>(items: readonly T[], size = 2): AsyncGenerator<T[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}

const all = async <T>(batches: AsyncIterable<readonly T[]>): Promise<T[]> => {
  const items: T[] = [];
  for await (const batch of batches) items.push(...batch);
  return items;
};

const labelLine = (line: number, id: string, seconds: number): FileRecord => ({
  line,
  bytes: Buffer.from(
    JSON.stringify({
      endToEndId: id.padStart(32, '0'),
      state: 'AGREED',
      eventTime: instantOfMicros(T0 + seconds * SECOND),
    }),
  ),
  problem: null,
});

const steps = (
  rows: readonly ImportedRow[],
  labels: readonly FileRecord[],
  delaySeconds = 0,
  ties: 'after_payments' | 'before_payments' = 'after_payments',
): Promise<ImportStep[]> =>
  all(
    importSteps(timedRows(batched(rows), 0), labelSteps(batched(labels), 0), {
      column: 'x',
      states: new Map(),
      delayMicros: delaySeconds * SECOND,
      ties,
    }),
  );

const lineOf = (step: ImportStep): number => {
  if (step.kind === 'payment') return step.row.line;
  if (step.kind === 'label') return step.label.line;
  return step.kind === 'correction' ? step.correction.line : step.bad.line;
};

const told = (step: ImportStep): string => {
  return `${step.kind}${lineOf(step)}@${(step.knownMicros - T0) / SECOND}`;
};

const inMemory = (rows: number): RowsInMemory => ({ rows, rawBytes: 64 * 1024 * 1024 });

describe('the order of an import', () => {
  it('knows rows at the running maximum of their event times, and says that it is assumed', async () => {
    const made = await steps([good(1, 5), good(2, 3), good(3, 9)], []);
    expect(made.map(told)).toEqual(['payment1@5', 'payment2@5', 'payment3@9']);
    expect(made.every((step) => step.assumed)).toBe(true);
  });

  it('puts labels between payments by known time, behind payments of the same time', async () => {
    const rows = [good(1, 1), good(2, 5), good(3, 5), good(4, 8)];
    const made = await steps(rows, [labelLine(1, '1', 5), labelLine(2, '2', 4), labelLine(3, '9', 20)]);
    expect(made.map(told)).toEqual([
      'payment1@1',
      'payment2@5',
      'payment3@5',
      'label1@5',
      'label2@5',
      'payment4@8',
      'label3@20',
    ]);
  });

  it('knows the label of a row after its delay, never before the row', async () => {
    const rows = [good(1, 1, { label: 'AGREED' }), good(2, 6), good(3, 0, { label: 'AGREED' }), good(4, 9)];
    const made = await steps(rows, [], 5);
    expect(made.map(told)).toEqual(['payment1@1', 'payment2@6', 'payment3@6', 'label1@6', 'label3@6', 'payment4@9']);
    expect(made.find((step) => step.kind === 'label')).toMatchObject({
      assumed: false,
      label: { eventMicros: T0 + 6 * SECOND, label: expect.stringContaining('"AGREED"') },
    });
  });

  it('puts the label of a row before payments of its time where the mapping says so, and behind its own', async () => {
    const label = { label: 'AGREED' } as const;
    const rows = [good(1, 1, label), good(2, 6), good(3, 6, label), good(4, 11)];
    const late = await steps(rows, [labelLine(1, '1', 6)], 5, 'before_payments');
    expect(late.map(told)).toEqual([
      'payment1@1',
      'label1@6',
      'payment2@6',
      'payment3@6',
      'label1@6',
      'label3@11',
      'payment4@11',
    ]);
    const now = await steps(rows, [], 0, 'before_payments');
    expect(now.map(told)).toEqual(['payment1@1', 'label1@1', 'payment2@6', 'payment3@6', 'label3@6', 'payment4@11']);
  });

  it('keeps what is wrong where it stood', async () => {
    const bad: ImportedRow = { kind: 'bad', line: 2, raw: Buffer.from('x'), code: 'invalid_json', reason: 'r' };
    const made = await steps(
      [good(1, 4), bad, good(3, 6, { labelProblem: 'p' })],
      [{ ...labelLine(1, '1', 0), bytes: Buffer.from('{') }],
    );
    expect(made.map(told)).toEqual(['bad1@-1772323200', 'payment1@4', 'bad2@4', 'payment3@6', 'bad3@6']);
  });

  it('orders labels and payments the same where the first line of either is wrong', async () => {
    const bad: ImportedRow = { kind: 'bad', line: 1, raw: Buffer.from('x'), code: 'invalid_json', reason: 'r' };
    const now = T0 + 1000 * SECOND;
    const labels = [{ ...labelLine(1, '1', 0), bytes: Buffer.from('{') }, labelLine(2, '2', 3), labelLine(3, '3', 5)];
    const made = await all(
      importSteps(timedRows(batched([bad, good(2, 2), good(3, 4)]), now), labelSteps(batched(labels), now), null),
    );
    expect(made.map(told)).toEqual(['bad1@1000', 'bad1@1000', 'payment2@2', 'label2@3', 'payment3@4', 'label3@5']);
  });

  const folder = mkdtempSync(join(tmpdir(), 'sort-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('puts corrections behind payments and labels of their time, in the order of their lines', async () => {
    const path = join(folder, 'corrections');
    const made = [5, 3, 8].map((seconds, at) => ({
      endToEndId: String(at).padStart(32, '0'),
      correctedAt: instantOfMicros(T0 + seconds * SECOND),
    }));
    writeFileSync(path, made.map((body) => JSON.stringify(body)).join('\n'));
    const beside = mergedSteps(
      labelSteps(batched([labelLine(1, '1', 5), labelLine(2, '2', 8)]), 0),
      correctionSteps(path, 0),
    );
    const rows = [good(1, 1), good(2, 5), good(3, 6), good(4, 8)];
    const order = await all(importSteps(timedRows(batched(rows), 0), beside, null));
    expect(order.map(told)).toEqual([
      'payment1@1',
      'payment2@5',
      'label1@5',
      'correction1@5',
      'correction2@5',
      'payment3@6',
      'payment4@8',
      'label2@8',
      'correction3@8',
    ]);
    rmSync(path);
  });

  it('sorts by (known time, line) whatever the size of its runs, and leaves no file', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(20), { maxLength: 40 }), fc.integer({ min: 1, max: 50 }), async (times, run) => {
        const rows = times.map((seconds, at): TimedRow => {
          const row =
            seconds === 7
              ? ({ kind: 'bad', line: at + 1, raw: Buffer.from([0xff]), code: 'c', reason: 'r' } as const)
              : good(at + 1, seconds);
          return { row, knownMicros: seconds, assumed: false };
        });
        const sorted = await all(sortedRows(batched(rows, 3), folder, inMemory(run)));
        const expected = [...rows].sort((a, b) => a.knownMicros - b.knownMicros || a.row.line - b.row.line);
        expect(sorted).toEqual(expected);
        expect(readdirSync(folder)).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  const bad = (line: number, raw: Buffer): TimedRow => ({
    row: { kind: 'bad', line, raw, code: 'c', reason: 'r' },
    knownMicros: 7,
    assumed: false,
  });

  it('may all have one known time', async () => {
    // More than a call takes arguments.
    const count = 200_000;
    const rows = Array.from({ length: count }, (_, at) => bad(at + 1, Buffer.of(at & 0xff)));
    let next = 1;
    for await (const batch of sortedRows(batched(rows, 1000), folder, inMemory(50_000))) {
      expect(batch.length).toBeLessThanOrEqual(1000);
      for (const { row } of batch) {
        if (row.line !== next) throw new Error(`line ${row.line} comes where ${next} should`);
        next += 1;
      }
    }
    expect(next).toBe(count + 1);
  });

  it('may be as long as a record is cut at, which is longer in a run', async () => {
    const rows = [1, 2, 3].map((line) => bad(line, Buffer.alloc(65_536, line)));
    expect(await all(sortedRows(batched(rows, 1), folder, inMemory(1)))).toEqual(rows);
  });
});

describe('the ledger of an import', () => {
  const ROOM = { payments: 100, labels: 100, corrections: 100 };
  const NOTHING = { payments: [], events: new Map(), corrected: new Set<string>() };
  const label = (id: string, payeeAccount: string | null) => ({
    endToEndId: id.padStart(32, '0'),
    state: 'AGREED' as const,
    eventMicros: T0,
    payeeAccount,
  });
  const place = (ledger: ImportLedger, row: GoodRow) => ledger.place(row.row, row.payment);

  it('numbers holders, keys and devices as well', async () => {
    const ledger = await importLedger(ROOM, NOTHING);
    const named = { payer_document: '52998224725', pix_key: 'key', device_id: 'device' };
    const numbersOf = (number: number, changes: object = {}): unknown => {
      const place = ledger.place({ ...good(number, 0).row, ...named, ...changes }, String(number));
      return 'numbers' in place ? place.numbers : place.kind;
    };
    expect(numbersOf(1)).toMatchObject({ payer_document: 1, payee_document: null, pix_key: 1, device: 1 });
    expect(numbersOf(2, { device_id: 'another' })).toMatchObject({ payer_document: 2, pix_key: 2, device: 1 });
    expect(numbersOf(3, { pix_key: null })).toMatchObject({ payer_document: 3, pix_key: null, device: 2 });
  });

  it('numbers each entity from 1, and shows a second side what is there', async () => {
    const ledger = await importLedger(ROOM, NOTHING);
    expect(place(ledger, good(1, 0))).toMatchObject({ kind: 'event', numbers: { payer: 1, payee: 1, pair: 1 } });
    expect(place(ledger, good(2, 0, { to: 'C' }))).toMatchObject({
      kind: 'event',
      numbers: { payer: 2, payee: 1, pair: 1 },
    });
    expect(place(ledger, good(3, 0))).toMatchObject({ kind: 'event', numbers: { payer: 3, payee: 2, pair: 2 } });
    expect(place(ledger, good(4, 0, { id: '2', to: 'C', side: 'PAYEE' }))).toMatchObject({
      kind: 'second_side',
      numbers: { payer: 3, payee: 1, pair: 1 },
    });
    expect(place(ledger, good(5, 0, { from: 'B', to: 'A' }))).toMatchObject({
      kind: 'event',
      numbers: { payer: 1, payee: 1, pair: 1 },
    });
  });

  it('tells a repeat from another payment under the same key', async () => {
    const ledger = await importLedger(ROOM, NOTHING);
    place(ledger, good(1, 0));
    expect(place(ledger, good(2, 0, { id: '1' }))).toMatchObject({ kind: 'duplicate' });
    expect(place(ledger, good(3, 1, { id: '1' }))).toMatchObject({ kind: 'key_reused' });
  });

  it('knows what the lake held before', async () => {
    const known = { endToEndId: '1'.padStart(32, '0'), side: 'PAYER', payeeAccount: 'X||9' } as const;
    const ledger = await importLedger(ROOM, { ...NOTHING, payments: [[known]] });
    expect(place(ledger, good(1, 0))).toMatchObject({ kind: 'in_lake' });
    expect(place(ledger, good(2, 0, { id: '1', side: 'PAYEE' }))).toMatchObject({
      kind: 'second_side',
      numbers: { payer: 0, payee: 0, pair: 0 },
    });
    expect(ledger.placeLabel(label('1', null))).toMatchObject({ kind: 'label', payeeAccount: 'X||9', number: 1 });
  });

  it('gives labels to the payee of their payment, else to the one that the caller names', async () => {
    const ledger = await importLedger(ROOM, NOTHING);
    place(ledger, good(1, 0));
    expect(ledger.placeLabel(label('1', 'other'))).toEqual({ kind: 'label', payeeAccount: '||B', number: 2 });
    expect(ledger.placeLabel(label('9', '||B'))).toEqual({ kind: 'label', payeeAccount: '||B', number: 3 });
    expect(ledger.placeLabel(label('8', null))).toEqual({ kind: 'label', payeeAccount: null, number: null });
    expect(ledger.placeLabel(label('9', null))).toEqual({ kind: 'duplicate' });
    expect(place(ledger, good(2, 0))).toMatchObject({ numbers: { payee: 4 } });
  });

  it('refuses more payments than it has room for', async () => {
    const ledger = await importLedger({ payments: 2, labels: 1, corrections: 0 }, NOTHING);
    place(ledger, good(1, 0));
    place(ledger, good(2, 0));
    expect(() => place(ledger, good(3, 0))).toThrow(expect.objectContaining({ code: 'invalid_file' }));
  });
});
