import type { EntityKeys } from '../domain/entity-keys.ts';
import type { PaymentRow } from '../domain/payment-row.ts';
import type { DecisionRecord, PaymentRecord, RecordSource, ScoredRecord } from '../events/journal-record.ts';
import type { Observation } from '../features/online-store.ts';

/*
 * What goes to the journal for a payment, each record as one literal: put together by spreading,
 * it takes ten times as long.
 */

/** A payment that is being decided. */
export interface PaymentUnderWay {
  readonly row: PaymentRow;
  readonly keys: EntityKeys;
  readonly source: RecordSource;
  readonly raw: Uint8Array;
  readonly sha256: Uint8Array;
}

/** Event and decision in one. @param answer the decision's JSON. */
export function scoredRecord(
  { row, source, raw, sha256 }: PaymentUnderWay,
  seen: Observation,
  answer: string,
  knownTimeMicros: number,
): ScoredRecord {
  return {
    kind: 'scored',
    knownTimeMicros,
    endToEndId: row.end_to_end_id,
    side: row.side,
    source,
    requestSha256: sha256,
    raw,
    isEvent: seen.isEvent,
    numbers: seen.numbers,
    saw: seen.saw,
    answer: Buffer.from(answer, 'utf8'),
    features: seen.values,
    featureStatus: seen.status,
  };
}

/** The event alone, before a state outside the process is touched. */
export function paymentRecord({ row, source, raw, sha256 }: PaymentUnderWay, knownTimeMicros: number): PaymentRecord {
  return {
    kind: 'payment',
    knownTimeMicros,
    endToEndId: row.end_to_end_id,
    side: row.side,
    source,
    requestSha256: sha256,
    raw,
  };
}

/** The decision of a payment record before it. @param answer the decision's JSON. */
export function decisionRecord(
  { row, source, sha256 }: PaymentUnderWay,
  seen: Observation,
  answer: string,
  knownTimeMicros: number,
): DecisionRecord {
  return {
    kind: 'decision',
    knownTimeMicros,
    endToEndId: row.end_to_end_id,
    side: row.side,
    source,
    requestSha256: sha256,
    isEvent: seen.isEvent,
    numbers: seen.numbers,
    saw: seen.saw,
    answer: Buffer.from(answer, 'utf8'),
    features: seen.values,
    featureStatus: seen.status,
  };
}
