import { Cluster } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ENTITY_KINDS } from '../../src/domain/entity-keys.ts';
import { compileFeatureSet } from '../../src/features/feature-set.ts';
import type { CorrectionObservation, FeatureReading } from '../../src/features/online-store.ts';
import {
  ClusterCorrectionCalls,
  correctionHome,
  pendingKey,
} from '../../src/features/redis/redis-cluster-correction-calls.ts';
import { PART_MODES } from '../../src/features/redis/redis-cluster-correction-scripts.ts';
import { askScript } from '../../src/features/redis/redis-connection.ts';
import {
  epochKey,
  epochKeys,
  KIND_CODES,
  nameOf,
  partitionOf,
  setKeys,
} from '../../src/features/redis/redis-layout.ts';
import { correctedParts, pendingCorrection } from '../../src/features/redis/redis-pending-correction.ts';
import { paymentKey } from '../../src/features/redis/redis-request.ts';
import { paymentOf, plainSet, rowOf } from '../unit/features/streams.ts';
import { CommandGate, type CommandKind, type Fate } from './command-gate.ts';
import { type CorrectionServer, correctionOf, correctionServer } from './correction-server.ts';
import { type RedisPlace, threeNodes } from './redis-places.ts';

const START = 1_762_000_000_000_000;
const SET = compileFeatureSet(plainSet(9));
const ID = `E${'1'.repeat(31)}`;
/** Presented, and as it is corrected: another amount, another payee, another time. */
const PRESENTED = rowOf(ID, START, 100, 1, 1);
const CORRECTED = rowOf(ID, START + 500, 7, 1, 2);

let redis: RedisPlace;
let gate: CommandGate;
let servers: CorrectionServer[];
beforeAll(async () => {
  redis = await threeNodes();
});
afterAll(() => redis.close());
beforeEach(async () => {
  await redis.empty();
  gate = new CommandGate(SET);
  servers = [];
});
afterEach(async () => {
  gate.close();
  for (const { store } of servers) await store.close();
});

async function server(): Promise<CorrectionServer> {
  const started = await correctionServer(redis.url, SET);
  servers.push(started);
  return started;
}

/** What a correction of {@link PRESENTED} to {@link CORRECTED} gives, where nothing else happened. */
const MADE = {
  isApplied: true,
  revision: 0,
  retracted: { payer: { seq: 2 }, payee: { seq: 2 }, pair: { seq: 2 } },
  replaced: { payer: { seq: 3 }, payee: { seq: 1 }, pair: { seq: 1 } },
} as const;

/** The features that tell whether the payment's own event is left out of what is read for it. */
function othersIn({ values }: FeatureReading): Record<string, number | undefined> {
  const names = ['payer_ever', 'payee_ever', 'pair_ever'];
  return Object.fromEntries(names.map((name) => [name, values[SET.names.indexOf(name)]]));
}
const NO_OTHERS = { payer_ever: 0, payee_ever: 0, pair_ever: 0 };

/** Where a server is stopped in the midst of a correction. */
const STOPS: readonly (readonly [string, (kind: CommandKind, sent: number) => Fate])[] = [
  ['after it was begun', (kind) => (kind === 'part' ? 'gone' : 'goes')],
  ['after the first of its partitions', (kind, sent) => (kind === 'part' && sent > 0 ? 'gone' : 'goes')],
  ['after the last of its partitions', (kind) => (kind === 'end' ? 'gone' : 'goes')],
  ['after it was ended', (kind) => (kind === 'end' ? 'unanswered' : 'goes')],
];

it('a correction that was left after the last of its partitions is made once, though nobody comes upon it for days', async () => {
  const [a, b] = [await server(), await server()];
  await a.store.observePayment(paymentOf(PRESENTED));
  gate.decide(STOPS[2]?.[1] as (typeof STOPS)[number][1]);
  const correction = correctionOf(ID, CORRECTED);
  await expect(a.store.correctPayment(correction)).rejects.toMatchObject({ code: 'store_unavailable' });
  gate.open();
  await a.store.close();
  await passTime(3 * 86_400_000);
  // A read for the payment goes on with it.
  const read = await b.store.readFeatures({
    ...paymentOf({ ...CORRECTED, side: 'PAYEE' }),
    atMicros: CORRECTED.event_time,
  });
  expect(othersIn(read)).toEqual(NO_OTHERS);
  b.store.settleCorrection(correction);
  await expect.poll(() => b.settled.get(correction.request)).toMatchObject(MADE);
});

describe.for(STOPS)('a server that is killed in a correction, %s', ([, fate]) => {
  const correction = correctionOf(ID, CORRECTED);
  beforeEach(async () => {
    const a = await server();
    await a.store.observePayment(paymentOf(PRESENTED));
    gate.decide(fate);
    await expect(a.store.correctPayment(correction)).rejects.toMatchObject({ code: 'store_unavailable' });
    gate.open();
    await a.store.close();
  });

  it('finds it made when it starts again and asks', async () => {
    const again = await server();
    again.store.settleCorrection(correction);
    await expect.poll(() => again.settled.get(correction.request)).toMatchObject(MADE);
    expect([await again.countOf(1, 1), await again.countOf(1, 2)]).toEqual([
      { payee: 0, saw: 2 },
      { payee: 1, saw: 1 },
    ]);
  });

  it('leaves it to whoever sees the payment next: its second side, a read, a correction', async () => {
    const [b, c] = [await server(), await server()];
    const second = paymentOf({ ...CORRECTED, side: 'PAYEE' });
    const [seen, read] = await Promise.all([
      b.store.observePayment(second),
      c.store.readFeatures({ ...second, atMicros: CORRECTED.event_time }),
    ]);
    for (const reading of [seen, read]) {
      expect(othersIn(reading)).toEqual(NO_OTHERS);
      expect(reading.saw).toMatchObject({ payer: { seq: 3 }, payee: { seq: 1 }, pair: { seq: 1 } });
    }
    const next = await c.store.correctPayment(correctionOf(ID, null));
    expect(next).toMatchObject({ revision: 2, retracted: { payer: { seq: 4 }, payee: { seq: 2 } } });
    b.store.settleCorrection(correction);
    await expect.poll(() => b.settled.get(correction.request)).toMatchObject(MADE);
    expect([await b.countOf(1, 1), await b.countOf(1, 2)]).toEqual([
      { payee: 0, saw: 2 },
      { payee: 0, saw: 2 },
    ]);
  });
});

describe('a correction in a Cluster', () => {
  it.for(['observe', 'read'] as const)(
    'is seen where it comes between the two steps of a second side (%s)',
    async (how) => {
      const [a, b] = [await server(), await server()];
      await a.store.observePayment(paymentOf(PRESENTED));
      const second = paymentOf({ ...CORRECTED, side: 'PAYEE' });
      // Its home was read, and its entities are not yet.
      const { held, release } = gate.hold((kind) => (kind === 'parts' ? 'held' : 'goes'));
      const seen =
        how === 'observe'
          ? b.store.observePayment(second)
          : b.store.readFeatures({ ...second, atMicros: CORRECTED.event_time });
      await held;
      expect(await a.store.correctPayment(correctionOf(ID, CORRECTED))).toMatchObject(MADE);
      release();
      expect(othersIn(await seen)).toEqual(NO_OTHERS);
      expect((await seen).saw).toMatchObject({ payer: { seq: 3 }, payee: { seq: 1 } });
    },
  );

  it('keeps the numbers of a payment whose repeat comes later, and its repeat adds nothing', async () => {
    const [a, b] = [await server(), await server()];
    const first = await a.store.observePayment(paymentOf(PRESENTED));
    await a.store.correctPayment(correctionOf(ID, CORRECTED));
    const repeat = await b.store.observePayment(paymentOf(PRESENTED));
    expect({ isEvent: repeat.isEvent, numbers: repeat.numbers }).toEqual({ isEvent: true, numbers: first.numbers });
    expect(repeat.saw).toMatchObject({ payer: { seq: 3 }, payee: { seq: 2 } });
    expect([await b.countOf(1, 1), await b.countOf(1, 2)]).toEqual([
      { payee: 0, saw: 2 },
      { payee: 1, saw: 1 },
    ]);
  });

  it('is five round trips for a payment that is young, and three for one that was corrected before', async () => {
    const a = await server();
    await a.store.observePayment(paymentOf(PRESENTED));
    // Scripts that Redis does not know yet are sent twice.
    for (const id of ['4', '5']) {
      const row = { ...PRESENTED, end_to_end_id: ID.replace('1', id) };
      await a.store.observePayment(paymentOf(row));
      await a.store.correctPayment(correctionOf(row.end_to_end_id, row));
    }
    const tripsOf = async (): Promise<CommandKind[]> => {
      const trips: CommandKind[] = [];
      gate.decide((kind) => {
        if (trips.at(-1) !== kind) trips.push(kind);
        return 'goes';
      });
      await a.store.correctPayment(correctionOf(ID, CORRECTED));
      return trips;
    };
    expect(await tripsOf()).toEqual(['begin', 'other', 'begin', 'part', 'end']);
    expect(await tripsOf()).toEqual(['begin', 'part', 'end']);
  });

  it('is made before another one of its payment that comes while it is under way', async () => {
    const [a, b] = [await server(), await server()];
    await a.store.observePayment(paymentOf(PRESENTED));
    const { held, release } = gate.hold((kind, sent) => (kind === 'part' && sent === 0 ? 'held' : 'goes'));
    const first = a.store.correctPayment(correctionOf(ID, CORRECTED));
    await held;
    const second = await b.store.correctPayment(correctionOf(ID, null));
    expect(second).toMatchObject({ revision: 2, retracted: { payer: { seq: 4 }, payee: { seq: 2 } } });
    release();
    expect(await first).toMatchObject(MADE);
    expect(await b.countOf(1, 2)).toEqual({ payee: 0, saw: 2 });
  });

  it('waits for a payment that its server has not brought to all of its entities', async () => {
    const [a, b] = [await server(), await server()];
    gate.decide((kind, sent) => (kind === 'parts' && sent > 0 ? 'gone' : 'goes'));
    await expect(a.store.observePayment(paymentOf(PRESENTED))).rejects.toMatchObject({ code: 'store_unavailable' });
    gate.open();
    await a.store.close();
    const early = correctionOf(ID, CORRECTED);
    await expect(b.store.correctPayment(early)).rejects.toThrow(/has reached all of Redis is not known yet/);
    await expect.poll(() => b.settled.get(early.request)).toBe(null);
    // The client asks again for what was not answered, here another server.
    expect(await b.store.observePayment(paymentOf(PRESENTED))).toMatchObject({ isEvent: true });
    expect(await b.store.correctPayment(correctionOf(ID, CORRECTED))).toMatchObject(MADE);
    expect(await b.countOf(1, 1)).toEqual({ payee: 0, saw: 2 });
  });

  it('takes nothing out of an entity that the payment’s server never brought it to in a day', async () => {
    const [a, b] = [await server(), await server()];
    await b.store.observePayment(paymentOf({ ...PRESENTED, end_to_end_id: ID.replace('1', '3') }));
    gate.decide((kind) => (kind === 'parts' ? 'gone' : 'goes'));
    await expect(a.store.observePayment(paymentOf(PRESENTED))).rejects.toMatchObject({ code: 'store_unavailable' });
    gate.open();
    await a.store.close();
    const admin = clusterOf(redis.url);
    const key = paymentKey(ID, epochKeys(setKeys(SET, true), b.store.epoch));
    await admin.pexpire(key, (await admin.pttl(key)) - 86_400_001);
    admin.disconnect();
    expect(await b.store.correctPayment(correctionOf(ID, null))).toMatchObject({ retracted: { payee: { seq: 2 } } });
    expect(await b.countOf(1, 1)).toEqual({ payee: 1, saw: 2 });
  });

  it('takes nothing any more in a partition that was asked what it took in an epoch that is over elsewhere', async () => {
    const a = await server();
    await a.store.observePayment(paymentOf(PRESENTED));
    gate.decide((kind) => (kind === 'part' ? 'gone' : 'goes'));
    const correction = correctionOf(ID, CORRECTED);
    await expect(a.store.correctPayment(correction)).rejects.toMatchObject({ code: 'store_unavailable' });
    gate.open();
    const admin = clusterOf(redis.url);
    const home = correctionHome(nameOf(ID), epochKeys(setKeys(SET, true), a.store.epoch));
    const pending = pendingCorrection((await admin.getBuffer(pendingKey(home))) ?? Buffer.alloc(0), home.payment, SET);
    const calls = new ClusterCorrectionCalls(SET);
    const parts = correctedParts(pending, home.epoch.set.partitions);
    expect(parts.length).toBeGreaterThan(2);
    for (const part of parts) {
      for (const mode of [PART_MODES.tell, PART_MODES.make]) {
        expect(await askScript(admin, calls.part(home, part, pending, mode, 0))).toEqual([1, Buffer.alloc(0)]);
      }
    }
    for (const kind of pending.was.kinds) {
      const name = pending.was.words.subarray(kind * 4, kind * 4 + 4);
      const partition = partitionOf(name, 0, home.epoch.set.partitions);
      const key = epochKey(home.epoch, partition, KIND_CODES[ENTITY_KINDS[kind] ?? 'payer'], name.slice());
      expect((await admin.getBuffer(key))?.readDoubleLE(0)).toBe(1);
    }
    admin.disconnect();
  });

  it('has numbers behind all others in entities that the epoch was lost of in its midst', async () => {
    const a = await server();
    await a.store.observePayment(paymentOf(PRESENTED));
    const correction = correctionOf(ID, CORRECTED);
    const { held, release } = gate.hold((kind, sent) => (kind === 'part' && sent > 0 ? 'held' : 'goes'));
    const made = a.store.correctPayment(correction);
    const [marker = ''] = /sn2:[^:]+:\{\d+\}:epoch/.exec((await held).toString('latin1')) ?? [];
    const admin = clusterOf(redis.url);
    expect(await admin.del(marker)).toBe(1);
    admin.disconnect();
    release();
    const { retracted, replaced, isApplied } = (await made) as CorrectionObservation;
    expect(isApplied).toBe(true);
    const numbers = [retracted, replaced].flatMap((of) => Object.values(of)).filter((number) => number !== null);
    const isBehind = numbers.map(({ seq }) => seq >= 2 ** 31);
    expect(new Set(isBehind)).toEqual(new Set([true, false]));
    expect(new Set(numbers.map(({ epoch }) => epoch))).toEqual(new Set([a.store.epoch]));
    for (const kind of ['payer', 'payee', 'pair'] as const) {
      expect(retracted[kind]?.seq).toBeGreaterThanOrEqual(2);
      expect(replaced[kind]?.seq).toBeGreaterThanOrEqual(1);
    }
    if (retracted.payer !== null) expect(replaced.payer?.seq).toBe(retracted.payer.seq + 1);
  });
});

function clusterOf(url: string): Cluster {
  const nodes = url.replace('redis-cluster://', '').split(',');
  return new Cluster(nodes.map((node) => ({ host: '127.0.0.1', port: Number(node.split(':')[1]) })));
}

/** Has every key come nearer to its end, as if time had gone by. */
async function passTime(ms: number): Promise<void> {
  const admin = clusterOf(redis.url);
  // The nodes are connected to with the first command.
  await admin.get('any');
  for (const node of admin.nodes('master')) {
    for (const key of await node.keysBuffer('*')) {
      const left = await node.pttl(key);
      if (left > 0) await node.pexpire(key, left - ms);
    }
  }
  admin.disconnect();
}
