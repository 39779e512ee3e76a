import { assert } from '../../base/assert.ts';
import { byKind, type EntityNumbers, hasNumber } from '../../domain/entity-keys.ts';
import { SIDES, type Side } from '../../domain/payment.ts';
import type {
  CorrectionIntent,
  CorrectionObservation,
  LabelObservation,
  Observation,
  ObservedCorrection,
  ObservedLabel,
  ObservedPayment,
} from '../online-store.ts';
import { LateAppends } from './redis-late-appends.ts';
import type { EpochKeys } from './redis-layout.ts';
import type { CorrectionProgress } from './redis-pending-correction.ts';

/** Numbers of an event that were learned after its decision. */
export interface LearnedNumbers {
  readonly endToEndId: string;
  readonly side: Side;
  readonly isEvent: boolean;
  readonly numbers: EntityNumbers;
}

/** What is told of work whose outcome is learned late. It is waited for, being a promise, and told again where that fails. */
export interface LateHooks {
  /** An append whose outcome was not known is known now: the numbers are to be journaled. */
  onNumbersLearned(learned: LearnedNumbers): unknown;
  /** A label's number is known now. */
  onLabelLearned(label: ObservedLabel, learned: LabelObservation): unknown;
  /** What became of a correction that was not answered is known now; null: it was not made, and is not made any more. */
  onCorrectionSettled(correction: ObservedCorrection, made: CorrectionObservation | null): unknown;
}

/** A payment whose event is not in all of its entities for certain. */
export interface LatePayment {
  readonly payment: ObservedPayment;
  /** Numbers that its event took in an epoch before not all of its entities answered. */
  partial: { readonly epoch: number; readonly numbers: EntityNumbers } | null;
  /** The epoch in which Redis may have been asked; 0 where it was not. */
  sentIn: number;
  readonly sinceMs: number;
}

/** What an epoch has of a payment. */
export type RecordedEvent = Pick<Observation, 'isEvent' | 'numbers'>;

/** A correction whose outcome is not known for certain. */
export interface LateCorrection extends CorrectionProgress {
  readonly correction: ObservedCorrection;
  /** The epoch that it was sent in; null where it was not sent. */
  epoch: EpochKeys | null;
}

/** How the store does again what is late; each throws where it is not answered once more. */
export interface LateStore {
  /** The epoch that is open; 0 where none is. */
  openEpoch(): number;
  observe(late: LatePayment): Promise<Observation>;
  /** What the open epoch has of a payment, of which nothing is recorded; null: nothing. */
  eventOf(payment: ObservedPayment): Promise<RecordedEvent | null>;
  observeLabel(label: ObservedLabel): Promise<LabelObservation>;
  /** Null: it was not made, and is not made any more; undefined: not known yet. */
  settled(late: LateCorrection): Promise<CorrectionObservation | null | undefined>;
}

/** Appends of unknown outcome that are remembered: at 1 k/s a minute's outage, 60 MB. */
const LATE_LIMIT = 65_536;
/**
 * An event that was not sent in the open epoch is not appended any more after this: silver waits a quarter of an hour for its
 * number, and then has it without one, which is what replay reads. The next epoch's base holds it. A process that is gone may
 * have sent it: it is asked for, and a number that it has is told.
 */
const LATE_APPEND_MS = 10 * 60_000;

/** A payment that is to be recorded. @param ageMs how long ago a journal has taken it. */
export function latePayment(payment: ObservedPayment, ageMs = 0): LatePayment {
  return { payment, partial: null, sentIn: 0, sinceMs: performance.now() - ageMs };
}

/** The intent of a correction, which is durable before Redis is asked. */
export function intentOf({ intent }: ObservedCorrection): CorrectionIntent {
  assert(intent !== undefined, 'a correction is durable before Redis is asked');
  return intent;
}

/** What names a label, which is durable before Redis is asked. */
export function requestOf({ request }: ObservedLabel): string {
  assert(request !== undefined, 'a label is durable before Redis is asked');
  return request;
}

/** Numbers of an event from two looks at its entities. */
export function joinedNumbers(earlier: EntityNumbers | undefined, now: EntityNumbers): EntityNumbers {
  return byKind((kind) => now[kind] ?? earlier?.[kind] ?? null);
}

/** What a store on Redis has not been answered, done again in the background until it is, and told. */
export class LateWork {
  readonly #store: LateStore;
  readonly #hooks: LateHooks;
  readonly #payments: LateAppends<LatePayment>;
  readonly #labels: LateAppends<ObservedLabel>;
  readonly #corrections: LateAppends<LateCorrection>;

  constructor(store: LateStore, hooks: LateHooks) {
    this.#store = store;
    this.#hooks = hooks;
    this.#payments = new LateAppends(LATE_LIMIT, (late) => this.#append(late));
    this.#labels = new LateAppends(LATE_LIMIT, (late) => this.#appendLabel(late));
    this.#corrections = new LateAppends(LATE_LIMIT, (late) => this.#settle(late));
  }

  /** How much waits for its outcome, and how much was given up. */
  get counts(): { readonly waiting: number; readonly givenUp: number } {
    const all = [this.#payments, this.#labels, this.#corrections];
    return {
      waiting: all.reduce((sum, { count }) => sum + count, 0),
      givenUp: all.reduce((sum, { givenUp }) => sum + givenUp, 0),
    };
  }

  addPayment(late: LatePayment): void {
    const { row } = late.payment;
    this.#payments.add(`${row.end_to_end_id}/${row.side}`, late);
  }

  addLabel(label: ObservedLabel): void {
    this.#labels.add(requestOf(label), label);
  }

  addCorrection(late: LateCorrection): void {
    this.#corrections.add(intentOf(late.correction).request, late);
  }

  /** Whether a side of a payment waits; it is tried soon then. */
  awaits(endToEndId: string): boolean {
    const waits = SIDES.some((side) => this.#payments.has(`${endToEndId}/${side}`));
    if (waits) this.#payments.hurry();
    return waits;
  }

  /**
   * Tells the numbers of events that are in some of their entities, which others have seen there: the epoch is over, and
   * they stay so in it.
   *
   * @param numbersIn those that the epoch's markers tell.
   */
  async tellPartial(numbersIn: (payment: ObservedPayment) => Promise<EntityNumbers>): Promise<void> {
    for (const [name, { payment, partial }] of this.#payments.entries()) {
      const numbers = joinedNumbers(partial?.numbers, await numbersIn(payment));
      if (!hasNumber(numbers)) continue;
      const { end_to_end_id: endToEndId, side } = payment.row;
      const learned = { endToEndId, side, isEvent: true, numbers };
      if (await isTaken(() => this.#hooks.onNumbersLearned(learned))) this.#payments.remove(name);
    }
  }

  /** Tells that a correction was not made; later, where that cannot be journaled now. */
  async tellNotMade(late: LateCorrection): Promise<void> {
    if (!(await isTaken(() => this.#hooks.onCorrectionSettled(late.correction, null)))) this.addCorrection(late);
  }

  /** Tries all of it soon, because something changed. */
  hurry(): void {
    for (const late of [this.#payments, this.#labels, this.#corrections]) late.hurry();
  }

  /** Stops trying. What waits is forgotten: the journal has it. */
  close(): void {
    for (const late of [this.#payments, this.#labels, this.#corrections]) late.close();
  }

  /** True where there is nothing more to learn. */
  async #append(late: LatePayment): Promise<boolean> {
    const open = this.#store.openEpoch();
    if (open === 0) return false;
    const isTooLate = late.sentIn !== open && performance.now() - late.sinceMs > LATE_APPEND_MS;
    const event = isTooLate ? await this.#store.eventOf(late.payment) : await this.#store.observe(late);
    if (event === null) {
      this.#payments.giveUp();
      return true;
    }
    const { end_to_end_id: endToEndId, side } = late.payment.row;
    await this.#hooks.onNumbersLearned({ endToEndId, side, isEvent: event.isEvent, numbers: event.numbers });
    return true;
  }

  async #appendLabel(label: ObservedLabel): Promise<boolean> {
    if (this.#store.openEpoch() === 0) return false;
    await this.#hooks.onLabelLearned(label, await this.#store.observeLabel(label));
    return true;
  }

  async #settle(late: LateCorrection): Promise<boolean> {
    const made = await this.#store.settled(late);
    if (made === undefined) return false;
    await this.#hooks.onCorrectionSettled(late.correction, made);
    return true;
  }
}

/** Whether the owner has taken what it was told. */
async function isTaken(hook: () => unknown): Promise<boolean> {
  try {
    await hook();
    return true;
  } catch {
    return false;
  }
}
