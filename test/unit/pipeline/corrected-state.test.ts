import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { AnswerIndex } from '../../../src/events/answer-index.ts';
import { openJournal } from '../../../src/events/journal.ts';
import { feedJournalTail, readJournalTails } from '../../../src/events/journal-tail.ts';
import { localJournalFiles } from '../../../src/events/local-journal-files.ts';
import { paymentCodec } from '../../../src/events/payment-codec.ts';
import { encodeRecord } from '../../../src/events/record-codec.ts';
import { EmbeddedStore } from '../../../src/features/embedded/embedded-store.ts';
import { compileFeatureSet, type FeatureSet } from '../../../src/features/feature-set.ts';
import { bronzeToSilver } from '../../../src/pipeline/bronze-to-silver.ts';
import { bronzeWriter } from '../../../src/pipeline/bronze-writer.ts';
import { feedEvents, joinedEvents, paymentsOf, silverEvents } from '../../../src/pipeline/recorded-events.ts';
import { retractedIn, tailEvents } from '../../../src/pipeline/tail-events.ts';
import { SET } from '../../scoring-world.ts';
import { smallShape, unboundedSet } from '../features/streams.ts';
import { bodyOf, paymentOf, recordsOf, someSteps } from './corrected-steps.ts';
import { entries, exampleLake, JOURNAL, T0 } from './lake-example.ts';

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
async function filled(set: FeatureSet, fill: (store: EmbeddedStore) => Promise<unknown>): Promise<unknown[]> {
  const store = new EmbeddedStore(set, LIMITS);
  await fill(store);
  store.openEpoch(2);
  return featuresOf(store);
}

it.each([
  ['of the shipped set', SET],
  ['of a set without a bound, of which 1 event is in memory', compileFeatureSet(unboundedSet(), smallShape(1))],
])(
  'state after corrections is the same live, from the journal, from silver, and from both, %s',
  {
    timeout: 120_000,
  },
  async (_, set) => {
    const codec = paymentCodec();
    let retractions = 0;
    let replacements = 0;
    await fc.assert(
      fc.asyncProperty(
        someSteps({ minLength: 20, maxLength: 60 }),
        fc.integer({ min: 20, max: 80 }),
        async (steps, percent) => {
          const live = new EmbeddedStore(set, LIMITS);
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
            expect(await filled(set, (store) => feedJournalTail(files, folder, 0, store, index))).toEqual(expected);

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
              silverEvents(example.lake, set.columns, new Map([[JOURNAL, position]]));
            expect(await filled(set, async (store) => feedEvents(await silverTo(records.length), store))).toEqual(
              expected,
            );
            const both = async (store: EmbeddedStore): Promise<void> => {
              const silver = await silverTo(through);
              const own = { journalId: JOURNAL, through: records.length };
              const tails = await readJournalTails(files, journals, new Map([[JOURNAL, through]]), own);
              await feedEvents(joinedEvents(silver, tailEvents(tails, paymentsOf(silver, retractedIn(tails)))), store);
            };
            expect(await filled(set, both)).toEqual(expected);
          } finally {
            example.remove();
          }
        },
      ),
      { numRuns: 3, endOnFailure: true },
    );
    expect(retractions).toBeGreaterThan(0);
    expect(replacements).toBeGreaterThan(0);
  },
);
