import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type EntityNumbers, hasNumber } from '../../src/domain/entity-keys.ts';
import { EmbeddedStore } from '../../src/features/embedded/embedded-store.ts';
import { compileFeatureSet } from '../../src/features/feature-set.ts';
import { FEATURE_STATUS_NAMES } from '../../src/features/feature-status.ts';
import type { CorrectionObservation } from '../../src/features/online-store.ts';
import { paymentOf, plainSet, rowOf } from '../unit/features/streams.ts';
import { type CorrectionServer, correctionOf, correctionServer } from './correction-server.ts';
import { oneServer, type RedisPlace, threeNodes } from './redis-places.ts';

const START = 1_762_000_000_000_000;
const SET = compileFeatureSet(plainSet(9));
const ID = `E${'1'.repeat(31)}`;

describe.for([
  ['one Redis', oneServer],
  ['a Redis Cluster of three nodes', threeNodes],
] as const)('corrections on %s', ([, open]) => {
  let redis: RedisPlace;
  beforeAll(async () => {
    redis = await open();
  });
  afterAll(() => redis.close());
  beforeEach(() => redis.empty());
  const server = (timeoutMs?: number): Promise<CorrectionServer> => correctionServer(redis.url, SET, timeoutMs);

  it('gives a label that is asked for again the payee and the number of the first time, though its payment has another payee since', async () => {
    const [a, b] = [await server(), await server()];
    const first = paymentOf(rowOf(ID, START, 100, 1, 1));
    const second = paymentOf(rowOf(ID, START, 100, 1, 2));
    await a.store.observePayment(first);
    const label = { endToEndId: ID, state: 'AGREED', eventTimeMicros: START, payeeAccount: null } as const;
    const given = await a.store.observeLabel({ ...label, request: 'journal/1' });
    expect(given).toMatchObject({ payeeAccount: first.keys.payee, number: { seq: 2 } });
    expect(await a.store.correctPayment(correctionOf(ID, second.row))).toMatchObject({ isApplied: true });
    // Its answer was lost, or its server was.
    for (const { store } of [a, b]) expect(await store.observeLabel({ ...label, request: 'journal/1' })).toEqual(given);
    const later = await b.store.observeLabel({ ...label, request: 'journal/2' });
    expect(later).toMatchObject({ payeeAccount: second.keys.payee, number: { seq: 2 } });
    for (const { store } of [a, b]) await store.close();
  });

  it('gives corrections of one payment one order, whichever server asks for them, and each once', async () => {
    const servers = [await server(), await server()] as const;
    const [a] = servers;
    await a.store.observePayment(paymentOf(rowOf(ID, START, 100, 1, 1)));
    const corrections = Array.from({ length: 40 }, (_, at) =>
      correctionOf(ID, at % 3 === 0 ? null : rowOf(ID, START + at, at, 1, 1 + (at % 4))),
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
    // Scripts are there, and Redis has read nothing yet of what is asked.
    await b.store.correctPayment(correctionOf(ID, rowOf(ID, START, 99, 1, 1)));
    const correction = correctionOf(ID, rowOf(ID, START, 100, 1, 2));
    redis.pause();
    await expect(a.store.correctPayment(correction)).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(a.store.lateAppends.waiting).toBe(1);
    redis.resume();
    await expect
      .poll(() => a.settled.get(correction.request), { timeout: 20_000 })
      .toMatchObject({
        isApplied: true,
        revision: 2,
        retracted: { payer: { seq: 4 }, payee: { seq: 4 } },
        replaced: { payer: { seq: 5 }, payee: { seq: 1 } },
      });
    expect([await b.countOf(1, 1), await b.countOf(1, 2)]).toEqual([
      { payee: 0, saw: 4 },
      { payee: 1, saw: 1 },
    ]);
    for (const { store } of [a, b]) await store.close();
  });

  it('does not make a correction any more that was given up before it came', async () => {
    const [a, b] = [await server(), await server()];
    await a.store.observePayment(paymentOf(rowOf(ID, START, 100, 1, 1)));
    const correction = correctionOf(ID, null);
    b.store.settleCorrection(correction);
    await expect.poll(() => b.settled.get(correction.request)).toBe(null);
    await expect(a.store.correctPayment(correction)).rejects.toThrow('given up');
    expect(await a.countOf(1, 1)).toEqual({ payee: 1, saw: 1 });
    for (const { store } of [a, b]) await store.close();
  });

  it('gives a correction up where no epoch is open, or the one that it was sent in was emptied', async () => {
    const a = await server();
    await redis.empty();
    const correction = correctionOf(ID, null);
    await expect(a.store.correctPayment(correction)).rejects.toMatchObject({ code: 'store_unavailable' });
    await expect.poll(() => a.settled.get(correction.request)).toBe(null);
    const next = correctionOf(ID, null);
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
    const set = compileFeatureSet({
      name: 'mine',
      description: 'x',
      bound: 4,
      allowedLateness: '1h',
      features: [since],
    });
    const { store } = await correctionServer(redis.url, set);
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
      await store.correctPayment(correctionOf(endToEndId, null));
      found.push(await pay(20 + second));
    }
    expect(found).toEqual([
      [21, 'present'],
      [Number.NaN, 'truncated'],
      [Number.NaN, 'truncated'],
    ]);
    await store.close();
  });
});
