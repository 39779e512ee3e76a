import { randomUUID } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { AppError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { ENTITY_KINDS, type EntityKeys, NO_NUMBERS } from '../domain/entity-keys.ts';
import type { Side } from '../domain/payment.ts';
import { entityKeys } from '../domain/payment-row.ts';
import type { Journal, RecordPlace } from '../events/journal.ts';
import { encodeRecord } from '../events/record-codec.ts';
import { createVectorEngine, type VectorEngine, vectorWithoutStore } from '../features/engine/vector-engine.ts';
import type { FeatureSet } from '../features/feature-set.ts';
import type { Observation, ObservedCorrection, ObservedPayment, OnlineStore } from '../features/online-store.ts';
import type { AnswerBook } from './answer-book.ts';
import type { CommitQueue, CommitSlot } from './commit-queue.ts';
import { type CorrectionPart, correctionRecord } from './correction-records.ts';
import type { Deadline } from './deadline.ts';
import { type DecisionMakers, decidePayment, encodeDecision } from './decide-payment.ts';
import { labelRequest } from './label-records.ts';
import { decisionRecord, type PaymentUnderWay, paymentRecord, scoredRecord } from './scored-records.ts';
import type { Scorer } from './scorer.ts';
import {
  type CorrectionRequest,
  type LabelRequest,
  requestSha256,
  type Scoring,
  type ScoringAnswer,
  type ScoringRequest,
  type StoredDecision,
} from './scoring-port.ts';

/** What scoring is made of. */
export interface ScoringParts {
  readonly store: OnlineStore;
  /**
   * `together`: state in memory is touched first; event and decision are one record, and a lost
   * group takes the state back. `event-first`: the event is durable before a state outside the
   * process is touched, and never taken out.
   */
  readonly durability: 'together' | 'event-first';
  readonly journal: Journal;
  readonly queue: CommitQueue;
  readonly scorer: Scorer;
  readonly makers: DecisionMakers;
  readonly answers: AnswerBook;
  readonly deadline: Deadline;
  readonly clock: Clock;
  /** Whether the journal holds more than its limit that silver does not. */
  journalIsFull(): boolean;
  /** Told of each new decision, for metrics. */
  onDecision(side: Side, decision: string, degraded: boolean): void;
  /** Told of the features of each new decision; the array is not to be kept. */
  onServed(status: Uint8Array, eventTimeMicros: number): void;
  /** Told of each label that is recorded. */
  onLabel(eventTimeMicros: number): void;
}

/** Decides payments: the whole path of one is {@link PaymentScoring.score}, then `#decide`. */
export class PaymentScoring implements Scoring {
  readonly #parts: ScoringParts;
  readonly #engine: VectorEngine;
  readonly #vector: Float32Array;
  /** Of a decision’s record, beside the request’s own bytes: a feature has a number and a status. */
  readonly #decisionBytes: number;

  /** @param set the features that are served and scored. */
  constructor(parts: ScoringParts, set: FeatureSet) {
    this.#parts = parts;
    this.#engine = createVectorEngine(set);
    this.#vector = new Float32Array(set.names.length);
    this.#decisionBytes = LIMITS.recordBesideRawBytes + set.names.length * 9;
  }

  async score(request: ScoringRequest): Promise<ScoringAnswer> {
    const { answers, clock, deadline } = this.#parts;
    const { end_to_end_id: id, side } = request.parsed.row;
    const sha256 = requestSha256(request.parsed);
    const now = clock.nowMicros();
    const earlier = answers.earlier(id, side, sha256, now);
    if (earlier !== undefined) return { body: await deadline.hold(earlier, notInTime), replayed: true };
    this.#admit(request.parsed.row.event_time, now, request.raw.length + this.#decisionBytes);
    const body = this.#decide(request, sha256, now);
    answers.begin(id, side, sha256, body);
    return { body: await deadline.hold(body, notInTime), replayed: false };
  }

  async recordLabel({ parsed, source, raw }: LabelRequest): Promise<void> {
    const { store, durability, queue, journal, clock, onLabel } = this.#parts;
    const knownTimeMicros = clock.nowMicros();
    const { endToEndId, state, eventTimeMicros, payeeAccount } = parsed;
    const bytes = raw.length + LIMITS.recordBesideRawBytes;
    this.#admit(eventTimeMicros, knownTimeMicros, bytes);
    const record = { kind: 'label', knownTimeMicros, endToEndId, source, state, eventTimeMicros, raw } as const;
    const label = { endToEndId, state, eventTimeMicros, payeeAccount };
    if (durability === 'together') {
      const observed = store.observeLabel(label);
      if (observed instanceof Promise) throw new Error('a store outside the process needs durability event-first');
      // The slot is taken in the turn in which the state was touched.
      const { payeeAccount, number, mark } = observed;
      await commitRecord(queue.enter(mark, bytes), () => encodeRecord({ ...record, payeeAccount, number }));
      onLabel(eventTimeMicros);
      return;
    }
    // Whose it is the store says: a correction may have given its payment another payee than the caller names.
    const { position } = await journal.append(encodeRecord({ ...record, payeeAccount: null, number: null }), 0);
    onLabel(eventTimeMicros);
    const asked = { ...label, request: labelRequest(journal.id, position) };
    // Durable already: where the store does not answer, its number is journaled once it is learned.
    const observed = await Promise.resolve(store.observeLabel(asked)).catch(asUnavailable);
    if (observed === undefined || observed.number === null) return;
    const numbered = { ...record, payeeAccount: observed.payeeAccount, number: observed.number };
    await journal.append(encodeRecord(numbered), 0).catch((error) => {
      // The store has given a number that no journal says yet; the label is recorded all the same.
      if (!(error instanceof AppError) || store.settleLabel === undefined) throw error;
      store.settleLabel(asked);
    });
  }

  async recordCorrection({ parsed, source, raw }: CorrectionRequest): Promise<boolean> {
    const { store, durability, queue, clock } = this.#parts;
    const { endToEndId, correctedAtMicros, replacement } = parsed;
    const knownTimeMicros = clock.nowMicros();
    const bytes = raw.length + LIMITS.recordBesideRawBytes;
    this.#admit(Math.max(correctedAtMicros, replacement?.row.event_time ?? correctedAtMicros), knownTimeMicros, bytes);
    const payment = replacement === null ? null : { row: replacement.row, keys: entityKeys(replacement.row) };
    const correction: ObservedCorrection = { endToEndId, replacement: payment };
    const part = { endToEndId, source, correctedAtMicros, raw };
    if (durability === 'event-first') return await correctOutside(this.#parts, correction, part, knownTimeMicros);
    const observed = store.correctPayment(correction);
    if (observed instanceof Promise) throw new Error('a store outside the process needs durability event-first');
    // The slot is taken in the turn in which the state was touched.
    const record = (): Uint8Array => encodeRecord(correctionRecord(part, observed, knownTimeMicros));
    await commitRecord(queue.enter(observed.mark, bytes), record);
    return observed.isApplied;
  }

  findDecision(endToEndId: string, side: Side): Promise<StoredDecision | undefined> {
    return this.#parts.answers.find(endToEndId, side, this.#parts.clock.nowMicros());
  }

  /** Refuses before any state is touched. @param bytes of the record that there will be, near enough. */
  #admit(eventTimeMicros: number, nowMicros: number, bytes: number): void {
    const { answers, queue, journalIsFull } = this.#parts;
    if (eventTimeMicros > nowMicros + LIMITS.aheadMicros) {
      throw new AppError(
        'in_future',
        'the time is more than 12 h ahead of ours: check the caller’s clock and time zone',
      );
    }
    if (answers.underWay >= LIMITS.requestsUnderWay) {
      throw new AppError('overloaded', `${LIMITS.requestsUnderWay} requests are under way: try again`);
    }
    queue.checkRoom(bytes);
    if (journalIsFull()) throw new AppError('journal_full', 'the lake does not keep up with the journal: see its jobs');
  }

  /** State → vector → model → policy → durable. Resolves with the answer's JSON when it is durable. */
  async #decide(request: ScoringRequest, sha256: Buffer, knownTimeMicros: number): Promise<string> {
    const { store, durability, queue, journal, makers, answers, clock, onDecision, onServed } = this.#parts;
    const { parsed, source, raw } = request;
    const { row } = parsed;
    const keys = entityKeys(row);
    const payment: PaymentUnderWay = { row, keys, source, raw, sha256 };

    let seen: Observation;
    let slot: CommitSlot | undefined;
    if (durability === 'event-first') {
      await journal.append(encodeRecord(paymentRecord(payment, knownTimeMicros)), 0);
      seen = await this.#observeOutside({ row, keys });
    } else {
      const observed = store.observePayment({ row, keys });
      if (observed instanceof Promise) throw new Error('a store outside the process needs durability event-first');
      seen = observed;
      // In the turn in which the state was touched: what this decision saw goes to the disk before it.
      slot = queue.enter(seen.mark, raw.length + this.#decisionBytes);
    }

    try {
      const score = await this.#scoreOf(seen.values);
      const nowMicros = clock.nowMicros();
      const storeAnswered = sawState(seen, keys);
      const decision = decidePayment(makers, { parsed, values: seen.values, score, storeAnswered, nowMicros });
      const answer = encodeDecision(decision);
      const place =
        slot === undefined
          ? await journal.append(encodeRecord(decisionRecord(payment, seen, answer, nowMicros)), 0).catch((error) => {
              // The store has given numbers that no journal says yet.
              store.appendLate?.({ row, keys });
              throw error;
            })
          : await slot.commit(encodeRecord(scoredRecord(payment, seen, answer, knownTimeMicros)));
      answers.remember(row.end_to_end_id, row.side, sha256, place, nowMicros);
      onDecision(row.side, decision.decision, decision.degraded.length > 0);
      onServed(seen.status, row.event_time);
      return answer;
    } catch (error) {
      // A slot without a record would hold up all that come after it.
      await slot?.giveUp();
      throw error;
    }
  }

  /** What a store across a network says, or what the payment itself says where the store does not answer. */
  async #observeOutside(payment: ObservedPayment): Promise<Observation> {
    try {
      return await this.#parts.store.observePayment(payment);
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'store_unavailable') throw error;
      const vector = vectorWithoutStore(this.#engine, payment.row, payment.keys);
      const { values, status } = vector;
      return { isEvent: false, numbers: NO_NUMBERS, saw: NO_NUMBERS, values, status, mark: 0 };
    }
  }

  /** Null where the model fails: the policy then decides without it. */
  async #scoreOf(values: Float64Array): Promise<number | null> {
    // The scorer copies the vector before it returns, so one buffer serves all.
    this.#vector.set(values);
    try {
      return await this.#parts.scorer.score(this.#vector);
    } catch {
      return null;
    }
  }
}

/** Gives a slot its record, or gives it up where there can be none: nothing that comes later is to wait for it. */
async function commitRecord(slot: CommitSlot, encode: () => Uint8Array): Promise<RecordPlace> {
  let payload: Uint8Array;
  try {
    payload = encode();
  } catch (error) {
    await slot.giveUp();
    throw error;
  }
  return slot.commit(payload);
}

/**
 * Corrects a payment in a store outside the process. The intent is durable first: a server that dies between the store's
 * answer and its record asks again what became of it. Where the store does not answer nothing is promised; it is found
 * out, and the caller sends the correction again.
 */
async function correctOutside(
  { store, journal, clock }: ScoringParts,
  correction: ObservedCorrection,
  part: CorrectionPart,
  knownTimeMicros: number,
): Promise<boolean> {
  const request = randomUUID();
  await journal.append(encodeRecord({ kind: 'intent', knownTimeMicros, request, isVoid: false, ...part }), 0);
  const { source, correctedAtMicros, raw } = part;
  const asked = { ...correction, intent: { request, source, correctedAtMicros, raw } };
  const observed = await store.correctPayment(asked);
  await journal.append(encodeRecord(correctionRecord(part, observed, clock.nowMicros(), request)), 0).catch((error) => {
    // It was made, and no journal says so yet.
    store.settleCorrection?.(asked);
    throw error;
  });
  return observed.isApplied;
}

function notInTime(): AppError {
  return new AppError(
    'not_durable',
    'the decision is not durable by the deadline: send the same request again and it will be answered',
  );
}

/** Nothing where the store did not answer. @throws what else there is. */
function asUnavailable(error: unknown): undefined {
  if (error instanceof AppError && error.code === 'store_unavailable') return undefined;
  throw error;
}

/** Whether every entity of the payment was read. */
function sawState({ saw }: Observation, keys: EntityKeys): boolean {
  return ENTITY_KINDS.every((kind) => keys[kind] === null || saw[kind] !== null);
}
