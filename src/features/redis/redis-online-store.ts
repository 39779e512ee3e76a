import { setTimeout as wait } from 'node:timers/promises';
import { Cluster, Redis } from 'ioredis';
import { assert } from '../../base/assert.ts';
import { AppError } from '../../base/errors.ts';
import { NO_NUMBERS } from '../../domain/entity-keys.ts';
import { createVectorEngine, type VectorEngine } from '../engine/vector-engine.ts';
import type { FeatureSet } from '../feature-set.ts';
import type {
  CorrectionObservation,
  FeatureRead,
  FeatureReading,
  LabelObservation,
  Observation,
  ObservedCorrection,
  ObservedLabel,
  ObservedPayment,
  OnlineStore,
} from '../online-store.ts';
import { COMMAND_TIMEOUT_MS, connectRedis, openRedis, type RedisClient, storeUnavailable } from './redis-connection.ts';
import { findEpoch, type OpenedEpoch, type RebuildParts, setKeysAt } from './redis-epoch.ts';
import { RedisExchange } from './redis-exchange.ts';
import {
  intentOf,
  joinedNumbers,
  type LateCorrection,
  type LateHooks,
  type LatePayment,
  type LateStore,
  LateWork,
  latePayment,
  requestOf,
} from './redis-late-work.ts';
import { type EpochKeys, epochKeys } from './redis-layout.ts';
import { ObservationReader } from './redis-observation.ts';
import { OTHER_EPOCH } from './redis-scripts.ts';
import { addressesOf, IsReplica, runIdsOf, Unfit } from './redis-servers.ts';

/** What a Redis store tells its owner. */
export interface RedisStoreHooks extends LateHooks {
  /** Redis holds no state that can be trusted: it is new, was flushed, or was restarted. {@link RedisOnlineStore.rebuild} makes one. */
  onStateLost(reason: 'empty' | 'restarted'): void;
  /** Redis cannot be reached at the start; it is tried again. */
  onUnreachable(reason: AppError): void;
  /** Redis answers, and state may not be kept there as it is. It is looked at again; the same reason is told once. */
  onUnfit(reason: AppError): void;
  /** An epoch is open here now: one that was found, that another server opened, or our own. */
  onEpochOpened(opened: OpenedEpoch): void;
}

/**
 * Builds an epoch: `rebuildEpoch`, here or on a thread of its own, told which epoch was the last that was open here, and
 * how what did not end in it is settled.
 */
export type EpochBuild = (from: Pick<RebuildParts, 'settle'> & { readonly knownEpoch: number }) => Promise<OpenedEpoch>;

/** After a look for the open epoch that failed. */
const JOIN_AGAIN_MS = 100;
/** Looks for an epoch that was just built; they go on behind that. Where Redis is away it is looked at when it is there. */
const MOST_LOOKS = 20;
/** After a look that found a server on which state may not be kept: somebody has to change that. */
const UNFIT_AGAIN_MS = 500;

/**
 * Online state in Redis, shared by any number of servers: one round trip and one script for a
 * payment, or in a Cluster two round trips and a script for each partition of its entities. The owner makes the event durable first; a command that does not answer within 50 ms
 * gives `store_unavailable`, and is tried again in the background until its number is learned.
 *
 * The state is a cache: each epoch is built anew from the lake and the journals. A script does
 * nothing where another epoch is open than the one that it was sent for.
 */
export class RedisOnlineStore implements OnlineStore {
  readonly set: FeatureSet;
  readonly #hooks: RedisStoreHooks;
  readonly #redis: RedisClient;
  readonly #exchange: RedisExchange;
  readonly #engine: VectorEngine;
  readonly #reader: ObservationReader;
  readonly #late: LateWork;
  #keys: EpochKeys;
  #isOpen = false;
  #isClosed = false;
  /** The servers of the epoch that is open here. */
  #runIds: readonly string[] = [];
  /** Addresses of the servers that were looked at for it. */
  #masters: ReadonlySet<string> = new Set();
  #joining: Promise<boolean> | undefined;
  readonly #underWay = new Set<Promise<unknown>>();
  /** A node went away since the last look for the open epoch began. */
  #isDisturbed = false;
  /** Why state may not be kept there, as it was told last. */
  #unfit: string | undefined;

  /**
   * @param url as `parseRedisAddress` reads it.
   * @param commandTimeoutMs how long a command may take; {@link COMMAND_TIMEOUT_MS} unless told.
   * @throws AppError `feature_invalid` for a set without a bound: a payment would move all that an entity keeps;
   *   `invalid_config` for an address that is none.
   */
  constructor(url: string, set: FeatureSet, hooks: RedisStoreHooks, commandTimeoutMs = COMMAND_TIMEOUT_MS) {
    if (set.definition.bound === 'none') {
      throw new AppError(
        'feature_invalid',
        `the set ${set.name} has no bound, and Redis keeps no such set: give it one (1 to 4096), or serve without Redis`,
      );
    }
    this.set = set;
    this.#hooks = hooks;
    this.#redis = openRedis(url, commandTimeoutMs);
    this.#engine = createVectorEngine(set);
    this.#reader = new ObservationReader(set, this.#engine);
    this.#exchange = new RedisExchange(this.#redis, set);
    this.#keys = epochKeys(setKeysAt(url, set), 0);
    const again: LateStore = {
      openEpoch: () => (this.#isOpen ? this.epoch : 0),
      observe: (late) => this.#tracked(this.#observe(late)),
      eventOf: async (payment) => this.#exchange.eventIn(this.#openKeys(), payment),
      observeLabel: (label) => this.#observeLabel(label),
      settled: (late) => this.#settled(late),
    };
    this.#late = new LateWork(again, hooks);
    this.#watch(this.#redis);
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
    return this.#late.counts;
  }

  /**
   * Connects and joins the epoch that is open there, if one is; hooks say what was found. Where
   * Redis is away it goes on trying, and payments get `store_unavailable`.
   */
  async connect(): Promise<void> {
    try {
      await connectRedis(this.#redis);
      await this.#join();
    } catch (error) {
      // The connection tries again by itself and joins when it is there.
      this.#hooks.onUnreachable(storeUnavailable(error));
    }
  }

  async observePayment(payment: ObservedPayment): Promise<Observation> {
    const late = latePayment(payment);
    try {
      return await this.#tracked(this.#observe(late));
    } catch (error) {
      this.#late.addPayment(late);
      throw error;
    }
  }

  async readFeatures(read: FeatureRead): Promise<FeatureReading> {
    const keys = this.#openKeys();
    const state = await this.#exchange.read(read, keys);
    if (state === OTHER_EPOCH) throw this.#epochClosed();
    return this.#reader.reading(read, keys.epoch, state);
  }

  async observeLabel(label: ObservedLabel): Promise<LabelObservation> {
    try {
      return await this.#observeLabel(label);
    } catch (error) {
      this.#late.addLabel(label);
      throw error;
    }
  }

  /** A correction is never made late: one that is not answered is settled, as made or as never to be made, and may be sent again. */
  async correctPayment(correction: ObservedCorrection): Promise<CorrectionObservation> {
    const late: LateCorrection = { correction, epoch: null, underWay: null };
    try {
      return await this.#tracked(this.#correct(late));
    } catch (error) {
      const made = await this.#tracked(this.#settled(late));
      if (made != null) return made;
      if (made === null) await this.#late.tellNotMade(late);
      else this.#late.addCorrection(late);
      throw error;
    }
  }

  /** Finds out in the background what became of a correction that a journal holds the intent of, and nothing more. */
  settleCorrection(correction: ObservedCorrection): void {
    this.#late.addCorrection({ correction, epoch: this.#keys, underWay: null });
  }

  /** Asks in the background for the number of a label that a journal holds without one. */
  settleLabel(label: ObservedLabel): void {
    this.#late.addLabel(label);
  }

  /** Appends an event in the background: one that a journal holds without numbers, and has taken so long ago. */
  appendLate(payment: ObservedPayment, ageMs = 0): void {
    this.#late.addPayment(latePayment(payment, ageMs));
  }

  /**
   * Has an epoch built, or finds the one that another server opened meanwhile, and then looks anew which is open: Redis may
   * have been lost, or the connection to it, since it was opened. Hooks say so.
   *
   * @throws AppError whatever building throws.
   */
  async rebuild(build: EpochBuild): Promise<OpenedEpoch> {
    const opened = await build({ knownEpoch: this.epoch, settle: () => this.#settle() });
    // A look that began before the epoch was open says nothing of it.
    await this.#joining;
    for (let looks = 1; !(await this.#join()) && looks < MOST_LOOKS; looks += 1) {
      if (this.#redis.status !== 'ready') break;
      await wait(JOIN_AGAIN_MS);
    }
    return opened;
  }

  /** Lets go of Redis. Appends that wait are forgotten: their journal has them. */
  async close(): Promise<void> {
    this.#isOpen = false;
    this.#isClosed = true;
    this.#late.close();
    this.#redis.disconnect();
    await this.#joining;
  }

  async #tracked<T>(work: Promise<T>): Promise<T> {
    this.#underWay.add(work);
    try {
      return await work;
    } finally {
      this.#underWay.delete(work);
    }
  }

  /**
   * No epoch is open any more. An event that a Cluster recorded in some of its entities only stays there under the
   * numbers that it took: others have seen them. The base that is built next has it in all.
   */
  async #settle(): Promise<void> {
    const epoch = this.#keys;
    this.#isOpen = false;
    await Promise.allSettled(this.#underWay);
    if (epoch.set.partitions === 1 || epoch.epoch === 0) return;
    await this.#late.tellPartial((payment) => this.#exchange.numbersIn(epoch, payment).catch(() => NO_NUMBERS));
  }

  async #observe(late: LatePayment): Promise<Observation> {
    const { payment } = late;
    const keys = this.#openKeys();
    // Copies: other payments fill the engine's arrays before the answer comes.
    const events = this.#engine.write(payment.row).map((event) => event.slice());
    late.sentIn = keys.epoch;
    const observed = await this.#exchange.observe(payment, events, keys);
    if (observed === OTHER_EPOCH) throw this.#epochClosed();
    if ('entities' in observed) return this.#reader.observation(payment, events, keys.epoch, observed);
    late.partial = { epoch: keys.epoch, numbers: joinedNumbers(late.partial?.numbers, observed.numbers) };
    throw observed.error === OTHER_EPOCH ? this.#epochClosed() : observed.error;
  }

  async #observeLabel(label: ObservedLabel): Promise<LabelObservation> {
    const keys = this.#openKeys();
    const request = requestOf(label);
    const isAwaited = this.#late.awaits(label.endToEndId);
    const payeeAccount = await this.#exchange.payeeOf(label, request, keys);
    if (payeeAccount === OTHER_EPOCH) throw this.#epochClosed();
    // Told that it is of nobody, nobody would ask again.
    if (payeeAccount === null && isAwaited) throw notThereYet();
    if (payeeAccount === null) return { payeeAccount, number: null, mark: 0 };
    const seq = await this.#exchange.label(label, payeeAccount, request, keys);
    if (seq === OTHER_EPOCH) throw this.#epochClosed();
    return { payeeAccount, number: { epoch: keys.epoch, seq }, mark: 0 };
  }

  async #correct(late: LateCorrection): Promise<CorrectionObservation> {
    const { correction } = late;
    const { endToEndId, replacement } = correction;
    const keys = this.#openKeys();
    if (this.#late.awaits(endToEndId)) {
      throw new AppError(
        'store_unavailable',
        'whether the payment has reached Redis is not known yet: nothing was corrected, send the correction again',
      );
    }
    late.epoch = keys;
    const events = replacement === null ? [] : this.#engine.write(replacement.row).map((event) => event.slice());
    const made = await this.#exchange.correct(correction, events, intentOf(correction).request, keys, late);
    if (made === OTHER_EPOCH) throw this.#epochClosed();
    assert(made !== null, 'only what was asked before is given up');
    return { ...made, mark: 0 };
  }

  /**
   * What became of a correction in the epoch that it was sent in: null is nothing, undefined is not known yet. Numbers of
   * an epoch that is over are good only while no other has opened here: what is built next holds all that the journals
   * say by then, and nothing that they say later.
   */
  async #settled(late: LateCorrection): Promise<CorrectionObservation | null | undefined> {
    const { correction, epoch } = late;
    if (epoch === null) return null;
    const { request } = intentOf(correction);
    try {
      const made = await this.#exchange.settleCorrection(correction.endToEndId, request, epoch, late);
      return made === null || epoch.epoch !== this.epoch ? null : { ...made, mark: 0 };
    } catch (error) {
      if (error instanceof AppError) return undefined;
      throw error;
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

  /** Finds out which epoch is open; of many callers at once one looks. @returns whether it was seen. */
  #join(): Promise<boolean> {
    this.#joining ??= this.#findEpoch()
      .then(() => true)
      .catch((error) => {
        this.#joinAgain(error);
        return false;
      })
      .finally(() => {
        this.#joining = undefined;
      });
    return this.#joining;
  }

  /** Too slow, away again, or unfit. While the connection stands nothing else would look once more. */
  #joinAgain(error: unknown): void {
    const { status } = this.#redis;
    if (error instanceof Unfit) {
      this.#isOpen = false;
      if (error.message !== this.#unfit) this.#hooks.onUnfit(error);
      this.#unfit = error.message;
    }
    if (status !== 'ready') return;
    const again = (): void => {
      // What the address names may be another server by now: then it is looked at as soon as it is connected to.
      if (error instanceof IsReplica && this.#redis instanceof Redis) this.#redis.disconnect(true);
      else void this.#join();
    };
    setTimeout(again, error instanceof Unfit ? UNFIT_AGAIN_MS : JOIN_AGAIN_MS).unref();
  }

  async #findEpoch(): Promise<void> {
    this.#isDisturbed = false;
    const before = new Set(addressesOf(this.#redis));
    const found = await findEpoch(this.#redis, this.#keys.set);
    this.#masters = before;
    if (this.#isDisturbed || addressesOf(this.#redis).some((address) => !before.has(address)))
      throw new AppError('store_unavailable', 'a node of Redis went away, or came, while it was looked at');
    this.#unfit = undefined;
    if (found.kind === 'open') {
      this.#open(found.opened);
      return;
    }
    this.#isOpen = false;
    this.#hooks.onStateLost(found.kind);
  }

  #open(opened: OpenedEpoch): void {
    const { set, epoch } = this.#keys;
    if (opened.epoch < epoch || this.#isClosed) return;
    if (opened.epoch !== epoch) this.#keys = epochKeys(set, opened.epoch);
    this.#runIds = opened.runIds;
    this.#isOpen = true;
    if (opened.epoch !== epoch) this.#hooks.onEpochOpened(opened);
    this.#late.hurry();
  }

  /**
   * Follows what becomes of the servers. In a Cluster each node has a connection of its own: one that is lost may have
   * been the node's end, and a node that was promoted shows itself only in the slots.
   */
  #watch(redis: RedisClient): void {
    redis.on('ready', () => void this.#join());
    redis.on('close', () => {
      this.#isOpen = false;
    });
    if (!(redis instanceof Cluster)) return;
    redis.on('+node', (node: Redis) => {
      node.on('close', () => {
        this.#isOpen = false;
        this.#isDisturbed = true;
        void this.#join();
      });
    });
    redis.on('refresh', () => {
      if (!this.#isOpen) return;
      if (addressesOf(redis).every((address) => this.#masters.has(address))) {
        void this.#checkServers();
        return;
      }
      // Whatever is sent from this turn on goes by the new slots, and a replica that was promoted takes payments.
      this.#isOpen = false;
      void this.#join();
    });
  }

  /** A node that was promoted, or restarted, may lack what was written last: the epoch is looked for anew. */
  async #checkServers(): Promise<void> {
    try {
      const runIds = await runIdsOf(this.#redis);
      if (runIds.every((runId) => this.#runIds.includes(runId))) return;
    } catch {
      // Whether the node is another one is seen when it answers.
    }
    void this.#join();
  }
}

function notThereYet(): AppError {
  return new AppError('store_unavailable', 'whether the payment has reached Redis is not known yet');
}
