import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ENTITY_KINDS, type EntityNumbers } from '../../../src/domain/entity-keys.ts';
import { LABEL_STATES, type LabelState } from '../../../src/domain/label.ts';
import { parsePayment } from '../../../src/domain/parse-payment.ts';
import { entityKeys } from '../../../src/domain/payment-row.ts';
import { EmbeddedStore } from '../../../src/features/embedded/embedded-store.ts';
import { FEATURE_STATUS_NAMES } from '../../../src/features/feature-status.ts';
import type { Observation } from '../../../src/features/online-store.ts';
import { importFile } from '../../../src/pipeline/import-file.ts';
import { feedEvents, silverEvents } from '../../../src/pipeline/recorded-events.ts';
import { silverPositions } from '../../../src/pipeline/silver-plan.ts';
import { readHistory } from '../../../src/training-export/read-history.ts';
import { cellAt } from '../../../src/training-export/split-file.ts';
import { examplePayment } from '../../payment-example.ts';
import { SET } from '../../scoring-world.ts';
import { type ExampleLake, exampleLake, idOf, T0 } from './lake-example.ts';

/** A line of one of the three files; of eight payments between two payers and three payees. */
const aLine = fc.record({
  kind: fc.constantFrom('pay', 'pay', 'second', 'label', 'retract', 'replace', 'replace', 'bad'),
  id: fc.integer({ min: 1, max: 8 }),
  payer: fc.integer({ min: 1, max: 2 }),
  payee: fc.integer({ min: 1, max: 3 }),
  reais: fc.integer({ min: 1, max: 9 }),
  /** Few and far between, so that there are ties, and times that go back. */
  minute: fc.nat(12),
  state: fc.constantFrom(...LABEL_STATES),
});
type Line = typeof aLine extends fc.Arbitrary<infer T> ? T : never;

/** What the first import begins with, so that none is without a correction that takes effect. */
const CERTAIN: readonly Line[] = (['pay', 'replace'] as const).map((kind) => {
  return { kind, id: 1, payer: 1, payee: 1, reais: 5, minute: 0, state: 'AGREED' };
});

const timeOf = (minute: number): number => T0 + minute * 60_000_000;
const textOf = (minute: number): string => new Date(timeOf(minute) / 1000).toISOString();

function paymentBody({ id, payer, payee, reais, minute }: Line, side: string): Record<string, unknown> {
  return examplePayment({
    endToEndId: idOf(id),
    side,
    amount: `${reais}.00`,
    acceptedAt: textOf(minute),
    payer: { ispb: '12345678', document: '52998224725', account: { branch: '1', number: `10${payer}`, type: 'CACC' } },
    payee: { ispb: '1A2B3C4D', document: '12ABC34501DE35', account: { number: `20${payee}`, type: 'TRAN' } },
    device: { id: `device-${payer}` },
  });
}

function bodyOf(line: Line): Record<string, unknown> | null {
  const { kind, id, minute, state } = line;
  const endToEndId = idOf(id);
  if (kind === 'bad') return null;
  if (kind === 'pay' || kind === 'second') return paymentBody(line, kind === 'pay' ? 'PAYER' : 'PAYEE');
  if (kind === 'label') return { endToEndId, state, eventTime: textOf(minute) };
  // What a correction says of the payment's time is another minute than its own.
  const payment = paymentBody({ ...line, minute: (minute * 5) % 13 }, 'PAYER');
  return { endToEndId, correctedAt: textOf(minute), ...(kind === 'retract' ? {} : { payment }) };
}

const FILES = ['payments', 'labels', 'corrections'] as const;
const RANK: Readonly<Record<Line['kind'], number>> = { pay: 0, second: 0, label: 1, retract: 2, replace: 2, bad: 2 };

/** The lines in the order that the page of imports promises: known at the running maximum of their file; payments, labels, corrections. */
function naiveOrder(lines: readonly Line[]): Line[] {
  const newest = [0, 0, 0];
  const placed = lines.map((line, at) => {
    const rank = RANK[line.kind];
    if (line.kind !== 'bad') newest[rank] = Math.max(newest[rank] ?? 0, line.minute);
    return { line, rank, at, known: newest[rank] ?? 0 };
  });
  placed.sort((a, b) => a.known - b.known || a.rank - b.rank || a.at - b.at);
  return placed.map(({ line }) => line);
}

/** A store that takes lines as a server does, and what it gave out. */
function twin() {
  const store = new EmbeddedStore(SET, { maxPayments: 1000 });
  const served = new Map<string, Observation>();
  const numbers: string[] = [];
  const labelled = new Set<string>();
  /** Labels that the lake holds; such a one comes again only where it takes a number. */
  const kept = new Set<string>();
  const asked = new Map<string, string>();
  const note = (what: string, of: EntityNumbers): void => {
    numbers.push(`${what} ${ENTITY_KINDS.map((kind) => `${of[kind]?.epoch ?? '-'}.${of[kind]?.seq ?? '-'}`)}`);
  };
  return {
    store,
    served,
    /** What took which numbers. */
    numbers,
    openEpoch(epoch: number): void {
      store.openEpoch(epoch);
      // An import drops labels that it holds twice; one that another import brought takes its number again.
      labelled.clear();
    },
    take(line: Line): void {
      const { kind, id, minute, state } = line;
      const endToEndId = idOf(id);
      const body = bodyOf(line);
      if (body === null) return;
      if (kind === 'pay' || kind === 'second') {
        const key = `${endToEndId} ${body.side}`;
        // A repeat has the first answer, and another payment under the key is refused.
        if (asked.has(key)) return;
        asked.set(key, JSON.stringify(body));
        const observation = store.observePayment(rowOf(body));
        served.set(key, observation);
        note(`event ${key}`, observation.isEvent ? observation.numbers : observation.saw);
      } else if (kind === 'label') {
        const key = `${endToEndId} ${state} ${minute}`;
        if (labelled.has(key)) return;
        labelled.add(key);
        const { payeeAccount, number } = store.observeLabel({
          endToEndId,
          state: state as LabelState,
          eventTimeMicros: timeOf(minute),
          payeeAccount: null,
        });
        if (number === null && kept.has(key)) return;
        kept.add(key);
        numbers.push(`label ${key} ${payeeAccount} ${number?.epoch ?? '-'}.${number?.seq ?? '-'}`);
      } else {
        const payment = body.payment as Record<string, unknown> | undefined;
        const replacement = payment === undefined ? null : rowOf(payment);
        const { isApplied, retracted, replaced } = store.correctPayment({ endToEndId, replacement });
        note(`retracted ${endToEndId} ${isApplied}`, retracted);
        note(`replaced ${endToEndId}`, replaced);
      }
    },
  };
}

function rowOf(body: Record<string, unknown>) {
  const { row } = parsePayment(body);
  return { row, keys: entityKeys(row) };
}

/** Writes the lines into three files, each in its own order. */
function written(example: ExampleLake, name: string, lines: readonly Line[]): Record<(typeof FILES)[number], string> {
  const paths = { payments: '', labels: '', corrections: '' };
  for (const [rank, file] of FILES.entries()) {
    const own = lines.filter(({ kind }) => RANK[kind] === rank).map((line) => JSON.stringify(bodyOf(line) ?? {}));
    paths[file] = join(example.folder, `${name}.${file}.ndjson`);
    writeFileSync(paths[file], own.map((text) => `${text}\n`).join(''));
  }
  return paths;
}

/** What took which numbers, as the lake says. */
async function numbersIn(example: ExampleLake): Promise<string[]> {
  const told: string[] = [];
  const numbers = (row: Record<string, unknown>, prefix = ''): string =>
    `${ENTITY_KINDS.map((kind) => `${row[`${prefix}${kind}_epoch`] ?? '-'}.${row[`${prefix}${kind}_seq`] ?? '-'}`)}`;
  for (const row of await example.rows('silver/transactions')) {
    told.push(`event ${row.end_to_end_id} ${row.side} ${numbers(row)}`);
  }
  for (const row of await example.rows('silver/labels')) {
    const minute = (Number(row.event_time) - T0) / 60_000_000;
    const number = `${row.payee_epoch ?? '-'}.${row.payee_seq ?? '-'}`;
    told.push(`label ${row.end_to_end_id} ${row.state} ${minute} ${row.payee_account} ${number}`);
  }
  for (const row of await example.rows('bronze/corrections')) {
    told.push(`retracted ${row.end_to_end_id} ${row.is_applied} ${numbers(row, 'retracted_')}`);
    told.push(`replaced ${row.end_to_end_id} ${numbers(row, 'replaced_')}`);
  }
  return told;
}

/** Every feature of every pair of accounts, with its status. */
function featuresOf(store: EmbeddedStore): unknown[] {
  const pairs = [1, 2].flatMap((payer) => [1, 2, 3].map((payee) => ({ payer, payee })));
  return pairs.map((pair) => {
    const line: Line = { kind: 'pay', id: 9, reais: 1, minute: 0, state: 'AGREED', ...pair };
    const { values, status } = store.readFeatures({
      keys: rowOf(paymentBody(line, 'PAYER')).keys,
      atMicros: timeOf(60),
      row: null,
    });
    return [Array.from(values), Array.from(status)];
  });
}

describe('an import with corrections', () => {
  it('is the lake of a server that took the same lines in the same order, over three imports', {
    timeout: 600_000,
  }, async () => {
    let applied = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(aLine, { minLength: 20, maxLength: 50 }).map((lines) => [...CERTAIN, ...lines]),
        fc.array(aLine, { maxLength: 20 }),
        fc.array(aLine, { maxLength: 20 }),
        async (...parts) => {
          const example = await exampleLake();
          try {
            const live = twin();
            for (const [at, lines] of parts.entries()) {
              live.openEpoch(at + 1);
              for (const line of naiveOrder(lines)) live.take(line);
              const { payments: file, labels, corrections } = written(example, `part-${at}`, lines);
              const figures = await importFile({ file, labels, corrections }, example.ports);
              applied += figures.corrections;
              const wrong = (await example.rows('quarantine/corrections')).filter(
                ({ journal_id: journal }) => journal === figures.journalId,
              );
              const bad = lines
                .filter(({ kind }) => RANK[kind] === 2)
                .flatMap(({ kind }, place) => (kind === 'bad' ? [place + 1] : []));
              expect(wrong.map(({ line }) => Number(line)).sort((a, b) => a - b)).toEqual(bad);
            }
            expect((await numbersIn(example)).sort()).toEqual([...live.numbers].sort());

            const rebuilt = new EmbeddedStore(SET, { maxPayments: 1000 });
            await feedEvents(
              await silverEvents(example.lake, SET.columns, await silverPositions(example.lake)),
              rebuilt,
            );
            rebuilt.openEpoch(9);
            expect(featuresOf(rebuilt)).toEqual(featuresOf(live.store));

            const payments = [...live.served.keys()].map((key) => ({
              endToEndId: key.slice(0, 32),
              side: key.slice(33) as 'PAYER' | 'PAYEE',
            }));
            const history = await readHistory(example.lake, SET, {
              of: { kind: 'payments', payments },
              features: SET.names,
              withStatuses: true,
              versions: {},
            });
            const recomputed: unknown[] = [];
            const names = history.schema.fields.map(({ name }) => name);
            for await (const { columns, rows } of history.pieces()) {
              for (let row = 0; row < rows; row += 1) {
                recomputed.push(
                  SET.names.flatMap((name) =>
                    [name, `${name}__status`].map((of) => cellAt(columns[names.indexOf(of)], row)),
                  ),
                );
              }
            }
            const expected = [...live.served.values()].map(({ values, status }) =>
              SET.names.flatMap((_, at) => {
                const value = values[at] as number;
                return [Number.isNaN(value) ? null : value, FEATURE_STATUS_NAMES[status[at] as number]];
              }),
            );
            expect(recomputed).toEqual(expected);
          } finally {
            example.remove();
          }
        },
      ),
      { numRuns: Number(process.env.IMPORT_RUNS ?? 3), endOnFailure: true },
    );
    expect(applied).toBeGreaterThan(0);
  });
});
