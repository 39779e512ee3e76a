import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { compileFeatureSet } from '../../src/features/feature-set.ts';
import type { LabelObservation } from '../../src/features/online-store.ts';
import { LateAppends } from '../../src/features/redis/redis-late-appends.ts';
import type { LearnedNumbers } from '../../src/features/redis/redis-late-work.ts';
import { RedisOnlineStore } from '../../src/features/redis/redis-online-store.ts';
import { paymentOf, plainSet, rowOf } from '../unit/features/streams.ts';
import { epochOf, NO_HOOKS } from './redis-parts.ts';
import { oneServer, threeNodes } from './redis-places.ts';
import { startRedis, type TestRedis } from './redis-server.ts';

const SET = compileFeatureSet(plainSet(9));
const START = 1_762_000_000_000_000;
const idOf = (n: number): string => `E${String(n).padStart(31, '0')}`;

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.close());
afterEach(() => {
  vi.useRealTimers();
});

it('of an event that was never sent are left to the next epoch once silver does not wait for its number any more', async () => {
  const learned: LearnedNumbers[] = [];
  const store = new RedisOnlineStore(redis.url, SET, {
    ...NO_HOOKS,
    onNumbersLearned: (numbers) => void learned.push(numbers),
  });
  vi.useFakeTimers({ toFake: ['performance'] });
  await store.connect();
  const pay = (n: number) => store.observePayment(paymentOf(rowOf(idOf(n), START + n, 1, 1, 1)));
  // No epoch is open: nothing is sent.
  await expect(pay(1)).rejects.toMatchObject({ code: 'store_unavailable' });
  vi.advanceTimersByTime(9 * 60_000);
  await expect(pay(2)).rejects.toMatchObject({ code: 'store_unavailable' });
  vi.advanceTimersByTime(2 * 60_000);
  await store.rebuild(epochOf(redis.url, SET));
  await expect.poll(() => store.lateAppends).toEqual({ waiting: 0, givenUp: 1 });
  expect(learned.map(({ endToEndId }) => endToEndId)).toEqual([idOf(2)]);
  expect((await pay(3)).saw.payer?.seq).toBe(1);
  await store.close();
});

it.for([
  ['one Redis', oneServer],
  ['a Redis Cluster of three nodes', threeNodes],
] as const)(
  'of events that an earlier process left long ago are not made, on %s: what is there is told',
  async ([, open], { onTestFinished }) => {
    const place = await open();
    onTestFinished(() => place.close());
    const learned: LearnedNumbers[] = [];
    const hooks = { ...NO_HOOKS, onNumbersLearned: (numbers: LearnedNumbers) => void learned.push(numbers) };
    const gone = new RedisOnlineStore(place.url, SET, NO_HOOKS, 10_000);
    await gone.connect();
    await gone.rebuild(epochOf(place.url, SET));
    const rowAt = (n: number) => rowOf(idOf(n), START + n, 1, 1, 1);
    const { numbers } = await gone.observePayment(paymentOf(rowAt(1)));
    await gone.close();

    const store = new RedisOnlineStore(place.url, SET, hooks, 10_000);
    await store.connect();
    const ageMs = 11 * 60_000;
    store.appendLate(paymentOf(rowAt(1)), ageMs);
    store.appendLate(paymentOf({ ...rowAt(1), side: 'PAYEE' }), ageMs);
    store.appendLate(paymentOf(rowAt(2)), ageMs);
    store.appendLate(paymentOf(rowAt(3)), 9 * 60_000);
    await expect.poll(() => store.lateAppends, { timeout: 10_000 }).toEqual({ waiting: 0, givenUp: 1 });
    const nameOf = ({ endToEndId, side }: LearnedNumbers): string => `${endToEndId}/${side}`;
    expect(learned.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))).toMatchObject([
      { endToEndId: idOf(1), side: 'PAYEE', isEvent: false, numbers: { payer: null } },
      { endToEndId: idOf(1), side: 'PAYER', isEvent: true, numbers },
      { endToEndId: idOf(3), isEvent: true, numbers: { payer: { seq: 2 } } },
    ]);
    expect((await store.observePayment(paymentOf(rowAt(4)))).saw.payer?.seq).toBe(2);
    await store.close();
  },
);

it('of a payment are waited for by its label, which is of nobody before', async () => {
  await redis.admin.flushall();
  const labels: LabelObservation[] = [];
  const onLabelLearned = (_: unknown, label: LabelObservation): void => void labels.push(label);
  const store = new RedisOnlineStore(redis.url, SET, { ...NO_HOOKS, onLabelLearned }, 10_000);
  await store.connect();
  const unavailable = { code: 'store_unavailable' };
  // More than are tried at once, so that the last one is still to come when the label is asked for.
  const payments = Array.from({ length: 40 }, (_, n) => paymentOf(rowOf(idOf(n), START + n, 1, 1, n)));
  for (const payment of payments) await expect(store.observePayment(payment)).rejects.toMatchObject(unavailable);
  const label = { state: 'AGREED', eventTimeMicros: START, payeeAccount: null, request: 'journal/41' } as const;
  await expect(store.observeLabel({ ...label, endToEndId: idOf(39) })).rejects.toMatchObject(unavailable);
  await store.rebuild(epochOf(redis.url, SET));
  await expect.poll(() => store.lateAppends.waiting, { timeout: 10_000 }).toBe(0);
  expect(labels).toMatchObject([{ payeeAccount: payments[39]?.keys.payee, number: { seq: 2 } }]);
  await store.close();
});

it('are learned again where what was learned could not be recorded', async () => {
  await redis.admin.flushall();
  let failures = 2;
  const told: LearnedNumbers[] = [];
  const store = new RedisOnlineStore(redis.url, SET, {
    ...NO_HOOKS,
    onNumbersLearned: async (numbers) => {
      failures -= 1;
      if (failures >= 0) throw new Error('the disk is full');
      told.push(numbers);
    },
  });
  await store.connect();
  await store.rebuild(epochOf(redis.url, SET));
  const payment = paymentOf(rowOf(idOf(1), START, 1, 1, 1));
  const { numbers } = await store.observePayment(payment);
  // Its record was lost: the numbers that it took are told, however often.
  store.appendLate(payment);
  await expect.poll(() => store.lateAppends.waiting, { timeout: 10_000 }).toBe(0);
  expect(told.map((one) => one.numbers)).toEqual([numbers]);
  expect(failures).toBe(-1);
  await store.close();
});

it('beyond their limit are not taken, so that those which Redis may have got stay', () => {
  const late = new LateAppends<number>(2, async () => false);
  for (const [at, name] of ['a', 'b', 'c', 'a'].entries()) late.add(name, at);
  expect(late.entries()).toEqual([
    ['a', 0],
    ['b', 1],
  ]);
  expect([late.count, late.givenUp]).toEqual([2, 1]);
  late.close();
});
