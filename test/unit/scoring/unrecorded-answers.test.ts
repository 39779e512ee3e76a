import { expect, it } from 'vitest';
import { manualClock } from '../../../src/base/clock.ts';
import { AppError } from '../../../src/base/errors.ts';
import { parseCorrection } from '../../../src/domain/parse-correction.ts';
import { parseLabel } from '../../../src/domain/parse-label.ts';
import type { JournalRecord } from '../../../src/events/journal-record.ts';
import { forgetfulFiles } from '../../../src/events/memory-journal-files.ts';
import { decodeRecord } from '../../../src/events/record-codec.ts';
import type { ObservedCorrection, ObservedLabel, ObservedPayment } from '../../../src/features/online-store.ts';
import { examplePayment } from '../../payment-example.ts';
import { LINEAR_SCORER, startWorld } from '../../scoring-world.ts';

const START = Date.UTC(2026, 10, 20, 12) * 1000;

/** A path over a store outside the process, whose journal refuses some records, and those that it took. */
async function pathWithout(isRefused: (record: JournalRecord) => boolean) {
  const taken: JournalRecord[] = [];
  const again: { payments: ObservedPayment[]; corrections: ObservedCorrection[]; labels: ObservedLabel[] } = {
    payments: [],
    corrections: [],
    labels: [],
  };
  const world = await startWorld(forgetfulFiles(), manualClock(START), LINEAR_SCORER, (parts) => {
    const { store, journal } = parts;
    return {
      ...parts,
      durability: 'event-first',
      store: {
        epoch: store.epoch,
        observePayment: async (payment) => store.observePayment(payment),
        readFeatures: async (read) => store.readFeatures(read),
        observeLabel: async (label) => store.observeLabel(label),
        correctPayment: async (correction) => store.correctPayment(correction),
        appendLate: (payment) => void again.payments.push(payment),
        settleCorrection: (correction) => void again.corrections.push(correction),
        settleLabel: (label) => void again.labels.push(label),
      },
      journal: Object.create(journal, {
        append: {
          value: async (payload: Buffer, mark: number) => {
            const record = decodeRecord(payload);
            if (isRefused(record)) throw new AppError('disk_full', 'the disk is full');
            taken.push(record);
            return journal.append(payload, mark);
          },
        },
      }) as typeof journal,
    };
  });
  return { world, again, taken };
}

it('asks a store again for the numbers of a payment whose decision could not be journaled', async () => {
  const { world, again } = await pathWithout(({ kind }) => kind === 'decision');
  const payment = examplePayment();
  await expect(world.score(payment)).rejects.toMatchObject({ code: 'disk_full' });
  expect(again.payments.map(({ row }) => row.end_to_end_id)).toEqual([payment.endToEndId]);
  await world.close();
});

it('asks a store again for what became of a correction whose record could not be journaled', async () => {
  const { world, again } = await pathWithout(({ kind }) => kind === 'correction');
  const { endToEndId } = examplePayment();
  await world.score(examplePayment());
  const body = { endToEndId, correctedAt: new Date(START / 1000).toISOString() };
  const request = { parsed: parseCorrection(body), source: 'http', raw: Buffer.from(JSON.stringify(body)) } as const;
  await expect(world.scoring.recordCorrection(request)).rejects.toMatchObject({ code: 'disk_full' });
  expect(again.corrections).toMatchObject([{ endToEndId, replacement: null, intent: { request: expect.any(String) } }]);
  await world.close();
});

it('records a label though its number could not be journaled, and asks a store for it again by the record that is there', async () => {
  const { world, again, taken } = await pathWithout((record) => record.kind === 'label' && record.number !== null);
  const { endToEndId } = examplePayment();
  await world.score(examplePayment());
  const body = { endToEndId, state: 'AGREED', eventTime: new Date(START / 1000).toISOString() };
  const raw = Buffer.from(JSON.stringify(body));
  await world.scoring.recordLabel({ parsed: parseLabel(body), source: 'http', raw });
  const request = `${world.journal.id}/${world.journal.durablePosition()}`;
  expect(again.labels).toMatchObject([{ endToEndId, state: 'AGREED', request }]);
  expect(taken.filter(({ kind }) => kind === 'label')).toMatchObject([{ number: null }]);
  await world.close();
});

it('records a label of the payee that its payment has, and of none before the store has said so', async () => {
  const { world, taken } = await pathWithout(() => false);
  const { endToEndId } = examplePayment();
  await world.score(examplePayment());
  const payeeAccount = { ispb: '99999999', number: '1' };
  const body = { endToEndId, state: 'CONTESTED', eventTime: new Date(START / 1000).toISOString(), payeeAccount };
  const raw = Buffer.from(JSON.stringify(body));
  await world.scoring.recordLabel({ parsed: parseLabel(body), source: 'http', raw });
  const labels = taken.filter((record) => record.kind === 'label');
  expect(labels).toMatchObject([
    { payeeAccount: null, number: null },
    { payeeAccount: expect.not.stringContaining('99999999'), number: { seq: 2 } },
  ]);
  await world.close();
});
