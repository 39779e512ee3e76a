import { hash } from 'node:crypto';
import { canonicalPayment } from '../domain/canonical-payment.ts';
import type { ParsedCorrection } from '../domain/parse-correction.ts';
import type { ParsedLabel } from '../domain/parse-label.ts';
import type { ParsedPayment } from '../domain/parse-payment.ts';
import type { Side } from '../domain/payment.ts';
import type { RecordSource } from '../events/journal-record.ts';

/** A payment to score, checked, with the bytes that it came as. */
export interface ScoringRequest {
  readonly parsed: ParsedPayment;
  readonly source: RecordSource;
  readonly raw: Uint8Array;
}

/** What a request is answered with. */
export interface ScoringAnswer {
  /**
   * The JSON of a `Decision`, byte for byte as it was first given. A text, not bytes: Node then
   * writes head and body in one piece, and the answer costs a tenth less.
   */
  readonly body: string;
  /** Whether it is the answer to an earlier request. */
  readonly replayed: boolean;
}

/** A label to record, checked, with the bytes that it came as. */
export interface LabelRequest {
  readonly parsed: ParsedLabel;
  readonly source: RecordSource;
  readonly raw: Uint8Array;
}

/** A correction to record, checked, with the bytes that it came as. */
export interface CorrectionRequest {
  readonly parsed: ParsedCorrection;
  readonly source: RecordSource;
  readonly raw: Uint8Array;
}

/** A decision that was made, however long ago. */
export interface StoredDecision {
  /** The JSON of the `Decision`. */
  readonly body: string;
  readonly knownTimeMicros: number;
  /** Values in the order of the feature set of the decision; NaN is absent. */
  readonly features: Float64Array;
  readonly featureStatus: Uint8Array;
}

/** What the ways in (HTTP, gRPC) ask of scoring. */
export interface Scoring {
  /**
   * Decides a payment, or gives the first answer to the same request.
   *
   * @throws AppError `key_reused`, `in_future`, `overloaded`, `not_durable`, `disk_full`,
   * `journal_full`, `state_full`.
   */
  score(request: ScoringRequest): Promise<ScoringAnswer>;
  /**
   * Records a label; durable when it resolves.
   *
   * @throws AppError `in_future`, `not_durable`, `disk_full`, `journal_full`.
   */
  recordLabel(request: LabelRequest): Promise<void>;
  /**
   * Records a correction; durable when it resolves.
   *
   * @returns whether the state knew the payment: else it is kept and changes nothing.
   * @throws AppError as {@link recordLabel}.
   */
  recordCorrection(request: CorrectionRequest): Promise<boolean>;
  /** The decision of a payment's side; undefined where there is none. */
  findDecision(endToEndId: string, side: Side): Promise<StoredDecision | undefined>;
}

/** SHA-256 of the canonical form (RFC 8785) of a payment: two requests are the same when this is. */
export function requestSha256(parsed: ParsedPayment): Buffer {
  return hash('sha256', canonicalPayment(parsed.payment), 'buffer');
}
