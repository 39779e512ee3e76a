import { type EntityNumbers, NO_NUMBERS } from '../../domain/entity-keys.ts';
import type { KindEvents } from '../engine/event-layout.ts';
import type { FeatureSet } from '../feature-set.ts';
import type { FeatureRead, ObservedCorrection, ObservedLabel, ObservedPayment } from '../online-store.ts';
import { ClusterCorrections } from './redis-cluster-corrections.ts';
import { ClusterExchange, type IncompleteAppend } from './redis-cluster-exchange.ts';
import { askScript, type RedisClient, type Reply, readValue } from './redis-connection.ts';
import { type MadeCorrection, madeCorrection } from './redis-corrected.ts';
import { CORRECTION_MODES } from './redis-correction-script.ts';
import type { RecordedEvent } from './redis-late-work.ts';
import type { EpochKeys } from './redis-layout.ts';
import { noEntities, ObservedReplies, type ObservedState } from './redis-observed.ts';
import type { CorrectionProgress } from './redis-pending-correction.ts';
import {
  correctionKey,
  type PaymentNames,
  paymentKey,
  paymentNames,
  ScriptCalls,
  SIDE_CODES,
} from './redis-request.ts';
import { OBSERVED, OTHER_EPOCH, READ_FOR_PAYMENT, READ_ONLY } from './redis-scripts.ts';

/**
 * Commands of payments, labels and corrections. A single server runs one script for each; what a Cluster does is
 * {@link ClusterExchange} and {@link ClusterCorrections}.
 */
export class RedisExchange {
  readonly #client: RedisClient;
  readonly #calls: ScriptCalls;
  readonly #replies: ObservedReplies;
  readonly #corrections: ClusterCorrections;
  readonly #cluster: ClusterExchange;

  constructor(client: RedisClient, set: FeatureSet) {
    this.#client = client;
    this.#calls = new ScriptCalls(set);
    this.#replies = new ObservedReplies(set);
    this.#corrections = new ClusterCorrections(client, set, this.#calls);
    this.#cluster = new ClusterExchange(client, set, this.#calls, this.#corrections);
  }

  /**
   * Records a payment's event unless its endToEndId is known, and reads its entities.
   *
   * @throws AppError `store_unavailable` where nothing is known of what was recorded.
   */
  async observe(
    payment: ObservedPayment,
    events: KindEvents,
    epoch: EpochKeys,
  ): Promise<ObservedState | IncompleteAppend | typeof OTHER_EPOCH> {
    if (epoch.set.partitions > 1) return this.#cluster.observe(payment, events, epoch);
    const { row, keys } = payment;
    const names = paymentNames(row.end_to_end_id, keys);
    const tail = this.#calls.tail(names, row.event_time, events, keys.payee);
    const part = {
      partition: 0,
      kinds: names.kinds,
      payment: 'value',
      side: SIDE_CODES[row.side],
      tail,
      events,
    } as const;
    return this.#whole(await askScript(this.#client, this.#calls.observe(part, names, epoch)), names);
  }

  /** Reads entities and records nothing. @throws AppError `store_unavailable`. */
  async read(read: FeatureRead, epoch: EpochKeys): Promise<ObservedState | typeof OTHER_EPOCH> {
    if (epoch.set.partitions > 1) return this.#cluster.read(read, epoch);
    const { row, keys } = read;
    const names = paymentNames(row === null ? null : row.end_to_end_id, keys);
    const side = row === null ? READ_ONLY : READ_FOR_PAYMENT;
    const part = { partition: 0, kinds: names.kinds, payment: 'value', side } as const;
    return this.#whole(await askScript(this.#client, this.#calls.observe(part, names, epoch)), names);
  }

  /**
   * The numbers that an event of a Cluster took in an epoch, open or not, as far as the markers that are left say.
   *
   * @throws AppError `store_unavailable`.
   */
  numbersIn(epoch: EpochKeys, payment: ObservedPayment): Promise<EntityNumbers> {
    return this.#cluster.numbersIn(epoch, payment);
  }

  /**
   * What an epoch, open or not, has of a payment's event; nothing is recorded.
   *
   * @returns null where the payment is not there. @throws AppError `store_unavailable`.
   */
  async eventIn(epoch: EpochKeys, payment: ObservedPayment): Promise<RecordedEvent | null> {
    const { row, keys } = payment;
    const value = await readValue(this.#client, paymentKey(row.end_to_end_id, epoch));
    if (value === null) return null;
    const side = SIDE_CODES[row.side];
    if (!this.#replies.isOfSide(value, side)) return { isEvent: false, numbers: NO_NUMBERS };
    if (epoch.set.partitions > 1) return { isEvent: true, numbers: await this.numbersIn(epoch, payment) };
    const { kinds } = paymentNames(row.end_to_end_id, keys);
    return { isEvent: true, numbers: this.#replies.numbers(value, side, kinds, epoch.epoch) };
  }

  /**
   * The payee of a label, of which it is recorded: the same for each request, however often it is asked for.
   *
   * @returns null where there is none. @throws AppError `store_unavailable`.
   */
  async payeeOf(label: ObservedLabel, request: string, epoch: EpochKeys): Promise<string | null | typeof OTHER_EPOCH> {
    const reply = await askScript(this.#client, this.#calls.labelPayee(label, request, epoch));
    if (reply[0] === OBSERVED.otherEpoch) return OTHER_EPOCH;
    return (reply[1] as Buffer).toString('utf8') || null;
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
    const reply = await askScript(this.#client, this.#calls.label(label, payeeAccount, request, epoch));
    return reply[0] === OBSERVED.otherEpoch ? OTHER_EPOCH : (reply[1] as Buffer).readDoubleLE(0);
  }

  /**
   * Corrects a payment, once for each request.
   *
   * @param events of the replacement.
   * @param progress receives what is known of it in a Cluster while it is on its way.
   * @returns what became of it; null where it was given up before.
   * @throws AppError `store_unavailable` where that is not known.
   */
  async correct(
    correction: ObservedCorrection,
    events: KindEvents,
    request: string,
    epoch: EpochKeys,
    progress: CorrectionProgress,
  ): Promise<MadeCorrection | null | typeof OTHER_EPOCH> {
    if (epoch.set.partitions > 1) return this.#corrections.correct(correction, events, request, epoch, progress);
    const { endToEndId, replacement } = correction;
    const names = replacement === null ? null : paymentNames(endToEndId, replacement.keys);
    const becomes = names && {
      names,
      tail: this.#calls.tail(names, replacement?.row.event_time ?? 0, events, replacement?.keys.payee ?? null),
      events,
    };
    const call = this.#calls.correct(request, CORRECTION_MODES.make, endToEndId, becomes, epoch);
    const reply = await askScript(this.#client, call);
    return reply[0] === OBSERVED.otherEpoch ? OTHER_EPOCH : madeCorrection(reply[1] as Buffer, epoch.epoch);
  }

  /**
   * What became of a correction in an epoch, open or not; if it was not made there, it is not made any more.
   *
   * @param progress what is known of it since it was sent.
   * @returns null where it was not made. @throws AppError `store_unavailable`.
   */
  async settleCorrection(
    endToEndId: string,
    request: string,
    epoch: EpochKeys,
    { underWay }: CorrectionProgress,
  ): Promise<MadeCorrection | null> {
    if (epoch.set.partitions > 1) return this.#corrections.settle(endToEndId, request, epoch, underWay);
    const call = this.#calls.correct(request, CORRECTION_MODES.settle, endToEndId, null, epoch);
    const reply = await askScript(this.#client, call);
    // In an epoch that is closed nothing is made any more, and what was is there for as long as its keys are.
    const isClosed = reply[0] === OBSERVED.otherEpoch;
    const kept = isClosed ? await readValue(this.#client, correctionKey(request, epoch)) : reply[1];
    return kept == null ? null : madeCorrection(kept as Buffer, epoch.epoch);
  }

  /** A script over all entities. */
  #whole(reply: readonly Reply[], { kinds }: PaymentNames): ObservedState | typeof OTHER_EPOCH {
    if (reply[0] === OBSERVED.otherEpoch) return OTHER_EPOCH;
    const entities = noEntities();
    this.#replies.entities(reply, kinds, false, entities);
    return { isEvent: reply[0] !== OBSERVED.second, payment: this.#replies.payment(reply), entities };
  }
}
