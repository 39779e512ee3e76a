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
import { feedJournalTail, type TailSink } from '../events/journal-tail.ts';
import { paymentCodec } from '../events/payment-codec.ts';
import { decodeRecord, encodeRecord } from '../events/record-codec.ts';
import type { FeatureSet } from '../features/feature-set.ts';
import type {
  CorrectionObservation,
  LabelObservation,
  ObservedCorrection,
  ObservedLabel,
  ObservedPayment,
} from '../features/online-store.ts';
import { closeEpochBelow, type EpochBase, type OpenedEpoch } from '../features/redis/redis-epoch.ts';
import type { LearnedNumbers } from '../features/redis/redis-late-work.ts';
import { type EpochBuild, RedisOnlineStore } from '../features/redis/redis-online-store.ts';
import { keepServed } from '../features/redis/redis-served-sets.ts';
import { feedAnswers } from '../pipeline/answer-feed.ts';
import { silverPositions } from '../pipeline/silver-plan.ts';
import { CommitQueue } from '../scoring/commit-queue.ts';
import { correctionRecord } from '../scoring/correction-records.ts';
import { type EpochSources, lastKnownEpoch } from './epoch-base.ts';
import { buildEpoch, type EpochBuilding } from './epoch-link.ts';
import { leftLabels } from './left-labels.ts';
import type { OnlineState, OpenedJournal } from './online-state.ts';
import { bringOthersToSilver, type StateSources } from './state-build.ts';

/** What the state in Redis needs beside what an embedded one does. */
export interface RedisSources extends StateSources {
  readonly redisUrl: string;
  /** The lake of `ports`, for the thread that builds. */
  readonly lakeFolder: string;
  /** Folder of the journals of every instance: a rebuild reads them all. */
  readonly journals: string;
  /** Where the numbers of epochs are taken. */
  readonly epochs: string;
}

/** How a state in Redis is opened where it is not a server's own. */
export interface RedisOptions {
  /** Whether a new epoch is built though one is open; it is waited for until the ones before are freed. */
  readonly isFresh?: boolean;
}

/** Pauses between attempts to rebuild, and to read the journal. */
const RETRY_MS = 500;
/** Attempts to read the journal for an epoch: one is enough unless segments go, or the disk fails. */
const MOST_READS = 20;

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
  const rebuilder = new RedisRebuilder(set, journal, sources, () => clock.nowMicros(), after);
  const store = new RedisOnlineStore(sources.redisUrl, set, rebuilder);
  rebuilder.store = store;
  const served = await keepServed(sources.redisUrl, set, (version) => {
    logger.info({ version }, 'no server has served a set for an hour: its state in Redis is freed');
  });
  const close = async (): Promise<void> => {
    served.stop();
    await Promise.all([rebuilder.stop(), store.close()]);
  };
  try {
    const below = isFresh ? Number.POSITIVE_INFINITY : await lastKnownEpoch(epochSources(journal, sources));
    await closeOlder(set, sources, below);
    await store.connect();
    await rebuilder.settled();
    if (isFresh) await rebuilder.freed();
  } catch (error) {
    await close();
    throw error;
  }
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
    close,
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

function epochSources(journal: Journal, { ports, files, journals }: RedisSources): EpochSources {
  const { lake, clock } = ports;
  const own = async () => ({ journalId: journal.id, through: journal.durablePosition() });
  return { lake, files, journals, own, nowMicros: () => clock.nowMicros() };
}

/** Follows the store: has rebuilt what was lost, and journals what is learned late. */
class RedisRebuilder {
  store: RedisOnlineStore | undefined;
  readonly #set: FeatureSet;
  readonly #journal: Journal;
  readonly #sources: RedisSources;
  readonly #nowMicros: () => number;
  /** What stands behind it this process has written, and settles by itself. */
  readonly #startPosition: number;
  readonly #silverPosition: number;
  readonly #logger: Logger;
  #rebuilding: Promise<void> | undefined;
  #building: EpochBuilding | undefined;
  /** Why there was no state while one was built: of the state that was built, where it is not open then. */
  #lostMeanwhile: string | undefined;
  /** Resolves when an attempt to build failed: others follow, but nobody waits for them. */
  readonly #failed: Promise<void>;
  #noteFailure: () => void = () => {};
  #stopped = false;
  /** Whether labels of earlier processes were looked for. */
  #hasReadLabels = false;

  /** @param silverPosition up to where silver had the journal when the process started. */
  constructor(
    set: FeatureSet,
    journal: Journal,
    sources: RedisSources,
    nowMicros: () => number,
    silverPosition: number,
  ) {
    this.#silverPosition = silverPosition;
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

  /** Resolves when the epochs before the one that was opened are freed. */
  async freed(): Promise<void> {
    await this.#building?.freed();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#building?.stop();
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

  onUnfit(reason: AppError): void {
    this.#logger.error(
      { reason: reason.message },
      'Redis is not as it has to be: decisions are degraded, it is looked at again',
    );
  }

  onStateLost(reason: 'empty' | 'restarted'): void {
    if (this.#stopped) return;
    if (this.#rebuilding !== undefined) {
      this.#lostMeanwhile = reason;
      return;
    }
    this.#logger.warn(
      { reason },
      'Redis holds no state that can be trusted: it is built anew, decisions are degraded until then',
    );
    this.#rebuilding = this.#rebuild(reason);
  }

  onEpochOpened({ epoch, offsets }: OpenedEpoch): void {
    this.#logger.info({ epoch }, 'an epoch is open in Redis');
    void this.#appendLacking(epoch, offsets[this.#journal.id] ?? 0);
  }

  /** A segment may go while it is read, its records being in silver by then: what is left is read again. */
  async #appendLacking(epoch: number, offset: number): Promise<void> {
    for (let tries = 1; !this.#stopped && this.store?.epoch === epoch; tries += 1) {
      try {
        await this.#appendUnnumbered(offset);
        await this.#numberLeftLabels();
        return;
      } catch (error) {
        const details = { epoch, tries, reason: messageOf(error) };
        if (tries < MOST_READS)
          this.#logger.warn(details, 'the journal could not be read for events that the epoch lacks');
        else
          return this.#logger.error(details, 'events that the epoch lacks stay without a number until the next epoch');
        await wait(RETRY_MS);
      }
    }
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

  async #rebuild(first: string): Promise<void> {
    let reason = first;
    while (!this.#stopped) {
      try {
        this.#lostMeanwhile = undefined;
        await this.store?.rebuild((from) => this.#built(reason, from));
        if (this.store?.isOpen || this.#lostMeanwhile === undefined) break;
        reason = this.#lostMeanwhile;
        this.#logger.warn({ reason }, 'the state that was built in Redis is lost already: building it again');
        await wait(RETRY_MS);
      } catch (error) {
        if (this.#stopped) return;
        this.#logger.warn({ reason: messageOf(error) }, 'the state in Redis could not be built: trying again');
        this.#noteFailure();
        await wait(RETRY_MS);
      }
    }
    // In the same turn: what is lost from now on is built by the next one.
    this.#rebuilding = undefined;
  }

  /** An epoch that a thread of its own builds: a million payments would hold this one up for seconds. */
  async #built(reason: string, { knownEpoch, settle }: Parameters<EpochBuild>[0]): Promise<OpenedEpoch> {
    const { redisUrl, journals, lakeFolder, epochs } = this.#sources;
    const { definition } = this.#set;
    const journalId = this.#journal.id;
    const data = { redisUrl, definition, lakeFolder, journals, journalId, epochs, knownEpoch, reason };
    const publish = async (epoch: number, base: EpochBase): Promise<void> => {
      const record = { kind: 'epoch', knownTimeMicros: this.#nowMicros(), epoch, ...base } as const;
      await this.#journal.append(encodeRecord(record), 0);
    };
    const durablePosition = (): number => this.#journal.durablePosition();
    this.#building = buildEpoch(data, { settle, durablePosition, publish }, this.#logger);
    return this.#building.opened;
  }

  /**
   * Events of ours that the epoch's base lacks and that have no number: they are appended to it. One
   * that has a number of an earlier epoch belongs there, and is in this one's state no more than in its base.
   */
  async #appendUnnumbered(offset: number): Promise<void> {
    const { files, journalFolder } = this.#sources;
    const codec = paymentCodec();
    const payments = new Map<string, { readonly payment: ObservedPayment; readonly knownTimeMicros: number }>();
    const corrections = new Map<string, ObservedCorrection>();
    // What went out of the journal since, silver has: with its number, or too long ago to be given one.
    const after = Math.max(Math.min(offset, this.#silverPosition), (await oldestPosition(files, journalFolder)) - 1);
    for await (const entries of readJournal(files, journalFolder, after, this.#journal.durablePosition())) {
      for (const { payload, position } of entries) {
        const record = decodeRecord(payload);
        const isBeyond = position > offset;
        if (record.kind === 'payment') {
          if (!isBeyond) continue;
          const row = paymentRow(codec.decodeBody(record.source, record.raw) as ImportedPayment);
          const payment = { row, keys: entityKeys(row) };
          payments.set(`${record.endToEndId}/${record.side}`, { payment, knownTimeMicros: record.knownTimeMicros });
        } else if (record.kind === 'sequence' || (record.kind === 'decision' && hasNumber(record.saw))) {
          payments.delete(`${record.endToEndId}/${record.side}`);
        } else if (record.kind === 'intent' && !record.isVoid && isBeyond && position <= this.#startPosition) {
          // Of a process that is gone: what it says is not made any more, it is only asked what became of it.
          corrections.set(record.request, { endToEndId: record.endToEndId, replacement: null, intent: record });
        } else if (record.kind === 'intent') {
          corrections.delete(record.request);
        } else if (record.kind === 'correction' && record.settles !== undefined) {
          corrections.delete(record.settles.request);
        }
      }
    }
    const nowMicros = this.#nowMicros();
    for (const { payment, knownTimeMicros } of payments.values()) {
      this.store?.appendLate(payment, (nowMicros - knownTimeMicros) / 1000);
    }
    for (const correction of corrections.values()) this.store?.settleCorrection(correction);
  }

  /**
   * Labels that earlier processes left without a number, asked for once a process: where the store does not answer now, or
   * no journal takes the answer, the store goes on trying and tells what it learned. Those of this process it has already.
   */
  async #numberLeftLabels(): Promise<void> {
    if (this.#hasReadLabels) return;
    this.#hasReadLabels = true;
    const labels = await leftLabels(this.#sources, this.#journal.id, this.#startPosition).catch((error) => {
      this.#hasReadLabels = false;
      throw error;
    });
    for (const label of labels) {
      await this.store
        ?.observeLabel(label)
        .then((learned) => this.onLabelLearned(label, learned))
        .catch(() => this.store?.settleLabel(label));
    }
  }
}
