import { tmpdir } from 'node:os';
import { expect, it } from 'vitest';
import { historicalReads } from '../../../src/cli/historical-link.ts';
import { shippedSet } from '../../../src/cli/shipped-set.ts';

const QUESTION = {
  definition: shippedSet().definition,
  features: ['amount'],
  of: { kind: 'payments', payments: [] },
  withStatuses: false,
} as const;

it('a server that stops ends the historical read under way and begins none of those that wait', async () => {
  const link = historicalReads(tmpdir());
  const reads = Promise.allSettled([link.read(QUESTION), link.read(QUESTION), link.read(QUESTION)]);
  // The first begins its thread within microtasks, in which nothing of the thread can be heard yet.
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  link.stop();
  const stopping = { status: 'rejected', reason: { code: 'not_ready' } };
  expect(await reads).toMatchObject([stopping, stopping, stopping]);
  await expect(link.read(QUESTION)).rejects.toMatchObject({ code: 'not_ready' });
});
