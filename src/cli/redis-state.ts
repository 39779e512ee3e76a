import { setTimeout as wait } from 'node:timers/promises';
import type { Logger } from 'pino';
import { systemClock } from '../base/clock.ts';
import { AppError, messageOf } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { hasNumber } from '../domain/entity-keys.ts';
import { instantOfMicros } from '../domain/instant.ts';
import { entityKeys, type ImportedPayment, paymentRow } from '../domain/payment-row.ts';
import { AnswerIndex } from '../events/answer-index.ts';
import type { Journal } from '../events/journal.ts';
import { oldestPosition, readJournal } from '../events/journal-reader.ts';
import type { JournalRecord } from '../events/journal-record.ts';
import { feedJournalTail, type JournalTail, readJournalTails, type TailSink } from '../events/journal-tail.ts';
import { paymentCodec } from '../events/payment-codec.ts';
import { decodeRecord, encodeRecord } from '../events/record-codec.ts';
import { EmbeddedStore } from '../features/embedded/embedded-store.ts';
import type { FeatureSet } from '../features/feature-set.ts';
import type {
  CorrectionObservation,
  LabelObservation,
  ObservedCorrection,
  ObservedLabel,
  ObservedPayment,
} from '../features/online-store.ts';
import { closeEpochBelow, type EpochBase, type OpenedEpoch } from '../features/redis/redis-epoch.ts';
import { type LearnedNumbers, RedisOnlineStore } from '../features/redis/redis-online-store.ts';
import { feedAnswers } from '../pipeline/answer-feed.ts';
import { feedEvents, joinedEvents, paymentsOf, silverEvents } from '../pipeline/recorded-events.ts';
import { silverPositions } from '../pipeline/silver-plan.ts';
import { lastEpochOf } from '../pipeline/state-feed.ts';
import { openIntents, retractedIn, tailEvents } from '../pipeline/tail-events.ts';
import { CommitQueue } from '../scoring/commit-queue.ts';
import { correctionRecord } from '../scoring/correction-records.ts';
import type { OnlineState, OpenedJournal } from './online-state.ts';
import { progress } from './progress.ts';
import { bringOthersToSilver, type StateSources } from './state-build.ts';

/** What the state in Redis needs beside what an embedded one does. */
export interface RedisSources extends StateSources {
  readonly redisUrl: string;
  /** Folder of the journals of every instance: a rebuild reads them all. */
  readonly journals: string;
}

/** How a state in Redis is opened where it is not a server's own. */
export interface RedisOptions {
  /** Whether a new epoch is built though one is open. */
  readonly isFresh?: boolean;
}

/** Pauses between attempts to rebuild. */
const RETRY_MS = 500;

/** A correction is settled within milliseconds; one whose command was lost, 100 ms after Redis answers again. */
const INTENT_WAIT_MICROS = 3_000_000;
const INTENT_LOOK_MS = 50;

/** Takes nothing: for reading a tail only for its answers. */
const NO_SINK: TailSink = {
  applyRecorded: () => {},
  applyRecordedLabel: () => {},
  applyRecordedCorrection: () => {},
};

/**
 * Opens the state in Redis: joins the epoch that is open there, or builds one from the lake and
 * every instance's journal, now and whenever Redis loses it. Payments are decided meanwhile,
 * degraded and marked. An open epoch is not joined where a later one, of another set or of an embedded store, is known:
 * what was recorded in that is not in it.
 */
export async function openRedisState(
  set: FeatureSet,
  opened: OpenedJournal,
  sources: RedisSources,
  { isFresh = false }: RedisOptions = {},
): Promise<OnlineState> {
  const { journal } = opened;
  const { files, journalFolder, logger, ports } = sources;
  const index = new AnswerIndex(LIMITS.retryHorizonMicros);
  await bringOthersToSilver(ports, journal.id, logger);
  // Before silver's answers are read: what comes to silver meanwhile is read twice then, and not passed over.
  const after = (await silverPositions(ports.lake)).get(journal.id) ?? 0;
  await feedAnswers(ports.lake, index, ports.clock.nowMicros() - LIMITS.retryHorizonMicros);
  const tail = await feedJournalTail(files, journalFolder, after, NO_SINK, index);
  const clock = systemClock(tail.lastKnownTimeMicros);
  const rebuilder = new RedisRebuilder(set, journal, sources, () => clock.nowMicros());
  const store = new RedisOnlineStore(sources.redisUrl, set, rebuilder);
  rebuilder.store = store;
  await closeOlder(set, sources, isFresh ? Number.POSITIVE_INFINITY : await rebuilder.lastEpoch());
  await store.connect();
  await rebuilder.settled();
  return {
    store,
    durability: 'event-first',
    queue: new CommitQueue(journal),
    index,
    clock,
    gauges: {
      store_open: { help: 'Whether Redis holds a state that is read: 1 or 0', read: () => (store.isOpen ? 1 : 0) },
      store_epoch: { help: 'The epoch that is open', read: () => store.epoch },
      late_appends: { help: 'Appends to Redis whose outcome is not known yet', read: () => store.lateAppends.waiting },
    },
    newestMicros: -Infinity,
    async close() {
      rebuilder.stop();
      await store.close();
    },
    save: async () => {},
  };
}

/** Closes the epoch of a set that others have left behind. Where Redis is away there is nothing to close, or it is lost. */
async function closeOlder(set: FeatureSet, { redisUrl, logger }: RedisSources, below: number): Promise<void> {
  try {
    const closed = await closeEpochBelow(redisUrl, set, below);
    if (closed !== undefined) logger.info({ epoch: closed }, 'an older epoch in Redis is closed: it is built anew');
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'store_unavailable') throw error;
  }
}

/** Follows the store: rebuilds what was lost, and journals what is learned late. */
class RedisRebuilder {
  store: RedisOnlineStore | undefined;
  readonly #set: FeatureSet;
  readonly #journal: Journal;
  readonly #sources: RedisSources;
  readonly #nowMicros: () => number;
  /** What stands behind it this process has written, and settles by itself. */
  readonly #startPosition: number;
  readonly #logger: Logger;
  #rebuilding: Promise<void> | undefined;
  /** Resolves when an attempt to build failed: others follow, but nobody waits for them. */
  readonly #failed: Promise<void>;
  #noteFailure: () => void = () => {};
  #stopped = false;

  constructor(set: FeatureSet, journal: Journal, sources: RedisSources, nowMicros: () => number) {
    this.#set = set;
    this.#journal = journal;
    this.#sources = sources;
    this.#nowMicros = nowMicros;
    this.#startPosition = journal.durablePosition();
    this.#logger = sources.logger;
    this.#failed = new Promise((resolve) => {
      this.#noteFailure = resolve;
    });
  }

  /** Resolves when no rebuild is under way, or one has failed and is tried again: payments are decided meanwhile, degraded. */
  async settled(): Promise<void> {
    await Promise.race([this.#rebuilding, this.#failed]);
  }

  stop(): void {
    this.#stopped = true;
  }

  onNumbersLearned(learned: LearnedNumbers): Promise<void> {
    return this.#write({ kind: 'sequence', knownTimeMicros: this.#nowMicros(), ...learned });
  }

  async onLabelLearned(label: ObservedLabel, { payeeAccount, number }: LabelObservation): Promise<void> {
    if (number === null) return;
    const { endToEndId, state, eventTimeMicros } = label;
    const body = { endToEndId, state, eventTime: instantOfMicros(eventTimeMicros) };
    const raw = Buffer.from(JSON.stringify(body));
    await this.#write({
      kind: 'label',
      knownTimeMicros: this.#nowMicros(),
      source: 'http',
      endToEndId,
      state,
      eventTimeMicros,
      payeeAccount,
      number,
      raw,
    });
  }

  async onCorrectionSettled(
    { endToEndId, intent }: ObservedCorrection,
    made: CorrectionObservation | null,
  ): Promise<void> {
    if (intent === undefined) return;
    const { request, source, correctedAtMicros, raw } = intent;
    const part = { endToEndId, source, correctedAtMicros };
    const knownTimeMicros = this.#nowMicros();
    const nothing = {
      kind: 'intent',
      knownTimeMicros,
      request,
      isVoid: true,
      ...part,
      raw: new Uint8Array(0),
    } as const;
    await this.#write(made === null ? nothing : correctionRecord({ ...part, raw }, made, knownTimeMicros, request));
  }

  onUnreachable(reason: AppError): void {
    this.#logger.warn({ reason: reason.message }, 'Redis cannot be reached: decisions are degraded, it is tried again');
  }

  onStateLost(reason: 'empty' | 'restarted'): void {
    if (this.#rebuilding !== undefined || this.#stopped) return;
    this.#logger.warn(
      { reason },
      'Redis holds no state that can be trusted: it is built anew, decisions are degraded until then',
    );
    this.#rebuilding = this.#rebuild(reason).finally(() => {
      this.#rebuilding = undefined;
    });
  }

  onEpochOpened({ epoch, offsets }: OpenedEpoch): void {
    this.#logger.info({ epoch }, 'an epoch is open in Redis');
    this.#appendUnnumbered(offsets[this.#journal.id] ?? 0).catch((error: unknown) => {
      this.#logger.error({ reason: messageOf(error) }, 'the journal could not be read for events that the epoch lacks');
    });
  }

  /** @throws where it is not durable: the store asks again then, and tells it again. */
  async #write(record: JournalRecord): Promise<void> {
    try {
      await this.#journal.append(encodeRecord(record), 0);
    } catch (error) {
      this.#logger.warn(
        { reason: messageOf(error) },
        'a number that was learned late could not be journaled: it is learned again',
      );
      throw error;
    }
  }

  async #rebuild(reason: string): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.store?.rebuild({
          leastEpoch: async () => 1 + (await this.lastEpoch()),
          build: () => this.#build(reason),
          publish: async (epoch, base) => {
            const record = { kind: 'epoch', knownTimeMicros: this.#nowMicros(), epoch, ...base } as const;
            await this.#journal.append(encodeRecord(record), 0);
          },
          onOvertaken: () => {
            this.#logger.warn(
              'the state that was built cannot be opened: another server began one meanwhile, or Redis was flushed',
            );
          },
        });
        return;
      } catch (error) {
        this.#logger.warn({ reason: messageOf(error) }, 'the state in Redis could not be built: trying again');
        this.#noteFailure();
        await wait(RETRY_MS);
      }
    }
  }

  /** The state of now: silver, and what the journals hold beyond it, in the order of their numbers. */
  async #build(reason: string): Promise<{ state: EmbeddedStore; base: EpochBase }> {
    const { lake } = this.#sources.ports;
    const state = new EmbeddedStore(this.#set);
    const positions = await silverPositions(lake);
    const { silverVersion, ...inSilver } = await silverEvents(lake, this.#set.columns, positions);
    const tails = await this.#settledTails(positions);
    const beyond = tailEvents(tails, paymentsOf(inSilver, retractedIn(tails)));
    const bar = progress('building the state');
    await feedEvents(joinedEvents(inSilver, beyond), state, bar.update).finally(bar.end);
    const offsets: Record<string, number> = Object.fromEntries(positions);
    for (const { journalId, lastPosition } of tails) offsets[journalId] = lastPosition;
    this.#logger.info(
      { payments: inSilver.payments.count, tail: beyond.payments.count },
      'the state for Redis is built',
    );
    return { state, base: { reason, silverVersion, offsets } };
  }

  /**
   * Tails in which no correction is on its way: the store may have made it, and its record would come behind this base.
   * A server that has not settled one within its time is not waited for: it is gone, and asks when it is back.
   */
  async #settledTails(after: ReadonlyMap<string, number>): Promise<JournalTail[]> {
    const end = this.#nowMicros() + INTENT_WAIT_MICROS;
    for (;;) {
      const tails = await this.#tails(after);
      const now = this.#nowMicros();
      const since = now - INTENT_WAIT_MICROS;
      if (now > end || !openIntents(tails).some(({ knownTimeMicros }) => knownTimeMicros > since)) return tails;
      await wait(INTENT_LOOK_MS);
    }
  }

  /** The last epoch that the lake or a journal knows of, of whichever set. */
  async lastEpoch(): Promise<number> {
    const { lake } = this.#sources.ports;
    let last = await lastEpochOf(lake);
    for (const { entries } of await this.#tails(await silverPositions(lake))) {
      for (const { record } of entries) if (record.kind === 'epoch') last = Math.max(last, record.epoch);
    }
    return last;
  }

  /** What every instance's journal holds after a position; of our own only what is durable. */
  #tails(after: ReadonlyMap<string, number>): Promise<JournalTail[]> {
    const { files, journals } = this.#sources;
    const own = { journalId: this.#journal.id, through: this.#journal.durablePosition() };
    return readJournalTails(files, journals, after, own);
  }

  /**
   * Events of ours that the epoch's base lacks and that have no number: they are appended to it. One
   * that has a number of an earlier epoch belongs there, and is in this one's state no more than in its base.
   */
  async #appendUnnumbered(offset: number): Promise<void> {
    const { files, journalFolder } = this.#sources;
    const codec = paymentCodec();
    const payments = new Map<string, ObservedPayment>();
    const labels = new Map<string, ObservedLabel>();
    const corrections = new Map<string, ObservedCorrection>();
    // What went out of the journal since, silver has: with its number, or too long ago to be given one.
    const after = Math.max(offset, (await oldestPosition(files, journalFolder)) - 1);
    for await (const entries of readJournal(files, journalFolder, after, this.#journal.durablePosition())) {
      for (const { payload, position } of entries) {
        const record = decodeRecord(payload);
        if (record.kind === 'payment') {
          const row = paymentRow(codec.decodeBody(record.source, record.raw) as ImportedPayment);
          payments.set(`${record.endToEndId}/${record.side}`, { row, keys: entityKeys(row) });
        } else if (record.kind === 'sequence' || (record.kind === 'decision' && hasNumber(record.saw))) {
          payments.delete(`${record.endToEndId}/${record.side}`);
        } else if (record.kind === 'label') {
          const key = `${record.endToEndId}/${record.state}/${record.eventTimeMicros}`;
          if (record.number === null) labels.set(key, record);
          else labels.delete(key);
        } else if (record.kind === 'intent' && !record.isVoid && position <= this.#startPosition) {
          // Of a process that is gone: what it says is not made any more, it is only asked what became of it.
          corrections.set(record.request, { endToEndId: record.endToEndId, replacement: null, intent: record });
        } else if (record.kind === 'intent') {
          corrections.delete(record.request);
        } else if (record.kind === 'correction' && record.settles !== undefined) {
          corrections.delete(record.settles.request);
        }
      }
    }
    for (const payment of payments.values()) this.store?.appendLate(payment);
    for (const correction of corrections.values()) this.store?.settleCorrection(correction);
    for (const label of labels.values()) {
      // Where it does not answer now, the store goes on trying and tells what it learned.
      await this.store
        ?.observeLabel(label)
        .then((learned) => this.onLabelLearned(label, learned))
        .catch(() => {});
    }
  }
}
