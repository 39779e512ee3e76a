import { AppError } from '../../base/errors.ts';
import { ENTITY_KINDS, type EntityNumbers, NO_NUMBERS } from '../../domain/entity-keys.ts';
import type { KindEvents } from '../engine/event-layout.ts';
import type { FeatureSet } from '../feature-set.ts';
import type { FeatureRead, ObservedPayment } from '../online-store.ts';
import type { ClusterCorrections } from './redis-cluster-corrections.ts';
import { askScript, type RedisClient, type Reply, readValue } from './redis-connection.ts';
import { joinedNumbers } from './redis-late-work.ts';
import { type EpochKeys, tokenOfName } from './redis-layout.ts';
import { type FoundPayment, noEntities, numbersOf, ObservedReplies, type ObservedState } from './redis-observed.ts';
import {
  homeOf,
  markerKey,
  type PaymentNames,
  partsOf,
  paymentNames,
  type ScriptCalls,
  SIDE_CODES,
  wordsOfPayment,
} from './redis-request.ts';
import { OBSERVED, OTHER_EPOCH, READ_FOR_PAYMENT, READ_ONLY } from './redis-scripts.ts';

/** A Cluster recorded a payment's event in some of its entities, and others did not answer or have no epoch any more. */
export interface IncompleteAppend {
  readonly error: AppError | typeof OTHER_EPOCH;
  /** The numbers that the event has by now. */
  readonly numbers: EntityNumbers;
}

/** Looks at a payment: it was corrected between the last two steps of each that comes to nothing. */
const MOST_LOOKS = 64;

/** What is asked of the partitions of a payment's entities. */
interface PartsAsked {
  readonly side: string;
  readonly events?: KindEvents;
}

/** What the partitions said together. */
interface JoinedParts {
  readonly state: ObservedState;
  /** Why some said nothing. */
  readonly error: IncompleteAppend['error'] | undefined;
  /** Whether one of them knows of a correction, or of the payment at all, what its home did not when it was asked. */
  readonly isNewer: boolean;
}

interface PartOutcome {
  readonly kinds: readonly number[];
  readonly reply: readonly Reply[] | AppError | typeof OTHER_EPOCH;
}

/**
 * Commands of payments in a Cluster, where a script touches one slot: a payment goes to its home partition first, which
 * decides which of its records is the event, and then to the partitions of its entities, all at once. What was sent may be
 * sent again: each partition counts it once.
 *
 * A correction may come between the two steps. One that the home has under way is made first; one that only the partitions
 * know of shows itself in the payment's markers there, and the payment is looked at anew. So what is read of the payment's
 * own event is what the entities hold of it.
 */
export class ClusterExchange {
  readonly #client: RedisClient;
  readonly #calls: ScriptCalls;
  readonly #replies: ObservedReplies;
  readonly #corrections: ClusterCorrections;

  constructor(client: RedisClient, set: FeatureSet, calls: ScriptCalls, corrections: ClusterCorrections) {
    this.#client = client;
    this.#calls = calls;
    this.#replies = new ObservedReplies(set);
    this.#corrections = corrections;
  }

  /**
   * Records a payment's event unless its endToEndId is known, and reads its entities.
   *
   * @throws AppError `store_unavailable` where nothing is known of what was recorded.
   */
  async observe(
    { row, keys }: ObservedPayment,
    events: KindEvents,
    epoch: EpochKeys,
  ): Promise<ObservedState | IncompleteAppend | typeof OTHER_EPOCH> {
    const names = paymentNames(row.end_to_end_id, keys);
    const side = SIDE_CODES[row.side];
    const tail = this.#calls.tail(names, row.event_time, events, keys.payee);
    let numbers: EntityNumbers | undefined;
    const failed = (error: IncompleteAppend['error']): IncompleteAppend | typeof OTHER_EPOCH =>
      numbers === undefined ? raised(error) : { error, numbers };
    for (let looks = 0; looks < MOST_LOOKS; looks += 1) {
      const home = await this.#home(names, side, tail, epoch).catch(asAppError);
      if (home === OTHER_EPOCH || home instanceof AppError) return failed(home);
      if (home === 'corrected') continue;
      const { payment, isEvent } = home;
      // Known from this very record: some of its appends may not have been made, so all are repeated. One that was
      // corrected was appended everywhere before, and one that names other entities is another payment: only numbers are
      // asked for.
      const isOpen = isEvent && payment?.isSettled !== true;
      const isAppended = isOpen && (payment === null || (payment.revision === 0 && namesAll(payment, names)));
      const asked = { side: isOpen ? side : READ_FOR_PAYMENT, ...(isAppended && { events }) };
      const { state, error, isNewer } = await this.#parts(names, asked, epoch, payment, isEvent);
      if (isAppended) numbers = joinedNumbers(numbers, numbersOf(state, epoch.epoch));
      if (error !== undefined) return failed(error);
      if (!isNewer) return state;
    }
    return failed(tooOften());
  }

  /** Reads entities and records nothing. @throws AppError `store_unavailable`. */
  async read({ row, keys }: FeatureRead, epoch: EpochKeys): Promise<ObservedState | typeof OTHER_EPOCH> {
    const names = paymentNames(row === null ? null : row.end_to_end_id, keys);
    if (row === null) {
      const { state, error } = await this.#parts(names, { side: READ_ONLY }, epoch, null, false);
      return error === undefined ? state : raised(error);
    }
    for (let looks = 0; looks < MOST_LOOKS; looks += 1) {
      const home = await this.#home(names, READ_FOR_PAYMENT, undefined, epoch);
      if (home === OTHER_EPOCH) return OTHER_EPOCH;
      if (home === 'corrected') continue;
      const asked = { side: READ_FOR_PAYMENT };
      const { state, error, isNewer } = await this.#parts(names, asked, epoch, home.payment, false);
      if (error !== undefined) return raised(error);
      if (!isNewer) return state;
    }
    throw tooOften();
  }

  /**
   * The numbers that an event took in an epoch, open or not, as far as the markers that are left say.
   *
   * @throws AppError `store_unavailable`.
   */
  async numbersIn(epoch: EpochKeys, { row, keys }: ObservedPayment): Promise<EntityNumbers> {
    const names = paymentNames(row.end_to_end_id, keys);
    let numbers = NO_NUMBERS;
    const parts = partsOf(names, epoch.set.partitions);
    const values = await Promise.all(
      parts.map(({ partition }) => readValue(this.#client, markerKey(names, partition, epoch))),
    );
    for (const [at, { kinds }] of parts.entries()) {
      const value = values[at];
      if (value == null) continue;
      numbers = joinedNumbers(numbers, this.#replies.numbers(value, SIDE_CODES[row.side], kinds, epoch.epoch));
    }
    return numbers;
  }

  /** What the home partition says of a payment; a correction that it has under way is made, and the payment to be looked at anew. */
  async #home(
    names: PaymentNames,
    side: string,
    tail: Buffer | undefined,
    epoch: EpochKeys,
  ): Promise<{ payment: FoundPayment | null; isEvent: boolean } | 'corrected' | typeof OTHER_EPOCH> {
    const partition = homeOf(names, epoch.set.partitions);
    const part = { partition, kinds: [], payment: 'value', side, ...(tail && { tail }) } as const;
    const reply = await askScript(this.#client, this.#calls.observe(part, names, epoch));
    if (reply[0] === OBSERVED.otherEpoch) return OTHER_EPOCH;
    const payment = this.#replies.payment(reply);
    if (payment?.isBeingCorrected !== true) return { payment, isEvent: reply[0] !== OBSERVED.second };
    return (await this.#corrections.goOn(wordsOfPayment(names), epoch)) ?? 'corrected';
  }

  /** A script in each partition of the entities, and what they say together. */
  async #parts(
    names: PaymentNames,
    asked: PartsAsked,
    epoch: EpochKeys,
    payment: FoundPayment | null,
    isEvent: boolean,
  ): Promise<JoinedParts> {
    const outcomes = await Promise.all(
      partsOf(names, epoch.set.partitions).map((part) => this.#part(part, asked, names, epoch)),
    );
    const entities = noEntities();
    let error: IncompleteAppend['error'] | undefined;
    let isNewer = false;
    for (const { kinds, reply } of outcomes) {
      if (reply instanceof AppError || reply === OTHER_EPOCH) {
        error = reply;
        continue;
      }
      this.#replies.entities(reply, kinds, payment?.isSettled === true, entities);
      if (this.#replies.revisionIn(reply) > (payment?.revision ?? -1)) isNewer = true;
    }
    return { state: { isEvent, payment, entities }, error, isNewer };
  }

  async #part(
    part: { readonly partition: number; readonly kinds: readonly number[] },
    asked: PartsAsked,
    names: PaymentNames,
    epoch: EpochKeys,
  ): Promise<PartOutcome> {
    const { kinds } = part;
    try {
      const call = this.#calls.observe({ ...part, ...asked, payment: 'marker' }, names, epoch);
      const reply = await askScript(this.#client, call);
      return { kinds, reply: reply[0] === OBSERVED.otherEpoch ? OTHER_EPOCH : reply };
    } catch (error) {
      return { kinds, reply: asAppError(error) };
    }
  }
}

/** Whether a payment has the entities that are named, and no other. */
function namesAll({ tokens }: FoundPayment, { words, kinds }: PaymentNames): boolean {
  const named = ENTITY_KINDS.map((_, kind) => (kinds.includes(kind) ? tokenOfName(words, kind * 4) : -1));
  return named.every((token, kind) => token === tokens[kind]);
}

function tooOften(): AppError {
  return new AppError('store_unavailable', 'the payment is being corrected too often at once to be read');
}

function asAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  throw error;
}

/** An error where nothing is worth keeping of what was answered. */
function raised(error: IncompleteAppend['error']): typeof OTHER_EPOCH {
  if (error === OTHER_EPOCH) return error;
  throw error;
}
