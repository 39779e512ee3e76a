import { AppError } from '../../base/errors.ts';
import {
  ENTITY_KINDS,
  type EntityKind,
  type EntityNumber,
  type EntityNumbers,
  NO_NUMBERS,
} from '../../domain/entity-keys.ts';
import type { KindEvents } from '../engine/event-layout.ts';
import type { FeatureSet } from '../feature-set.ts';
import type { FeatureRead, ObservedCorrection, ObservedLabel, ObservedPayment } from '../online-store.ts';
import type { ScriptCall } from './redis-command.ts';
import { type RedisClient, type Reply, sendCall, storeUnavailable } from './redis-connection.ts';
import { type MadeCorrection, madeCorrection } from './redis-corrected.ts';
import { CORRECTION_MODES } from './redis-correction-script.ts';
import type { EpochKeys } from './redis-layout.ts';
import {
  type EntityBytes,
  type FoundPayment,
  numbersOf,
  ObservedReplies,
  type ObservedState,
} from './redis-observed.ts';
import {
  correctionKey,
  homeOf,
  markerKey,
  type PaymentNames,
  partsOf,
  paymentKey,
  paymentNames,
  ScriptCalls,
  SIDE_CODES,
} from './redis-request.ts';
import { OBSERVED, READ_FOR_PAYMENT, READ_ONLY } from './redis-scripts.ts';

/** Scripts found another epoch than the one that they were sent for, or none. */
export const OTHER_EPOCH = 'other-epoch';

/** A Cluster recorded a payment's event in some of its entities, and others did not answer or have no epoch any more. */
export interface IncompleteAppend {
  readonly error: AppError | typeof OTHER_EPOCH;
  /** The numbers that the event has by now. */
  readonly numbers: EntityNumbers;
}

/**
 * Commands of payments and labels. A single server runs one script for a payment. In a Cluster, where a script touches
 * one slot, a payment goes to its home partition first, which decides which of its records is the event, and then to
 * the partitions of its entities, all at once. What was sent may be sent again: each partition counts it once.
 */
export class RedisExchange {
  readonly #client: RedisClient;
  readonly #calls: ScriptCalls;
  readonly #replies: ObservedReplies;

  constructor(client: RedisClient, set: FeatureSet) {
    this.#client = client;
    this.#calls = new ScriptCalls(set);
    this.#replies = new ObservedReplies(set);
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
    const payment = 'value';
    if (epoch.set.partitions === 1) {
      const part = { partition: 0, kinds: names.kinds, payment, side, tail, events } as const;
      return this.#whole(await this.#send(this.#calls.observe(part, names, epoch)), names);
    }
    const home = { partition: homeOf(names, epoch.set.partitions), kinds: [], payment, side, tail } as const;
    const claim = await this.#send(this.#calls.observe(home, names, epoch));
    if (claim[0] === OBSERVED.otherEpoch) return OTHER_EPOCH;
    const found = this.#replies.payment(claim);
    const isEvent = claim[0] !== OBSERVED.second;
    // Known from this very record: some of its appends may not have been made, so all are repeated.
    const isAppended = isEvent && found?.isSettled !== true;
    const parts = await this.#parts(names, isAppended ? { side, events } : { side: READ_FOR_PAYMENT }, epoch);
    const joined = this.#joined(parts, found, isEvent);
    if (joined.error === undefined) return joined.state;
    return isAppended ? { error: joined.error, numbers: numbersOf(joined.state, epoch.epoch) } : raised(joined.error);
  }

  /** Reads entities and records nothing. @throws AppError `store_unavailable`. */
  async read({ row, keys }: FeatureRead, epoch: EpochKeys): Promise<ObservedState | typeof OTHER_EPOCH> {
    const names = paymentNames(row === null ? null : row.end_to_end_id, keys);
    const side = row === null ? READ_ONLY : READ_FOR_PAYMENT;
    if (epoch.set.partitions === 1) {
      const part = { partition: 0, kinds: names.kinds, payment: 'value', side } as const;
      return this.#whole(await this.#send(this.#calls.observe(part, names, epoch)), names);
    }
    const parts = await this.#parts(names, { side }, epoch);
    if (row === null) {
      const { state, error } = this.#joined(parts, null, false);
      return error === undefined ? state : raised(error);
    }
    // After the entities: a payment that one of them holds is known at home by then.
    const home = { partition: homeOf(names, epoch.set.partitions), kinds: [], payment: 'value', side } as const;
    const known = await this.#send(this.#calls.observe(home, names, epoch));
    if (known[0] === OBSERVED.otherEpoch) return OTHER_EPOCH;
    const { state, error } = this.#joined(parts, this.#replies.payment(known), false);
    return error === undefined ? state : raised(error);
  }

  /**
   * The numbers that an event of a Cluster took in an epoch, open or not, as far as the markers that are left say.
   *
   * @throws AppError `store_unavailable`.
   */
  async numbersIn(epoch: EpochKeys, { row, keys }: ObservedPayment): Promise<EntityNumbers> {
    const names = paymentNames(row.end_to_end_id, keys);
    const numbers: Record<EntityKind, EntityNumber | null> = { ...NO_NUMBERS };
    const parts = partsOf(names, epoch.set.partitions);
    const values = await Promise.all(parts.map(({ partition }) => this.#get(markerKey(names, partition, epoch))));
    for (const [at, { kinds }] of parts.entries()) {
      const value = values[at];
      if (value == null) continue;
      for (const [kind, seq] of this.#replies.numbers(value, SIDE_CODES[row.side], kinds)) {
        numbers[ENTITY_KINDS[kind] as EntityKind] = { epoch: epoch.epoch, seq };
      }
    }
    return numbers;
  }

  /**
   * Records a label of a payee, once for each request.
   *
   * @returns the number that it took. @throws AppError `store_unavailable`.
   */
  async label(
    label: ObservedLabel,
    payeeAccount: string,
    request: string,
    epoch: EpochKeys,
  ): Promise<number | typeof OTHER_EPOCH> {
    const reply = await this.#send(this.#calls.label(label, payeeAccount, request, epoch));
    return reply[0] === OBSERVED.otherEpoch ? OTHER_EPOCH : (reply[1] as Buffer).readDoubleLE(0);
  }

  /**
   * Corrects a payment, once for each request. A single server's only.
   *
   * @param events of the replacement.
   * @returns what became of it; null where it was given up before.
   * @throws AppError `store_unavailable` where that is not known.
   */
  async correct(
    { endToEndId, replacement }: ObservedCorrection,
    events: KindEvents,
    request: string,
    epoch: EpochKeys,
  ): Promise<MadeCorrection | null | typeof OTHER_EPOCH> {
    const names = replacement === null ? null : paymentNames(endToEndId, replacement.keys);
    const becomes = names && {
      names,
      tail: this.#calls.tail(names, replacement?.row.event_time ?? 0, events, replacement?.keys.payee ?? null),
      events,
    };
    const reply = await this.#send(this.#calls.correct(request, CORRECTION_MODES.make, endToEndId, becomes, epoch));
    return reply[0] === OBSERVED.otherEpoch ? OTHER_EPOCH : madeCorrection(reply[1] as Buffer, epoch.epoch);
  }

  /**
   * What became of a correction in an epoch, open or not; if it was not made there, it is not made any more.
   *
   * @returns null where it was not made. @throws AppError `store_unavailable`.
   */
  async settleCorrection(endToEndId: string, request: string, epoch: EpochKeys): Promise<MadeCorrection | null> {
    const reply = await this.#send(this.#calls.correct(request, CORRECTION_MODES.settle, endToEndId, null, epoch));
    // In an epoch that is closed nothing is made any more, and what was is there for as long as its keys are.
    const kept = reply[0] === OBSERVED.otherEpoch ? await this.#get(correctionKey(request, epoch)) : reply[1];
    return kept == null ? null : madeCorrection(kept as Buffer, epoch.epoch);
  }

  /** The payee's key of a payment that Redis knows. @throws AppError `store_unavailable`. */
  async payeeOf(endToEndId: string, epoch: EpochKeys): Promise<string | null> {
    const value = await this.#get(paymentKey(endToEndId, epoch));
    return value === null ? null : this.#replies.payeeKey(value);
  }

  async #get(key: Buffer): Promise<Buffer | null> {
    try {
      return await this.#client.getBuffer(key);
    } catch (error) {
      throw storeUnavailable(error);
    }
  }

  /** A script over all entities. */
  #whole(reply: readonly Reply[], { kinds }: PaymentNames): ObservedState | typeof OTHER_EPOCH {
    if (reply[0] === OBSERVED.otherEpoch) return OTHER_EPOCH;
    const entities = noEntities();
    this.#replies.entities(reply, kinds, false, entities);
    return { isEvent: reply[0] !== OBSERVED.second, payment: this.#replies.payment(reply), entities };
  }

  /** A script in each partition of the entities; their kinds beside each outcome. */
  #parts(
    names: PaymentNames,
    what: { readonly side: string; readonly events?: KindEvents },
    epoch: EpochKeys,
  ): Promise<PartOutcome[]> {
    return Promise.all(
      partsOf(names, epoch.set.partitions).map(async (part) => {
        const call = this.#calls.observe({ ...part, ...what, payment: 'marker' }, names, epoch);
        const { kinds } = part;
        try {
          const reply = await this.#send(call);
          return { kinds, reply: reply[0] === OBSERVED.otherEpoch ? OTHER_EPOCH : reply };
        } catch (error) {
          return { kinds, reply: error instanceof AppError ? error : storeUnavailable(error) };
        }
      }),
    );
  }

  /** What the partitions said together, and why some said nothing. */
  #joined(
    parts: readonly PartOutcome[],
    payment: FoundPayment | null,
    isEvent: boolean,
  ): { readonly state: ObservedState; readonly error: IncompleteAppend['error'] | undefined } {
    const entities = noEntities();
    let error: IncompleteAppend['error'] | undefined;
    for (const { kinds, reply } of parts) {
      if (reply instanceof AppError || reply === OTHER_EPOCH) error = reply;
      else this.#replies.entities(reply, kinds, payment?.isSettled === true, entities);
    }
    return { state: { isEvent, payment, entities }, error };
  }

  async #send(call: ScriptCall): Promise<readonly Reply[]> {
    try {
      return await sendCall(this.#client, call);
    } catch (error) {
      throw storeUnavailable(error);
    }
  }
}

interface PartOutcome {
  readonly kinds: readonly number[];
  readonly reply: readonly Reply[] | AppError | typeof OTHER_EPOCH;
}

function noEntities(): (EntityBytes | null)[] {
  return ENTITY_KINDS.map(() => null);
}

/** An error where nothing is worth keeping of the others' answers. */
function raised(error: IncompleteAppend['error']): typeof OTHER_EPOCH {
  if (error === OTHER_EPOCH) return error;
  throw error;
}
