import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppError } from '../../src/base/errors.ts';
import { type Random, seededRandom } from '../../src/base/random.ts';
import {
  byKind,
  ENTITY_KINDS,
  type EntityKind,
  type EntityNumbers,
  hasNumber,
  NO_NUMBERS,
} from '../../src/domain/entity-keys.ts';
import { LABEL_STATES, type LabelState } from '../../src/domain/label.ts';
import type { PaymentRow } from '../../src/domain/payment-row.ts';
import { EVENT } from '../../src/domain/recorded-event.ts';
import { feedBase } from '../../src/features/embedded/base-feed.ts';
import { EmbeddedStore } from '../../src/features/embedded/embedded-store.ts';
import { compileFeatureSet, type FeatureSet } from '../../src/features/feature-set.ts';
import type {
  CorrectionObservation,
  LabelObservation,
  Observation,
  ObservedCorrection,
} from '../../src/features/online-store.ts';
import type { EpochBase } from '../../src/features/redis/redis-epoch.ts';
import type { LearnedNumbers } from '../../src/features/redis/redis-late-work.ts';
import { RedisOnlineStore } from '../../src/features/redis/redis-online-store.ts';
import { replay } from '../../src/features/replay/replay.ts';
import { type NumberColumns, numberColumns } from '../../src/features/replay/replay-input.ts';
import { paymentTurns } from '../../src/pipeline/payment-turns.ts';
import { keyColumns, paymentOf, plainSet, rowOf, testSet } from '../unit/features/streams.ts';
import { epochOf } from './redis-parts.ts';
import { oneServer, type RedisPlace, threeNodes } from './redis-places.ts';

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

/** A correction in a journal. */
interface Corrected {
  readonly id: string;
  readonly becomes: PaymentRow | null;
  readonly journal: string;
  readonly position: number;
  readonly known: number;
  readonly made: CorrectionObservation;
}

/** A row of payments as silver would have it. */
interface RecordedRow extends Pick<Entry, 'journal' | 'position' | 'known' | 'numbers'> {
  readonly row: PaymentRow;
  /** Of EVENT. */
  readonly event: number;
  readonly revision: number;
}

/** Two servers, their journals and the epochs that they opened. */
class Servers {
  readonly entries: Entry[] = [];
  readonly corrections: Corrected[] = [];
  /** Corrections that are on their way, by the names of their requests, and how many came to nothing. */
  readonly #intents = new Set<string>();
  given = { up: 0 };
  readonly epochs: { epoch: number; offsets: Readonly<Record<string, number>> }[] = [];
  readonly #url: string;
  readonly set: FeatureSet;
  readonly stores: RedisOnlineStore[];
  readonly #positions: number[] = [0, 0];
  #known = START;
  #rebuilding: Promise<unknown> = Promise.resolve();

  constructor(url: string, set: FeatureSet, timeoutMs: number) {
    this.#url = url;
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
            onCorrectionSettled: (correction, made) => {
              if (made === null) this.given.up += 1;
              this.#recordCorrection(server, correction, made);
            },
            onStateLost: () => {
              this.#rebuilding = this.rebuild(server).catch(() => undefined);
            },
            onUnreachable: () => {},
            onUnfit: () => {},
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
    const parts = {
      leastEpoch: async () => this.epochs.length + 1,
      build: async () => {
        for (let tries = 0; this.#intents.size > 0 && tries < 300; tries += 1) await wait(10);
        const offsets = this.#offsets();
        const base: EpochBase = { reason: 'test', silverVersion: null, offsets };
        const isNamed = ({ journal, position }: { journal: string; position: number }): boolean =>
          position <= (offsets[journal] ?? 0);
        return { state: this.#stateOf(this.entries.filter(isNamed), this.corrections.filter(isNamed)), base };
      },
      publish: async (epoch: number, { offsets }: EpochBase) => {
        this.epochs.push({ epoch, offsets });
      },
      onOvertaken: () => {},
      onOpened: () => {},
      onFreed: () => {},
    };
    await this.stores[server]?.rebuild(epochOf(this.#url, this.set, parts));
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

  /** Pays after some turns of the event loop, in which others go on. */
  async payLater(turns: number, server: number, row: PaymentRow): Promise<void> {
    for (let turn = 0; turn < turns; turn += 1) await nextTurn();
    await this.pay(server, row);
  }

  async label(server: number, id: string, state: LabelState, time: number): Promise<void> {
    const label = { endToEndId: id, state, eventTimeMicros: time, payeeAccount: null, request: randomUUID() };
    const observed = await this.stores[server]?.observeLabel(label).catch(() => null);
    if (observed != null) this.#recordLabel(server, { id, state, time }, observed);
  }

  async correct(server: number, endToEndId: string, becomes: PaymentRow | null): Promise<void> {
    const request = randomUUID();
    const intent = { request, source: 'http', correctedAtMicros: START, raw: new Uint8Array(0) } as const;
    const correction = { endToEndId, replacement: becomes && paymentOf(becomes), intent };
    this.#intents.add(request);
    const made = await this.stores[server]?.correctPayment(correction).catch((error: unknown) => {
      // Settled later.
      if (error instanceof AppError && error.code === 'store_unavailable') return undefined;
      throw error;
    });
    if (made !== undefined) this.#recordCorrection(server, correction, made);
  }

  #recordCorrection(
    server: number,
    { endToEndId, replacement, intent }: ObservedCorrection,
    made: CorrectionObservation | null,
  ) {
    this.#intents.delete(intent?.request ?? '');
    if (made === null) return;
    const { journal, position, known } = this.#place(server);
    this.corrections.push({ id: endToEndId, becomes: replacement?.row ?? null, journal, position, known, made });
  }

  #recordLabel(server: number, label: NonNullable<Entry['label']>, { payeeAccount, number }: LabelObservation): void {
    if (number === null) return;
    const entry = this.#record(server, null, label);
    Object.assign(entry, { payee: payeeAccount, numbers: { ...NO_NUMBERS, payee: number }, isResolved: true });
  }

  #record(server: number, row: PaymentRow | null, label: Entry['label']): Entry {
    const entry: Entry = {
      row,
      label,
      ...this.#place(server),
      isEvent: true,
      isResolved: false,
      numbers: NO_NUMBERS,
      payee: null,
      observation: null,
    };
    this.entries.push(entry);
    return entry;
  }

  #place(server: number): Pick<Entry, 'journal' | 'position' | 'known'> {
    const position = (this.#positions[server] ?? 0) + 1;
    this.#positions[server] = position;
    this.#known += 1;
    // The second server's clock is late.
    return { journal: `journal-${server}`, position, known: this.#known - server * 10 };
  }

  #learn({ endToEndId, side, isEvent, numbers }: LearnedNumbers): void {
    const entry = this.entries.find(({ row }) => row?.end_to_end_id === endToEndId && row.side === side);
    if (entry === undefined || entry.isResolved) return;
    Object.assign(entry, { isEvent, numbers, isResolved: true });
  }

  /** A server reads every journal to its end, as far as it is durable. */
  #offsets(): Record<string, number> {
    return { 'journal-0': this.#positions[0] ?? 0, 'journal-1': this.#positions[1] ?? 0 };
  }

  #stateOf(named: readonly Entry[], corrected: readonly Corrected[]): EmbeddedStore {
    const state = new EmbeddedStore(this.set, { maxPayments: 20_000 });
    const { payments, labels } = this.columns(named, corrected);
    const turns = paymentTurns(payments);
    const labelled = named.filter(({ label }) => label !== null);
    const events = {
      payments: turns === undefined ? payments : { ...payments, turns },
      labels,
      paymentAt: (row: number) => paymentOf(payments.row(row)),
      labelAt(row: number) {
        const { label, payee } = labelled[row] as Entry;
        if (label === null) throw new Error('a label was asked for');
        return { endToEndId: label.id, state: label.state, eventTimeMicros: label.time, payeeAccount: payee };
      },
    };
    for (const _ of feedBase(events, state, Infinity));
    return state;
  }

  columns(entries: readonly Entry[], corrected: readonly Corrected[]) {
    const paid = [...recordedRows(entries), ...correctedRows(entries, corrected)];
    const labelled = entries.filter(({ label }) => label !== null);
    const rows = paid.map(({ row }) => row);
    const places = (of: readonly Pick<Entry, 'journal' | 'position' | 'known'>[]) => ({
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
        row: (at: number) => rows[at] as PaymentRow,
        isEvent: Uint8Array.from(paid, ({ event }) => event),
        numbers: numbersOf(paid, ({ numbers }) => numbers),
        places: places(paid),
        revisions: Float64Array.from(paid, ({ revision }) => revision),
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

function recordedRows(entries: readonly Entry[]): RecordedRow[] {
  return entries.flatMap(({ row, isEvent, numbers, journal, position, known }) =>
    row === null
      ? []
      : [{ row, event: isEvent ? EVENT.first : EVENT.none, numbers, journal, position, known, revision: Number.NaN }],
  );
}

/** The rows of corrections, each payment's in the order that Redis counted. */
function correctedRows(entries: readonly Entry[], corrected: readonly Corrected[]): RecordedRow[] {
  const epochOf = ({ made: { retracted, replaced } }: Corrected): number =>
    Math.max(...[retracted, replaced].flatMap((numbers) => ENTITY_KINDS.map((kind) => numbers[kind]?.epoch ?? 0)));
  const turnOf = ({ made }: Corrected): number => made.revision ?? 0;
  const now = new Map<string, PaymentRow>();
  for (const { row, isEvent } of entries) {
    if (row !== null && isEvent && !now.has(row.end_to_end_id)) now.set(row.end_to_end_id, row);
  }
  const rows: RecordedRow[] = [];
  for (const one of [...corrected].sort((a, b) => epochOf(a) - epochOf(b) || turnOf(a) - turnOf(b))) {
    const { id, becomes, made, journal, position, known } = one;
    const was = now.get(id);
    let revision = turnOf(one);
    if (was !== undefined && hasNumber(made.retracted)) {
      rows.push({ row: was, event: EVENT.retraction, numbers: made.retracted, journal, position, known, revision });
      revision += 1;
    }
    if (becomes === null || !made.isApplied) continue;
    rows.push({ row: becomes, event: EVENT.replacement, numbers: made.replaced, journal, position, known, revision });
    now.set(id, becomes);
  }
  return rows;
}

function numbersOf<T>(
  entries: readonly T[],
  numbersIn: (entry: T) => EntityNumbers,
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
  const { set, entries, corrections, epochs } = servers;
  const paid = entries.filter(({ row }) => row !== null);
  const served = paid.filter(({ observation }) => observation !== null);
  const vectors = replay(set, {
    ...servers.columns(entries, corrections),
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
  { from, count }: { readonly from: number; readonly count: number },
  disturb: (at: number) => Promise<void>,
): Promise<void> {
  const underWay = new Set<Promise<void>>();
  const run = async (work: Promise<void>): Promise<void> => {
    const tracked: Promise<void> = work.finally(() => underWay.delete(tracked));
    underWay.add(tracked);
    if (underWay.size >= 16) await Promise.race(underWay);
  };
  const oneSided = new Map<string, PaymentRow>();
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
    else oneSided.set(id, row);
    if (random.chance(0.1)) {
      const labelled = `E${String(from + random.below(number - from + 1)).padStart(31, '0')}`;
      const state = LABEL_STATES[random.below(4)] ?? 'AGREED';
      await run(servers.label(server, labelled, state, START + number * 7_000_000));
    }
    if (random.chance(0.15)) {
      // Half of them one of the newest, whose sides are on their way still.
      const back = random.below(random.chance(0.5) ? Math.min(4, number - from + 1) : number - from + 1);
      const corrected = `E${String(number - back).padStart(31, '0')}`;
      const time = START + (number - random.below(40)) * 7_000_000;
      const becomes = rowOf(corrected, time, random.below(100_000), 1 + random.below(3), 1 + random.below(4));
      await run(servers.correct(random.below(2), corrected, random.chance(0.4) ? null : becomes));
      const side = oneSided.get(corrected);
      oneSided.delete(corrected);
      // A second side that comes in its midst.
      if (side !== undefined)
        await run(servers.payLater(random.below(30), random.below(2), { ...side, side: 'PAYEE' }));
    }
    await disturb(number - from);
  }
  await Promise.all(underWay);
}

describe.for([
  ['one Redis', oneServer, 1],
  ['a Redis Cluster of three nodes', threeNodes, 0.5],
] as const)('two servers on %s', ([what, open, share]) => {
  const count = (payments: number): number => Math.round(payments * share * TRAFFIC);
  let redis: RedisPlace;
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
      const disturb = async (at: number): Promise<void> => {
        if (at === count(700) || at === count(1200)) await redis.flush();
        // Room for the rebuild: else all that follows is decided without state.
        if (servers.stores.some((store) => !store.isOpen)) await wait(10);
      };
      await traffic(servers, random, { from: 0, count: count(1500) }, disturb);
      await servers.settled();
      const before = servers.entries.length;
      await redis.kill();
      await traffic(servers, random, { from: count(1500), count: 50 }, () => wait(2));
      await redis.start();
      await servers.settled();
      await traffic(servers, random, { from: count(1500) + 100, count: count(500) }, async () => {});
      await servers.settled();
      expect(servers.entries.length).toBeGreaterThan(before);
      expect(servers.epochs.length).toBeGreaterThanOrEqual(4);
      const { compared, degraded } = compare(servers);
      console.info(
        `two servers on ${what}: ${compared} values compared, 0 differ; ${degraded} decisions without state; ${servers.corrections.length} corrections, ${servers.given.up} given up; ${servers.epochs.length} epochs`,
      );
      expect(servers.corrections.filter(({ made }) => made.isApplied).length).toBeGreaterThan(count(100));
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
      await traffic(servers, random, { from: 0, count: 400 }, async (at) => {
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
