import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { messageOf } from '../../src/base/errors.ts';
import { type EntityNumbers, hasNumber, NO_NUMBERS } from '../../src/domain/entity-keys.ts';
import type { PaymentRow } from '../../src/domain/payment-row.ts';
import { EmbeddedStore } from '../../src/features/embedded/embedded-store.ts';
import { compileFeatureSet, type FeatureSet } from '../../src/features/feature-set.ts';
import type { Observation, ObservedCorrection } from '../../src/features/online-store.ts';
import { setKeys } from '../../src/features/redis/redis-layout.ts';
import { RedisOnlineStore } from '../../src/features/redis/redis-online-store.ts';
import { type RunningCluster, startRedisCluster } from '../running-redis-cluster.ts';
import { type Cell, OracleStore } from '../unit/features/oracle.ts';
import { checkReading } from '../unit/features/reading-check.ts';
import { feedRecorded } from '../unit/features/recorded-items.ts';
import { cellsOf, paymentOf, plainSet, rowOf, STREAMS, type Step, stream, testSet } from '../unit/features/streams.ts';
import { epochOf, NO_HOOKS } from './redis-parts.ts';
import { startRedis, type TestRedis } from './redis-server.ts';

const START = 1_762_000_000_000_000;

/** A correction that nobody asked for before. */
function corrected(endToEndId: string, row: PaymentRow | null): ObservedCorrection {
  const intent = { request: randomUUID(), source: 'http', correctedAtMicros: START, raw: new Uint8Array(0) } as const;
  return { endToEndId, replacement: row && paymentOf(row), intent };
}

function checkCells(set: FeatureSet, got: Observation, expected: ReadonlyMap<string, Cell>): void {
  const cells = cellsOf(set.names, got);
  for (const [name, cell] of expected) {
    const found = cells.get(name);
    if (found !== undefined && Object.is(found.value, cell.value) && found.status === cell.status) continue;
    throw new Error(`${name}: ${JSON.stringify(found)} is not ${JSON.stringify(cell)}`);
  }
}

interface First {
  readonly epoch: number;
  readonly numbers: EntityNumbers;
  readonly saw: EntityNumbers;
  readonly cells: ReadonlyMap<string, Cell>;
}

/** Where the store is. */
interface Place {
  readonly url: string;
  flush(): Promise<void>;
  /** Takes the open epoch away, of one partition where there are many. */
  forgetEpoch(version: string): Promise<void>;
}

async function run(redis: Place, bound: number, steps: readonly Step[]): Promise<void> {
  const set = compileFeatureSet(testSet(bound));
  const oracle = new OracleStore(set.definition);
  await redis.flush();
  const store = new RedisOnlineStore(redis.url, set, NO_HOOKS, 10_000);
  const reopen = async (): Promise<void> => {
    const opened = await store.rebuild(
      epochOf(redis.url, set, {
        leastEpoch: async () => oracle.epoch + 1,
        async build() {
          const state = new EmbeddedStore(set, { maxPayments: 400 });
          feedRecorded(state, oracle.items);
          return { state, base: { reason: 'test', silverVersion: null, offsets: {} } };
        },
        publish: async () => {},
        onOvertaken: () => {},
        onOpened: () => {},
        onFreed: () => {},
      }),
    );
    oracle.openEpoch(opened.epoch);
  };
  try {
    await store.connect();
    await reopen();
    let clock = START;
    const rows: PaymentRow[] = [];
    const firsts = new Map<string, First>();
    /** Rows that corrections of payments took, by their ids. */
    const revisions = new Map<string, number>();
    for (const now of steps) {
      if (now.do === 'pay' || now.do === 'again') {
        clock += Math.max(0, now.wait);
        const time = now.wait > 0 ? clock : clock + now.wait;
        if (now.do === 'again') {
          const earlier = rows[rows.length - 1 - (now.back % Math.max(rows.length, 1))];
          if (earlier === undefined) continue;
          const isRetry = now.wait === 0;
          const row: PaymentRow = isRetry
            ? earlier
            : {
                ...earlier,
                side: 'PAYEE',
                event_time: time,
                payee_number: now.otherPayee ? '1' : earlier.payee_number,
              };
          const expected = oracle.observe({
            id: row.end_to_end_id,
            time: row.event_time,
            row,
            keys: paymentOf(row).keys,
          });
          const got = await store.observePayment(paymentOf(row));
          expect(got.isEvent).toBe(isRetry);
          const first = firsts.get(row.end_to_end_id);
          const sawBelow = JSON.stringify(got.saw) === JSON.stringify(first?.saw) && first?.epoch === oracle.epoch;
          // Only a retry may see what lay below its own event.
          if (!isRetry || !sawBelow) expect(got.saw).toEqual(expected.saw);
          checkCells(set, got, sawBelow && isRetry ? (first?.cells ?? expected.cells) : expected.cells);
          if (!isRetry) continue;
          expect(got.numbers).toEqual(first?.epoch === oracle.epoch ? first.numbers : NO_NUMBERS);
          continue;
        }
        const row = rowOf(`E${String(rows.length).padStart(31, '0')}`, time, now.amount, now.payer, now.payee);
        rows.push(row);
        const payment = paymentOf(row);
        for (const read of [payment, { ...payment, row: null }]) {
          const asked = { ...read, atMicros: time };
          checkReading(oracle, asked, await store.readFeatures(asked));
        }
        const expected = oracle.observe({ id: row.end_to_end_id, time, row, keys: payment.keys });
        const got = await store.observePayment(payment);
        expect({ isEvent: got.isEvent, numbers: got.numbers, saw: got.saw }).toEqual({
          isEvent: expected.isEvent,
          numbers: expected.numbers,
          saw: expected.saw,
        });
        checkCells(set, got, expected.cells);
        firsts.set(row.end_to_end_id, {
          epoch: oracle.epoch,
          numbers: got.numbers,
          saw: got.saw,
          cells: expected.cells,
        });
      } else if (now.do === 'label') {
        const paid = rows[rows.length - 1 - (now.back % Math.max(rows.length, 1))];
        const id = now.unknown || paid === undefined ? `E${'9'.repeat(31)}` : paid.end_to_end_id;
        const named = now.unknown ? null : '22222222||2';
        const expected = oracle.label(id, now.state, clock + now.wait, named);
        const got = await store.observeLabel({
          endToEndId: id,
          state: now.state,
          eventTimeMicros: clock + now.wait,
          payeeAccount: named,
          request: randomUUID(),
        });
        expect({ payee: got.payeeAccount, number: got.number }).toEqual(expected);
      } else if (now.do === 'correct') {
        const paid = rows[rows.length - 1 - (now.back % Math.max(rows.length, 1))];
        const id = paid?.end_to_end_id ?? `E${'9'.repeat(31)}`;
        const { becomes } = now;
        const row =
          paid === undefined || becomes === null
            ? null
            : rowOf(id, paid.event_time + becomes.wait, becomes.amount, 1, becomes.payee);
        const expected = oracle.correct(id, row && { id, time: row.event_time, ...paymentOf(row) });
        const correction = corrected(id, row);
        for (let again = 0; again < 2; again += 1) {
          const { mark: _, revision: rows, ...got } = await store.correctPayment(correction);
          expect(got).toEqual(expected);
          expect(rows).toBe(expected.isApplied ? (revisions.get(id) ?? 0) : 0);
        }
        const took = [expected.retracted, expected.replaced].filter(hasNumber).length;
        revisions.set(id, (revisions.get(id) ?? 0) + took);
      } else if (now.do === 'restart' || now.do === 'rollback') {
        // A flush and a planned rebuild alike: the state is built from all that was recorded.
        if (now.do === 'rollback') await redis.flush();
        else await redis.forgetEpoch(set.version);
        await reopen();
      }
    }
  } finally {
    await store.close();
  }
}

/** A store on an epoch that holds nothing. */
async function emptyStore({ url, flush }: Place): Promise<RedisOnlineStore> {
  await flush();
  const set = compileFeatureSet(plainSet(9));
  const store = new RedisOnlineStore(url, set, NO_HOOKS, 10_000);
  await store.connect();
  await store.rebuild(epochOf(url, set));
  return store;
}

const ID = `E${'1'.repeat(31)}`;

/** The numbers of entities, without their epoch. */
function seqs(numbers: EntityNumbers): (number | undefined)[] {
  return [numbers.payer, numbers.payee, numbers.pair].map((number) => number?.seq);
}

function suite(place: () => Place, streams: number): void {
  it('takes one record of a payment as its event, whoever else is asked at the same time', async () => {
    const store = await emptyStore(place());
    for (let round = 0; round < 50; round += 1) {
      const row = rowOf(`E${String(round).padStart(31, '0')}`, START + round, 100, 1, 1);
      const other: PaymentRow = { ...row, side: 'PAYEE' };
      const seen = await Promise.all([row, other, row, other].map((of) => store.observePayment(paymentOf(of))));
      const events = seen.filter(({ isEvent }) => isEvent);
      expect(events.map(({ numbers }) => seqs(numbers))).toEqual(events.map(() => [round + 1, round + 1, round + 1]));
      expect(seen.map(({ isEvent }) => isEvent)).toEqual(
        seen[0]?.isEvent ? [true, false, true, false] : [false, true, false, true],
      );
    }
    await store.close();
  });

  it('adds no event where the second side names another payee', async () => {
    const store = await emptyStore(place());
    const row = rowOf(ID, START, 100, 1, 1);
    await store.observePayment(paymentOf(row));
    const second = await store.observePayment(paymentOf({ ...row, side: 'PAYEE', payee_number: '2' }));
    expect({ isEvent: second.isEvent, numbers: second.numbers }).toEqual({ isEvent: false, numbers: NO_NUMBERS });
    const next = await store.observePayment(paymentOf(rowOf(ID.replace('1', '2'), START, 100, 1, 2)));
    expect(seqs(next.saw)).toEqual([1, 0, 0]);
    await store.close();
  });

  it('adds no event where the same side comes again with another payee', async () => {
    const store = await emptyStore(place());
    const row = rowOf(ID, START, 100, 1, 1);
    await store.observePayment(paymentOf(row));
    for (let again = 0; again < 2; again += 1) {
      await store.observePayment(paymentOf({ ...row, payee_number: '2' }));
      const next = await store.observePayment(paymentOf(rowOf(ID.replace('1', `${2 + again}`), START, 100, 1, 1)));
      expect(seqs(next.saw)).toEqual([1 + again * 3, 1 + again * 3, 1 + again * 3]);
      const other = await store.readFeatures({
        ...paymentOf({ ...row, payee_number: '2' }),
        row: null,
        atMicros: START,
      });
      expect(other.saw.payee?.seq).toBe(0);
      await store.correctPayment(corrected(ID, { ...row, amount_centavos: 5 }));
    }
    await store.close();
  });

  for (const bound of [1, 3, 9, 256]) {
    it(`equals the oracle on random streams where an entity keeps ${bound} events`, async () => {
      await fc.assert(
        fc.asyncProperty(stream, (steps) => run(place(), bound, steps)),
        { numRuns: streams },
      );
    });
  }
}

describe('the store on one Redis', () => {
  let redis: TestRedis;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.close());
  suite(
    () => ({
      url: redis.url,
      flush: async () => void (await redis.admin.flushall()),
      forgetEpoch: async (version) => void (await redis.admin.del(`sn2:${version}:epoch`)),
    }),
    STREAMS,
  );
});

describe('the store on a Redis Cluster', () => {
  let cluster: RunningCluster;
  beforeAll(async () => {
    cluster = await startRedisCluster();
  });
  afterAll(() => cluster.stop());

  it('has the keys of a partition in one slot, and as many partitions for every slot', async () => {
    const keys = setKeys(compileFeatureSet(testSet(9)), true);
    const node = new Redis(Number(cluster.nodes[0]?.port));
    for (let partition = 0; partition < keys.partitions; partition += 1) {
      const slot = await node.cluster('KEYSLOT', keys.marker(partition));
      expect(Math.floor(slot / (16_384 / keys.partitions))).toBe(partition);
      expect(await node.cluster('KEYSLOT', `${keys.epochPrefix(partition, 7)}p0123456789abcdef`)).toBe(slot);
    }
    node.disconnect();
  });

  suite(
    () => ({
      url: cluster.url,
      flush: async () => cluster.flush(),
      forgetEpoch: async (version) => {
        const [node] = cluster.nodes;
        const [marker] = node?.command('KEYS', `sn2:${version}:{*}:epoch`).split('\n') ?? [];
        expect(node?.command('DEL', marker ?? '')).toBe('1');
      },
    }),
    Math.ceil(STREAMS / 3),
  );
});

describe('an address of Redis that is not what it says', () => {
  /** Why a store could not build its state. */
  const failureAt = async (url: string): Promise<string> => {
    const set = compileFeatureSet(testSet(9));
    const store = new RedisOnlineStore(url, set, NO_HOOKS);
    try {
      await store.rebuild(epochOf(url, set));
      return 'it was built';
    } catch (error) {
      return messageOf(error);
    } finally {
      await store.close();
    }
  };

  it('is told apart: a node of a Cluster, one server, a Cluster without one of its nodes, nobody', async () => {
    const [redis, cluster] = [await startRedis(), await startRedisCluster()];
    expect(await failureAt(`redis://127.0.0.1:${cluster.nodes[0]?.port}`)).toMatch(/name it with redis-cluster:\/\//);
    expect(await failureAt(redis.url.replace('redis:', 'redis-cluster:'))).toMatch(
      /is no Cluster: name it with redis:/,
    );
    await cluster.nodes[1]?.kill();
    await expect
      .poll(() => cluster.nodes[0]?.command('CLUSTER', 'INFO'), { timeout: 20_000 })
      .toContain('cluster_state:fail');
    expect(await failureAt(cluster.url)).toMatch(/its nodes do not cover every slot/);
    await Promise.all([redis.close(), cluster.stop()]);
    expect(await failureAt(cluster.url)).toMatch(/no node of the Cluster answers/);
  });
});
