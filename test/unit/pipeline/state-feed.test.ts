import { afterEach, beforeEach, expect, it } from 'vitest';
import { paymentCodec } from '../../../src/events/payment-codec.ts';
import { EmbeddedStore } from '../../../src/features/embedded/embedded-store.ts';
import { bronzeToSilver } from '../../../src/pipeline/bronze-to-silver.ts';
import { bronzeWriter } from '../../../src/pipeline/bronze-writer.ts';
import { silverPositions } from '../../../src/pipeline/silver-plan.ts';
import { feedSilver } from '../../../src/pipeline/state-feed.ts';
import { SET } from '../../scoring-world.ts';
import { type ExampleLake, entries, exampleLake, JOURNAL, label, scored, T0 } from './lake-example.ts';

let example: ExampleLake;
beforeEach(async () => {
  example = await exampleLake();
});
afterEach(() => example.remove());

it('tells the latest known time of one journal: what an import assumed of months to come stops no clock', async () => {
  const { lake } = example;
  const write = (journalId: string, records: Parameters<typeof entries>[0]) =>
    bronzeWriter(lake, journalId, paymentCodec()).write(entries(records, 1));
  await write(JOURNAL, [scored(1), scored(2)]);
  const known = T0 + 29 * 86_400_000_000;
  await write('imported', [scored(3), label(3, 'AGREED', { knownTimeMicros: known })]);
  await bronzeToSilver(example.ports);
  const latestOf = async (journalId: string): Promise<number> => {
    const store = new EmbeddedStore(SET, { maxPayments: 100 });
    return (await feedSilver(lake, SET.columns, await silverPositions(lake), store, journalId)).lastKnownTimeMicros;
  };
  expect(await latestOf(JOURNAL)).toBe(T0 + 2000);
  expect(await latestOf('imported')).toBe(known);
  expect(await latestOf('another')).toBe(0);
});
