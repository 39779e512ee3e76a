import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parsePayment } from '../../../src/domain/parse-payment.ts';
import { entityKeys } from '../../../src/domain/payment-row.ts';
import { AnswerIndex } from '../../../src/events/answer-index.ts';
import { openJournal } from '../../../src/events/journal.ts';
import type { CorrectionRecord, JournalRecord } from '../../../src/events/journal-record.ts';
import { feedJournalTail, readJournalTails } from '../../../src/events/journal-tail.ts';
import { localJournalFiles } from '../../../src/events/local-journal-files.ts';
import { paymentCodec } from '../../../src/events/payment-codec.ts';
import { encodeRecord } from '../../../src/events/record-codec.ts';
import { loadScoringProto } from '../../../src/events/scoring-proto.ts';
import { EmbeddedStore } from '../../../src/features/embedded/embedded-store.ts';
import { bronzeToSilver } from '../../../src/pipeline/bronze-to-silver.ts';
import { bronzeWriter } from '../../../src/pipeline/bronze-writer.ts';
import { feedEvents, joinedEvents, paymentsOf, silverEvents } from '../../../src/pipeline/recorded-events.ts';
import { retractedIn, tailEvents } from '../../../src/pipeline/tail-events.ts';
import { correctMessage } from '../../grpc-message.ts';
import { examplePayment } from '../../payment-example.ts';
import { SET } from '../../scoring-world.ts';
import { correction, entries, exampleLake, idOf, JOURNAL, scored, T0 } from './lake-example.ts';

/** Something that happens to one of six payments between two payers and three payees. */
const aStep = fc.record({
  kind: fc.constantFrom('pay', 'pay', 'second', 'retract', 'replace'),
  id: fc.integer({ min: 1, max: 6 }),
  payer: fc.integer({ min: 1, max: 2 }),
  payee: fc.integer({ min: 1, max: 3 }),
  reais: fc.integer({ min: 1, max: 9 }),
  minute: fc.nat(3000),
  source: fc.constantFrom('http', 'grpc'),
});
type Step = typeof aStep extends fc.Arbitrary<infer T> ? T : never;

function bodyOf({ id, payer, payee, reais, minute }: Step, side = 'PAYER'): Record<string, unknown> {
  return examplePayment({
    endToEndId: idOf(id),
    side,
    amount: `${reais}.00`,
    acceptedAt: new Date(T0 / 1000 - minute * 60_000).toISOString(),
    payer: { ispb: '12345678', document: '52998224725', account: { branch: '1', number: `10${payer}`, type: 'CACC' } },
    payee: { ispb: '1A2B3C4D', document: '12ABC34501DE35', account: { number: `20${payee}`, type: 'TRAN' } },
    device: { id: `device-${payer}` },
  });
}

function paymentOf(body: Record<string, unknown>) {
  const { row } = parsePayment(body);
  return { row, keys: entityKeys(row) };
}

const correct = loadScoringProto().service.Correct;

/** The same correction as it comes over gRPC. */
function overGrpc(record: CorrectionRecord): CorrectionRecord {
  const body = JSON.parse(Buffer.from(record.raw).toString()) as Record<string, unknown>;
  return { ...record, source: 'grpc', raw: correct?.requestSerialize(correctMessage(body)) as Buffer };
}

/** What a store that answers the steps records of them. */
function recordsOf(live: EmbeddedStore, steps: readonly Step[]): JournalRecord[] {
  const records: JournalRecord[] = [];
  const asked = new Map<string, Record<string, unknown>>();
  for (const [at, step] of steps.entries()) {
    const knownTimeMicros = T0 + at * 1000;
    const endToEndId = idOf(step.id);
    if (step.kind === 'pay' || step.kind === 'second') {
      const side = step.kind === 'pay' ? 'PAYER' : 'PAYEE';
      const key = `${endToEndId} ${side}`;
      // A repeat has the first answer, and another payment under the key is refused.
      if (asked.has(key)) continue;
      const body = bodyOf(step, side);
      asked.set(key, body);
      const { isEvent, numbers, saw } = live.observePayment(paymentOf(body));
      const raw = Buffer.from(JSON.stringify(body));
      records.push(scored(step.id, { knownTimeMicros, endToEndId, side, isEvent, numbers, saw, raw }));
      continue;
    }
    const body = step.kind === 'retract' ? null : bodyOf(step);
    const replacement = body === null ? null : paymentOf(body);
    const { mark: _, ...observed } = live.correctPayment({ endToEndId, replacement });
    const record = correction(step.id, body, { knownTimeMicros, ...observed });
    records.push(step.source === 'grpc' ? overGrpc(record) : record);
  }
  return records;
}

/** Every feature of every pair of accounts, with its status. */
function featuresOf(store: EmbeddedStore): unknown[] {
  const pairs = [1, 2].flatMap((payer) => [1, 2, 3].map((payee) => ({ payer, payee })));
  return pairs.map((pair) => {
    const { keys } = paymentOf(bodyOf({ kind: 'pay', id: 9, reais: 1, minute: 0, source: 'http', ...pair }));
    const { values, status } = store.readFeatures({ keys, atMicros: T0 + 60_000_000, row: null });
    return [Array.from(values), Array.from(status)];
  });
}

const LIMITS = { maxPayments: 1000 };

/** A store that a test fills, read as a server would go on with it. */
async function filled(fill: (store: EmbeddedStore) => Promise<unknown>): Promise<unknown[]> {
  const store = new EmbeddedStore(SET, LIMITS);
  await fill(store);
  store.openEpoch(2);
  return featuresOf(store);
}

it('state after corrections is the same live, from the journal, from silver, and from both', {
  timeout: 120_000,
}, async () => {
  const codec = paymentCodec();
  let retractions = 0;
  let replacements = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(aStep, { minLength: 20, maxLength: 60 }),
      fc.integer({ min: 20, max: 80 }),
      async (steps, percent) => {
        const live = new EmbeddedStore(SET, LIMITS);
        live.openEpoch(1);
        const records = recordsOf(live, steps);
        retractions += records.filter(
          (one) => one.kind === 'correction' && one.isApplied && one.replaced.payer === null,
        ).length;
        replacements += records.filter((one) => one.kind === 'correction' && one.replaced.payer !== null).length;
        const expected = featuresOf(live);

        const example = await exampleLake();
        try {
          const files = localJournalFiles();
          const journals = join(example.folder, 'journal');
          const folder = join(journals, 'main');
          const hooks = { onDurable: () => {}, onLost: () => {}, onFatal: () => {} };
          const journal = await openJournal({ files, folder, aheadBytes: 65_536, newId: () => JOURNAL, ...hooks });
          for (const record of records) await journal.append(encodeRecord(record), 0);
          await journal.close();
          const index = new AnswerIndex(7 * 86_400_000_000);
          expect(await filled((store) => feedJournalTail(files, folder, 0, store, index))).toEqual(expected);

          const through = Math.round((percent / 100) * records.length);
          const writer = bronzeWriter(example.lake, JOURNAL, codec);
          // Two runs of the job: a correction's payment may be of the run before.
          for (const [from, to] of [
            [0, through],
            [through, records.length],
          ] as const) {
            if (to > from) await writer.write(entries(records.slice(from, to), from + 1));
            await bronzeToSilver(example.ports);
          }
          const silverTo = async (position: number) =>
            silverEvents(example.lake, SET.columns, new Map([[JOURNAL, position]]));
          expect(await filled(async (store) => feedEvents(await silverTo(records.length), store))).toEqual(expected);
          const both = async (store: EmbeddedStore): Promise<void> => {
            const silver = await silverTo(through);
            const own = { journalId: JOURNAL, through: records.length };
            const tails = await readJournalTails(files, journals, new Map([[JOURNAL, through]]), own);
            await feedEvents(joinedEvents(silver, tailEvents(tails, paymentsOf(silver, retractedIn(tails)))), store);
          };
          expect(await filled(both)).toEqual(expected);
        } finally {
          example.remove();
        }
      },
    ),
    { numRuns: 5, endOnFailure: true },
  );
  expect(retractions).toBeGreaterThan(3);
  expect(replacements).toBeGreaterThan(3);
});
