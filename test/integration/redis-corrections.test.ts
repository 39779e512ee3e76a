import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type EntityNumbers, hasNumber } from '../../src/domain/entity-keys.ts';
import type { PaymentRow } from '../../src/domain/payment-row.ts';
import { EmbeddedStore } from '../../src/features/embedded/embedded-store.ts';
import { compileFeatureSet } from '../../src/features/feature-set.ts';
import { FEATURE_STATUS_NAMES } from '../../src/features/feature-status.ts';
import type { CorrectionObservation, ObservedCorrection } from '../../src/features/online-store.ts';
import { RedisOnlineStore, type RedisStoreHooks } from '../../src/features/redis/redis-online-store.ts';
import { paymentOf, plainSet, rowOf } from '../unit/features/streams.ts';
import { epochOf, NO_HOOKS } from './redis-parts.ts';
import { startRedis, type TestRedis } from './redis-server.ts';

const START = 1_762_000_000_000_000;
const SET = compileFeatureSet(plainSet(9));
const ID = `E${'1'.repeat(31)}`;

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.close());
beforeEach(async () => {
  await redis.admin.flushall();
});

/** A server's store, and what it learned of corrections that were not answered, by their requests. */
interface Server {
  readonly store: RedisOnlineStore;
  readonly settled: Map<string, CorrectionObservation | null>;
}

async function server(timeoutMs = 10_000): Promise<Server> {
  const settled: Server['settled'] = new Map();
  const onCorrectionSettled: RedisStoreHooks['onCorrectionSettled'] = ({ intent }, made) =>
    settled.set(intent?.request ?? '', made);
  const store = new RedisOnlineStore(redis.url, SET, { ...NO_HOOKS, onCorrectionSettled }, timeoutMs);
  await store.connect();
  await store.rebuild(epochOf(redis.url, SET));
  return { store, settled };
}

function correctionOf(
  row: PaymentRow | null,
  request = randomUUID(),
): ObservedCorrection & { readonly request: string } {
  const intent = { request, source: 'http', correctedAtMicros: START, raw: new Uint8Array(0) } as const;
  return { endToEndId: ID, replacement: row && paymentOf(row), intent, request };
}

/** What a new payment between two accounts would see. */
async function countOf({ store }: Server, payer: number, payee: number): Promise<unknown> {
  const payment = paymentOf(rowOf(ID.replace('1', '2'), START + 1000, 5, payer, payee));
  const { values, saw } = await store.readFeatures({ ...payment, atMicros: START + 1000 });
  return { payee: values[SET.names.indexOf('payee_ever')], saw: saw.payee?.seq };
}

it('gives corrections of one payment one order, whichever server asks for them, and each once', async () => {
  const servers = [await server(), await server()] as const;
  const [a] = servers;
  await a.store.observePayment(paymentOf(rowOf(ID, START, 100, 1, 1)));
  const corrections = Array.from({ length: 40 }, (_, at) =>
    correctionOf(at % 3 === 0 ? null : rowOf(ID, START + at, at, 1, 1 + (at % 4))),
  );
  // Each is asked for by both, as after a crash: what is done twice is done once.
  const made = await Promise.all(
    corrections.map(async (correction, at) => {
      const answers = await Promise.all(servers.map(({ store }) => store.correctPayment(correction)));
      expect(answers[0]).toEqual(answers[1]);
      return { at, ...(answers[0] as CorrectionObservation) };
    }),
  );
  const inOrder = made.sort((x, y) => Number(x.revision) - Number(y.revision) || x.at - y.at);
  let rows = 0;
  let event: EntityNumbers | undefined;
  let last = 1;
  for (const one of inOrder.filter(({ retracted, replaced }) => hasNumber(retracted) || hasNumber(replaced))) {
    expect(one.revision).toBe(rows);
    // An event that is there is retracted, with the payer's next number.
    expect(hasNumber(one.retracted)).toBe(rows === 0 || event !== undefined);
    for (const numbers of [one.retracted, one.replaced]) {
      if (!hasNumber(numbers)) continue;
      rows += 1;
      last += 1;
      expect(numbers.payer?.seq).toBe(last);
    }
    event = hasNumber(one.replaced) ? one.replaced : undefined;
  }
  expect(rows).toBeGreaterThan(20);
  for (const { store } of servers) await store.close();
});

it('settles a correction whose answer came too late, with the numbers that it took', async () => {
  const [a, b] = [await server(50), await server()];
  await b.store.observePayment(paymentOf(rowOf(ID, START, 100, 1, 1)));
  const correction = correctionOf(rowOf(ID, START, 100, 1, 2));
  // The script is there, and Redis has read nothing yet of what is asked.
  await b.store.correctPayment({ ...correctionOf(null), endToEndId: 'E0' });
  redis.pause();
  await expect(a.store.correctPayment(correction)).rejects.toMatchObject({ code: 'store_unavailable' });
  expect(a.store.lateAppends.waiting).toBe(1);
  redis.resume();
  await expect
    .poll(() => a.settled.get(correction.request), { timeout: 20_000 })
    .toMatchObject({
      isApplied: true,
      revision: 0,
      retracted: { payer: { seq: 2 }, payee: { seq: 2 } },
      replaced: { payer: { seq: 3 }, payee: { seq: 1 } },
    });
  expect([await countOf(b, 1, 1), await countOf(b, 1, 2)]).toEqual([
    { payee: 0, saw: 2 },
    { payee: 1, saw: 1 },
  ]);
  for (const { store } of [a, b]) await store.close();
});

it('does not make a correction any more that was given up before it came', async () => {
  const [a, b] = [await server(), await server()];
  await a.store.observePayment(paymentOf(rowOf(ID, START, 100, 1, 1)));
  const correction = correctionOf(null);
  b.store.settleCorrection(correction);
  await expect.poll(() => b.settled.get(correction.request)).toBe(null);
  await expect(a.store.correctPayment(correction)).rejects.toThrow('given up');
  expect(await countOf(a, 1, 1)).toEqual({ payee: 1, saw: 1 });
  for (const { store } of [a, b]) await store.close();
});

it('gives a correction up where no epoch is open, or the one that it was sent in was emptied', async () => {
  const a = await server();
  await redis.admin.flushall();
  const correction = correctionOf(null);
  await expect(a.store.correctPayment(correction)).rejects.toMatchObject({ code: 'store_unavailable' });
  await expect.poll(() => a.settled.get(correction.request)).toBe(null);
  const next = correctionOf(null);
  await expect(a.store.correctPayment(next)).rejects.toMatchObject({ code: 'store_unavailable' });
  await expect.poll(() => a.settled.get(next.request)).toBe(null);
  expect(a.store.lateAppends.waiting).toBe(0);
  await a.store.close();
});

it('counts from the next payment where the first that ever was is taken back, and then from none', async () => {
  const since = {
    kind: 'window',
    name: 'since_first',
    description: 'x',
    entity: 'payer',
    aggregate: 'time_since_first',
    window: 'all',
    unit: '1s',
  } as const;
  const set = compileFeatureSet({ name: 'mine', description: 'x', bound: 4, allowedLateness: '1h', features: [since] });
  const store = new RedisOnlineStore(redis.url, set, NO_HOOKS, 10_000);
  await store.connect();
  await store.rebuild(epochOf(redis.url, set));
  const twin = new EmbeddedStore(set);
  twin.openEpoch(1);
  const idOf = (second: number): string => `E${String(second).padStart(31, '0')}`;
  const pay = async (second: number): Promise<unknown[]> => {
    const payment = paymentOf(rowOf(idOf(second), START + second * 1_000_000, 5, 1, 1));
    const [{ values, status }, { values: same, status: sameStatus }] = [
      await store.observePayment(payment),
      twin.observePayment(payment),
    ];
    expect([values[0], status[0]]).toEqual([same[0], sameStatus[0]]);
    return [values[0], FEATURE_STATUS_NAMES[status[0] ?? 0]];
  };
  for (let second = 0; second < 10; second += 1) await pay(second);
  const found: unknown[] = [];
  for (const second of [1, 0, 2]) {
    const endToEndId = idOf(second);
    twin.correctPayment({ endToEndId, replacement: null });
    await store.correctPayment({ ...correctionOf(null), endToEndId });
    found.push(await pay(20 + second));
  }
  expect(found).toEqual([
    [21, 'present'],
    [Number.NaN, 'truncated'],
    [Number.NaN, 'truncated'],
  ]);
  await store.close();
});
