import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { AppError } from '../base/errors.ts';
import type { EntityNumbers } from '../domain/entity-keys.ts';
import type { Side } from '../domain/payment.ts';
import type { FeatureSet } from './feature-set.ts';
import type {
  FeatureRead,
  FeatureReading,
  LabelObservation,
  Observation,
  ObservedLabel,
  ObservedPayment,
  OnlineStore,
} from './online-store.ts';
import { COMMAND_TIMEOUT_MS, openRedis, type Reply, runIdOf, runScript, storeUnavailable } from './redis-connection.ts';
import { type OpenedEpoch, type RebuildParts, rebuildEpoch } from './redis-epoch.ts';
import { LateAppends } from './redis-late-appends.ts';
import { paymentBytes, sharedKeys } from './redis-layout.ts';
import { ObservationReader } from './redis-observation.ts';
import { type EpochKeys, labelCall, observeCall, paymentKey, readCall } from './redis-request.ts';
import { labelScript, OBSERVED, observeScript, type RedisScript } from './redis-scripts.ts';
import { createVectorEngine, type VectorEngine } from './vector-engine.ts';

/** Numbers of an event that were learned after its decision. */
export interface LearnedNumbers {
  readonly endToEndId: string;
  readonly side: Side;
  readonly isEvent: boolean;
  readonly numbers: EntityNumbers;
}

/** What a Redis store tells its owner. */
export interface RedisStoreHooks {
  /** An append whose outcome was not known is known now: the numbers are to be journaled. */
  onNumbersLearned(learned: LearnedNumbers): void;
  /** A label's number is known now. */
  onLabelLearned(label: ObservedLabel, learned: LabelObservation): void;
  /** Redis holds no state that can be trusted: it is new, was flushed, or was restarted. {@link RedisOnlineStore.rebuild} makes one. */
  onStateLost(reason: 'empty' | 'restarted'): void;
  /** An epoch is open here now: one that was found, that another server opened, or our own. */
  onEpochOpened(opened: OpenedEpoch): void;
}

/** After a look for the open epoch that failed. */
const JOIN_AGAIN_MS = 100;
/** Appends of unknown outcome that are remembered: at 1 k/s a minute's outage, 60 MB. */
const LATE_LIMIT = 65_536;

/**
 * Online state in Redis, shared by any number of servers: one round trip and one script for a
 * payment. The owner makes the event durable first; a command that does not answer within 50 ms
 * gives `store_unavailable`, and is tried again in the background until its number is learned.
 *
 * The state is a cache: each epoch is built anew from the lake and the journals. A script does
 * nothing where another epoch is open than the one that it was sent for.
 */
export class RedisOnlineStore implements OnlineStore {
  readonly set: FeatureSet;
  readonly #url: string;
  readonly #hooks: RedisStoreHooks;
  readonly #redis: Redis;
  readonly #engine: VectorEngine;
  readonly #reader: ObservationReader;
  readonly #observeScript: RedisScript;
  readonly #labelScript: RedisScript;
  readonly #latePayments: LateAppends<ObservedPayment>;
  readonly #lateLabels: LateAppends<{ readonly label: ObservedLabel; readonly request: string }>;
  #keys: EpochKeys;
  #isOpen = false;
  #isClosed = false;
  #joining: Promise<void> | undefined;

  /**
   * @param commandTimeoutMs how long a command may take; {@link COMMAND_TIMEOUT_MS} unless told.
   * @throws AppError `feature_invalid` for a set without a bound: a payment would move all that an entity keeps.
   */
  constructor(url: string, set: FeatureSet, hooks: RedisStoreHooks, commandTimeoutMs = COMMAND_TIMEOUT_MS) {
    if (set.definition.bound === 'none') {
      throw new AppError(
        'feature_invalid',
        `the set ${set.name} has no bound, and Redis keeps no such set: give it one (1 to 4096), or serve without Redis`,
      );
    }
    this.set = set;
    this.#url = url;
    this.#hooks = hooks;
    this.#redis = openRedis(url, commandTimeoutMs);
    this.#engine = createVectorEngine(set);
    this.#reader = new ObservationReader(set, this.#engine);
    this.#observeScript = observeScript(set);
    this.#labelScript = labelScript(set);
    this.#keys = { epoch: 0, shared: sharedKeys(set), prefix: Buffer.alloc(0) };
    this.#latePayments = new LateAppends(LATE_LIMIT, (payment) => this.#appendLate(payment));
    this.#lateLabels = new LateAppends(LATE_LIMIT, (late) => this.#appendLateLabel(late.label, late.request));
    this.#redis.on('ready', () => void this.#join());
    this.#redis.on('close', () => {
      this.#isOpen = false;
    });
  }

  /** The epoch that is open here, or was last; 0 before the first. */
  get epoch(): number {
    return this.#keys.epoch;
  }

  /** Whether payments are answered from state. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Appends that wait for their outcome, and those that were given up. */
  get lateAppends(): { readonly waiting: number; readonly givenUp: number } {
    return {
      waiting: this.#latePayments.count + this.#lateLabels.count,
      givenUp: this.#latePayments.givenUp + this.#lateLabels.givenUp,
    };
  }

  /**
   * Connects and joins the epoch that is open there, if one is; hooks say what was found. Where
   * Redis is away it goes on trying, and payments get `store_unavailable`.
   */
  async connect(): Promise<void> {
    try {
      await this.#redis.connect();
      await this.#join();
    } catch {
      // The connection tries again by itself and joins when it is there.
    }
  }

  async observePayment(payment: ObservedPayment): Promise<Observation> {
    try {
      return await this.#observe(payment);
    } catch (error) {
      this.appendLate(payment);
      throw error;
    }
  }

  async readFeatures(read: FeatureRead): Promise<FeatureReading> {
    const keys = this.#openKeys();
    const { keys: names, args } = readCall(read, keys);
    const reply = await this.#run(this.#observeScript, names, args);
    if (reply[0] === OBSERVED.otherEpoch) throw this.#epochClosed();
    return this.#reader.reading(read, keys.epoch, reply);
  }

  async observeLabel(label: ObservedLabel): Promise<LabelObservation> {
    const request = randomUUID();
    try {
      return await this.#observeLabel(label, request);
    } catch (error) {
      this.#lateLabels.add(request, { label, request });
      throw error;
    }
  }

  /** Appends an event in the background: one that a journal holds without numbers. */
  appendLate(payment: ObservedPayment): void {
    this.#latePayments.add(`${payment.row.end_to_end_id}/${payment.row.side}`, payment);
  }

  /**
   * Builds an epoch and opens it, or joins the one that another server opens meanwhile.
   *
   * @throws AppError `store_unavailable`; whatever the parts throw.
   */
  async rebuild(parts: RebuildParts): Promise<OpenedEpoch> {
    const leastEpoch = Math.max(parts.leastEpoch, this.epoch + 1);
    const opened = await rebuildEpoch(this.#url, this.set, this.#keys.shared, { ...parts, leastEpoch });
    this.#open(opened);
    return opened;
  }

  /** Lets go of Redis. Appends that wait are forgotten: their journal has them. */
  async close(): Promise<void> {
    this.#isOpen = false;
    this.#isClosed = true;
    this.#latePayments.close();
    this.#lateLabels.close();
    this.#redis.disconnect();
    await this.#joining;
  }

  async #observe(payment: ObservedPayment): Promise<Observation> {
    const keys = this.#openKeys();
    // Copies: other payments fill the engine's arrays before the answer comes.
    const events = this.#engine.write(payment.row).map((event) => event.slice());
    const { keys: names, args } = observeCall(this.set, payment, events, keys);
    const reply = await this.#run(this.#observeScript, names, args);
    if (reply[0] === OBSERVED.otherEpoch) throw this.#epochClosed();
    return this.#reader.observation(payment, events, keys.epoch, reply);
  }

  async #observeLabel(label: ObservedLabel, request: string): Promise<LabelObservation> {
    const keys = this.#openKeys();
    const payeeAccount = (await this.#payeeOf(label.endToEndId, keys)) ?? label.payeeAccount;
    if (payeeAccount === null) return { payeeAccount, number: null, mark: 0 };
    const { keys: names, args } = labelCall(label, payeeAccount, request, keys);
    const reply = await this.#run(this.#labelScript, names, args);
    if (reply[0] === OBSERVED.otherEpoch) throw this.#epochClosed();
    const seq = (reply[1] as Buffer).readDoubleLE(0);
    return { payeeAccount, number: { epoch: keys.epoch, seq }, mark: 0 };
  }

  /** The payee's key of a payment that Redis knows. */
  async #payeeOf(endToEndId: string, keys: EpochKeys): Promise<string | null> {
    let payment: Buffer | null;
    try {
      payment = await this.#redis.getBuffer(paymentKey(endToEndId, keys));
    } catch (error) {
      throw storeUnavailable(error);
    }
    const start = paymentBytes(this.set) + 1;
    return payment === null || payment.length <= start ? null : payment.toString('utf8', start);
  }

  async #run(
    script: RedisScript,
    keys: readonly (Buffer | string)[],
    args: readonly (Buffer | string)[],
  ): Promise<readonly Reply[]> {
    try {
      return (await runScript(this.#redis, script, keys, args)) as readonly Reply[];
    } catch (error) {
      throw storeUnavailable(error);
    }
  }

  #openKeys(): EpochKeys {
    if (this.#isOpen) return this.#keys;
    throw new AppError(
      'store_unavailable',
      'Redis holds no state that can be read: it is away, or an epoch is being built',
    );
  }

  #epochClosed(): AppError {
    if (this.#isOpen) {
      this.#isOpen = false;
      void this.#join();
    }
    return new AppError('store_unavailable', 'Redis holds another epoch than ours, or none');
  }

  /** True where there is nothing more to learn. */
  async #appendLate(payment: ObservedPayment): Promise<boolean> {
    if (!this.#isOpen) return false;
    const { isEvent, numbers } = await this.#observe(payment);
    const { end_to_end_id: endToEndId, side } = payment.row;
    this.#hooks.onNumbersLearned({ endToEndId, side, isEvent, numbers });
    return true;
  }

  async #appendLateLabel(label: ObservedLabel, request: string): Promise<boolean> {
    if (!this.#isOpen) return false;
    this.#hooks.onLabelLearned(label, await this.#observeLabel(label, request));
    return true;
  }

  /** Finds out which epoch is open; of many callers at once one looks. */
  #join(): Promise<void> {
    this.#joining ??= this.#findEpoch()
      .catch(() => {
        // Too slow, or away again. While the connection stands nothing else would look once more.
        if (this.#redis.status === 'ready') setTimeout(() => void this.#join(), JOIN_AGAIN_MS).unref();
      })
      .finally(() => {
        this.#joining = undefined;
      });
    return this.#joining;
  }

  async #findEpoch(): Promise<void> {
    const { shared } = this.#keys;
    const runId = await runIdOf(this.#redis);
    const epoch = await this.#redis.get(shared.epoch);
    const opening = epoch === null ? null : await this.#redis.get(shared.opening(Number(epoch)));
    if (epoch === null || opening === null) {
      this.#hooks.onStateLost('empty');
      return;
    }
    const opened = JSON.parse(opening) as OpenedEpoch;
    if (opened.runId === runId) this.#open(opened);
    else this.#hooks.onStateLost('restarted');
  }

  #open(opened: OpenedEpoch): void {
    const { shared, epoch } = this.#keys;
    if (opened.epoch < epoch || this.#isClosed) return;
    this.#keys = { epoch: opened.epoch, shared, prefix: Buffer.from(shared.epochPrefix(opened.epoch)) };
    this.#isOpen = true;
    if (opened.epoch !== epoch) this.#hooks.onEpochOpened(opened);
    this.#latePayments.hurry();
    this.#lateLabels.hurry();
  }
}
