import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppError } from '../../src/base/errors.ts';
import { type Random, seededRandom } from '../../src/base/random.ts';
import { byKind, ENTITY_KINDS, type EntityKind, type EntityNumbers, NO_NUMBERS } from '../../src/domain/entity-keys.ts';
import { LABEL_STATES, type LabelState } from '../../src/domain/label.ts';
import type { PaymentRow } from '../../src/domain/payment-row.ts';
import { feedBase } from '../../src/features/embedded/base-feed.ts';
import { EmbeddedStore } from '../../src/features/embedded/embedded-store.ts';
import { compileFeatureSet, type FeatureSet } from '../../src/features/feature-set.ts';
import type { LabelObservation, Observation } from '../../src/features/online-store.ts';
import type { EpochBase } from '../../src/features/redis/redis-epoch.ts';
import { type LearnedNumbers, RedisOnlineStore } from '../../src/features/redis/redis-online-store.ts';
import { replay } from '../../src/features/replay/replay.ts';
import { type NumberColumns, numberColumns, type ReplayInput } from '../../src/features/replay/replay-input.ts';
import { startRedisCluster } from '../running-redis-cluster.ts';
import { keyColumns, paymentOf, plainSet, rowOf, testSet } from '../unit/features/streams.ts';
import { startRedis } from './redis-server.ts';

const START = 1_762_000_000_000_000;
/** `SEED=11 TRAFFIC=5 npx vitest run test/integration/redis-two` for other and longer traffic. */
const SEED = Number(process.env.SEED ?? 7);
const TRAFFIC = Number(process.env.TRAFFIC ?? 1);

/** What one server's journal holds of a payment or a label. */
interface Entry {
  readonly row: PaymentRow | null;
  readonly label: { readonly id: string; readonly state: LabelState; readonly time: number } | null;
  readonly journal: string;
  readonly position: number;
  readonly known: number;
  isEvent: boolean;
  /** Whether its numbers will not change any more. */
  isResolved: boolean;
  numbers: EntityNumbers;
  payee: string | null;
  observation: Observation | null;
}

/** Two servers, their journals and the epochs that they opened. */
class Servers {
  readonly entries: Entry[] = [];
  readonly epochs: { epoch: number; offsets: Readonly<Record<string, number>> }[] = [];
  readonly set: FeatureSet;
  readonly stores: RedisOnlineStore[];
  readonly #positions: number[] = [0, 0];
  #known = START;
  #rebuilding: Promise<unknown> = Promise.resolve();

  constructor(url: string, set: FeatureSet, timeoutMs: number) {
    this.set = set;
    this.stores = [0, 1].map(
      (server) =>
        new RedisOnlineStore(
          url,
          set,
          {
            onNumbersLearned: (learned) => this.#learn(learned),
            onLabelLearned: ({ endToEndId, state, eventTimeMicros }, learned) =>
              this.#recordLabel(server, { id: endToEndId, state, time: eventTimeMicros }, learned),
            onStateLost: () => {
              this.#rebuilding = this.rebuild(server).catch(() => undefined);
            },
            onUnreachable: () => {},
            onEpochOpened: () => {},
          },
          timeoutMs,
        ),
    );
  }

  async settled(): Promise<void> {
    for (let tries = 0; tries < 1000; tries += 1) {
      await this.#rebuilding;
      if (this.stores.every((store) => store.isOpen && store.lateAppends.waiting === 0)) return;
      await wait(20);
    }
    throw new Error('the servers did not settle');
  }

  async rebuild(server: number): Promise<void> {
    await this.stores[server]?.rebuild({
      leastEpoch: this.epochs.length + 1,
      build: async () => {
        const offsets = this.#offsets(server);
        const base: EpochBase = { reason: 'test', silverVersion: null, offsets };
        const named = this.entries.filter((entry) => entry.position <= (offsets[entry.journal] ?? 0));
        return { state: this.#stateOf(named), base };
      },
      publish: async (epoch, { offsets }) => {
        this.epochs.push({ epoch, offsets });
      },
    });
  }

  async pay(server: number, row: PaymentRow): Promise<void> {
    const entry = this.#record(server, row, null);
    const observation = await this.stores[server]?.observePayment(paymentOf(row)).catch((error: unknown) => {
      if (error instanceof AppError && error.code === 'store_unavailable') return null;
      throw error;
    });
    entry.observation = observation ?? null;
    if (observation == null) return;
    entry.isEvent = observation.isEvent;
    entry.numbers = observation.numbers;
    entry.isResolved = true;
  }

  async label(server: number, id: string, state: LabelState, time: number): Promise<void> {
    const label = { endToEndId: id, state, eventTimeMicros: time, payeeAccount: null };
    const observed = await this.stores[server]?.observeLabel(label).catch(() => null);
    if (observed != null) this.#recordLabel(server, { id, state, time }, observed);
  }

  #recordLabel(server: number, label: NonNullable<Entry['label']>, { payeeAccount, number }: LabelObservation): void {
    if (number === null) return;
    const entry = this.#record(server, null, label);
    Object.assign(entry, { payee: payeeAccount, numbers: { ...NO_NUMBERS, payee: number }, isResolved: true });
  }

  #record(server: number, row: PaymentRow | null, label: Entry['label']): Entry {
    const position = (this.#positions[server] ?? 0) + 1;
    this.#positions[server] = position;
    this.#known += 1;
    const entry: Entry = {
      row,
      label,
      journal: `journal-${server}`,
      position,
      known: this.#known,
      isEvent: true,
      isResolved: false,
      numbers: NO_NUMBERS,
      payee: null,
      observation: null,
    };
    this.entries.push(entry);
    return entry;
  }

  #learn({ endToEndId, side, isEvent, numbers }: LearnedNumbers): void {
    const entry = this.entries.find(({ row }) => row?.end_to_end_id === endToEndId && row.side === side);
    if (entry === undefined || entry.isResolved) return;
    Object.assign(entry, { isEvent, numbers, isResolved: true });
  }

  /** A server knows all of its own journal, and of the other's what silver has: nothing from the first event that waits for its number. */
  #offsets(server: number): Record<string, number> {
    const other = `journal-${1 - server}`;
    const waiting = this.entries.find(({ journal, isResolved }) => journal === other && !isResolved);
    const inSilver = waiting === undefined ? (this.#positions[1 - server] ?? 0) : waiting.position - 1;
    return { [`journal-${server}`]: this.#positions[server] ?? 0, [other]: inSilver };
  }

  #stateOf(named: readonly Entry[]): EmbeddedStore {
    const state = new EmbeddedStore(this.set, { maxPayments: 20_000 });
    const { payments, labels } = this.columns(named);
    const paid = named.filter(({ row }) => row !== null);
    const labelled = named.filter(({ label }) => label !== null);
    const events = {
      payments,
      labels,
      paymentAt: (row: number) => paymentOf(paid[row]?.row as PaymentRow),
      labelAt(row: number) {
        const { label, payee } = labelled[row] as Entry;
        if (label === null) throw new Error('a label was asked for');
        return { endToEndId: label.id, state: label.state, eventTimeMicros: label.time, payeeAccount: payee };
      },
    };
    for (const _ of feedBase(events, state, Infinity));
    return state;
  }

  columns(entries: readonly Entry[]): Pick<ReplayInput, 'payments' | 'labels'> {
    const paid = entries.filter(({ row }) => row !== null);
    const labelled = entries.filter(({ label }) => label !== null);
    const rows = paid.map(({ row }) => row as PaymentRow);
    const places = (of: readonly Entry[]) => ({
      journals: of.map(({ journal }) => journal),
      positions: Float64Array.from(of, ({ position }) => position),
      knownTimes: Float64Array.from(of, ({ known }) => known),
    });
    return {
      payments: {
        count: rows.length,
        ids: rows.map((row) => row.end_to_end_id),
        times: Float64Array.from(rows, (row) => row.event_time),
        keys: keyColumns(rows),
        row: (at) => rows[at] as PaymentRow,
        isEvent: Uint8Array.from(paid, ({ isEvent }) => (isEvent ? 1 : 0)),
        numbers: numbersOf(paid, ({ numbers }) => numbers),
        places: places(paid),
      },
      labels: {
        count: labelled.length,
        ids: labelled.map(({ label }) => label?.id ?? ''),
        states: Uint8Array.from(labelled, ({ label }) => LABEL_STATES.indexOf(label?.state ?? 'AGREED')),
        times: Float64Array.from(labelled, ({ label }) => label?.time ?? 0),
        payees: labelled.map(({ payee }) => payee),
        numbers: numbersOf(labelled, ({ numbers }) => numbers).payee,
        places: places(labelled),
      },
    };
  }
}

function numbersOf(
  entries: readonly Entry[],
  numbersIn: (entry: Entry) => EntityNumbers,
): Record<EntityKind, NumberColumns> {
  const columns = byKind(() => numberColumns(entries.length));
  for (const [at, entry] of entries.entries()) {
    for (const kind of ENTITY_KINDS) {
      columns[kind].epochs[at] = numbersIn(entry)[kind]?.epoch ?? 0;
      columns[kind].seqs[at] = numbersIn(entry)[kind]?.seq ?? 0;
    }
  }
  return columns;
}

/** Every vector that was served, against the one that is recomputed. */
function compare(servers: Servers): { compared: number; degraded: number } {
  const { set, entries, epochs } = servers;
  const paid = entries.filter(({ row }) => row !== null);
  const served = paid.filter(({ observation }) => observation !== null);
  const vectors = replay(set, {
    ...servers.columns(entries),
    epochs,
    reads: {
      rows: Int32Array.from(served, (entry) => paid.indexOf(entry)),
      saw: numbersOf(served, ({ observation }) => observation?.saw ?? NO_NUMBERS),
    },
  });
  for (const [read, { row, observation }] of served.entries()) {
    const again = vectors.vector(read);
    for (const [at, name] of set.names.entries()) {
      const [was, now] = [observation?.values[at], again.values[at]];
      if (Object.is(was, now) && observation?.status[at] === again.status[at]) continue;
      throw new Error(
        `${name} of ${row?.end_to_end_id} ${row?.side} was ${was} (${observation?.status[at]}), is ${now} (${again.status[at]}); it saw ${JSON.stringify(observation?.saw)}`,
      );
    }
  }
  return { compared: served.length * set.names.length, degraded: paid.length - served.length };
}

/** Payments of a few accounts through both servers at once, both sides, some late, with labels. */
async function traffic(
  servers: Servers,
  random: Random,
  from: number,
  count: number,
  disturb: (at: number) => Promise<void>,
): Promise<void> {
  const underWay = new Set<Promise<void>>();
  const run = async (work: Promise<void>): Promise<void> => {
    const tracked: Promise<void> = work.finally(() => underWay.delete(tracked));
    underWay.add(tracked);
    if (underWay.size >= 16) await Promise.race(underWay);
  };
  for (let number = from; number < from + count; number += 1) {
    const id = `E${String(number).padStart(31, '0')}`;
    const late = random.chance(0.1) ? random.below(4_000) * 1_000_000 : 0;
    const row = rowOf(
      id,
      START + number * 7_000_000 - late,
      random.below(100_000),
      1 + random.below(3),
      1 + random.below(4),
    );
    const server = random.below(2);
    await run(servers.pay(server, row));
    if (random.chance(0.4)) await run(servers.pay(1 - server, { ...row, side: 'PAYEE' }));
    if (random.chance(0.1)) {
      const labelled = `E${String(from + random.below(number - from + 1)).padStart(31, '0')}`;
      const state = LABEL_STATES[random.below(4)] ?? 'AGREED';
      await run(servers.label(server, labelled, state, START + number * 7_000_000));
    }
    await disturb(number - from);
  }
  await Promise.all(underWay);
}

/** A Redis that is disturbed. */
interface Disturbed {
  readonly url: string;
  /** Empties it; of a Cluster one node, another one each time. */
  flush(): Promise<void>;
  /** Ends it, or one node of a Cluster, as a crash does, and starts it again, empty. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Holds it, or one node, up: commands are neither answered nor lost. */
  pause(): void;
  resume(): void;
  close(): Promise<void>;
}

async function oneServer(): Promise<Disturbed> {
  const redis = await startRedis();
  return Object.assign(redis, { flush: async () => void (await redis.admin.flushall()) });
}

async function threeNodes(): Promise<Disturbed> {
  const { url, nodes, stop } = await startRedisCluster();
  const [first, second, third] = nodes;
  if (first === undefined || second === undefined || third === undefined) throw new Error('three nodes were asked for');
  let flushes = 0;
  return {
    url,
    flush: async () => void nodes[flushes++ % nodes.length]?.command('FLUSHALL'),
    kill: () => second.kill(),
    start: () => second.start(),
    pause: () => third.pause(),
    resume: () => third.resume(),
    close: stop,
  };
}

describe.for([
  ['one Redis', oneServer, 1],
  ['a Redis Cluster of three nodes', threeNodes, 0.5],
] as const)('two servers on %s', ([what, open, share]) => {
  const count = (payments: number): number => Math.round(payments * share * TRAFFIC);
  let redis: Disturbed;
  beforeAll(async () => {
    redis = await open();
  });
  afterAll(() => redis.close());

  it('serve what is recomputed, through a flush under traffic and a restart', async () => {
    const servers = new Servers(redis.url, compileFeatureSet(testSet(12)), 2000);
    const random = seededRandom(SEED);
    try {
      await Promise.all(servers.stores.map((store) => store.connect()));
      await servers.settled();
      await traffic(servers, random, 0, count(1500), async (at) => {
        if (at === count(700) || at === count(1200)) await redis.flush();
        // Room for the rebuild: else all that follows is decided without state.
        if (servers.stores.some((store) => !store.isOpen)) await wait(10);
      });
      await servers.settled();
      const before = servers.entries.length;
      await redis.kill();
      await traffic(servers, random, count(1500), 50, () => wait(2));
      await redis.start();
      await servers.settled();
      await traffic(servers, random, count(1500) + 100, count(500), async () => {});
      await servers.settled();
      expect(servers.entries.length).toBeGreaterThan(before);
      expect(servers.epochs.length).toBeGreaterThanOrEqual(4);
      const { compared, degraded } = compare(servers);
      console.info(
        `two servers on ${what}: ${compared} values compared, 0 differ; ${degraded} decisions without state; ${servers.epochs.length} epochs`,
      );
      expect(degraded).toBeGreaterThan(0);
      expect(compared).toBeGreaterThan(100_000);
    } finally {
      await Promise.all(servers.stores.map((store) => store.close()));
    }
  });

  it('learn the numbers of appends whose answer came too late', async () => {
    const servers = new Servers(redis.url, compileFeatureSet(plainSet(12)), 50);
    const random = seededRandom(8);
    try {
      await Promise.all(servers.stores.map((store) => store.connect()));
      await servers.settled();
      await traffic(servers, random, 0, 400, async (at) => {
        if (at !== 200) return;
        // Commands reach Redis and are answered, but only after they were given up.
        redis.pause();
        setTimeout(() => redis.resume(), 200);
      });
      await servers.settled();
      const { degraded } = compare(servers);
      expect(degraded).toBeGreaterThan(0);
      for (const { row, isEvent, numbers } of servers.entries) {
        if (row !== null && isEvent) expect(numbers.payer).not.toBe(null);
      }
    } finally {
      await Promise.all(servers.stores.map((store) => store.close()));
    }
  });
});
