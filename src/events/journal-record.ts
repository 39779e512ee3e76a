import type { EntityNumber, EntityNumbers } from '../domain/entity-keys.ts';
import type { LabelState } from '../domain/label.ts';
import type { Side } from '../domain/payment.ts';
/** Which way a record came in; it names the form of its raw bytes. */
export type RecordSource = 'http' | 'grpc' | 'import';

/** A payment as it came in. */
export interface PaymentPart {
  readonly endToEndId: string;
  readonly side: Side;
  readonly source: RecordSource;
  /** SHA-256 of the canonical form of the parsed payment: 32 bytes. */
  readonly requestSha256: Uint8Array;
  /** The body, byte for byte: JSON over HTTP, a protobuf message over gRPC. What the payment does to state is read from it. */
  readonly raw: Uint8Array;
}

/** A decision as it goes out, with what it was made of. */
export interface DecisionPart {
  /**
   * Whether this record is the payment's event, or its second side. Says nothing where the store did
   * not answer (`saw` has no number): then a sequence record follows once it is known.
   */
  readonly isEvent: boolean;
  /** Numbers that the event took; nulls on a second side, or where they are not known yet. */
  readonly numbers: EntityNumbers;
  /** The last numbers that the decision could see; nulls where it saw nothing. */
  readonly saw: EntityNumbers;
  /** The HTTP answer's JSON, byte for byte. */
  readonly answer: Uint8Array;
  /** Feature values in the order of the set; NaN is absent. */
  readonly features: Float64Array;
  /** Why a value is absent, a status a feature. */
  readonly featureStatus: Uint8Array;
}

/** Embedded: the event and its decision are one record. */
export interface ScoredRecord extends PaymentPart, DecisionPart {
  readonly kind: 'scored';
  readonly knownTimeMicros: number;
}

/** Redis: the event alone, durable before state is touched. Its numbers come with a decision or a sequence record. */
export interface PaymentRecord extends PaymentPart {
  readonly kind: 'payment';
  readonly knownTimeMicros: number;
}

/**
 * Redis: the decision of a payment record before it, with the numbers that its event took. The
 * lake makes a row of `bronze/decisions` of it and, where the store answered, one of `bronze/sequences`.
 */
export interface DecisionRecord extends DecisionPart {
  readonly kind: 'decision';
  readonly knownTimeMicros: number;
  readonly endToEndId: string;
  readonly side: Side;
  readonly source: RecordSource;
  readonly requestSha256: Uint8Array;
}

/** A label. */
export interface LabelRecord {
  readonly kind: 'label';
  readonly knownTimeMicros: number;
  readonly endToEndId: string;
  readonly source: RecordSource;
  readonly state: LabelState;
  readonly eventTimeMicros: number;
  /** The payee's account key: the payment's, else the caller's, else null. */
  readonly payeeAccount: string | null;
  /** The number that it took in the payee's state. */
  readonly number: EntityNumber | null;
  readonly raw: Uint8Array;
}

/** A correction of a payment: a retraction of its event and, where the body holds a payment, a new event in its place. */
export interface CorrectionRecord {
  readonly kind: 'correction';
  readonly knownTimeMicros: number;
  readonly endToEndId: string;
  readonly source: RecordSource;
  readonly correctedAtMicros: number;
  /** Whether the store knew the payment. */
  readonly isApplied: boolean;
  /** Numbers that the retraction took in the entities of the event as it was; nulls where nothing was retracted. */
  readonly retracted: EntityNumbers;
  /** Numbers that the event in its place took; nulls where there is none. */
  readonly replaced: EntityNumbers;
  /** Redis: the intent before this record, and the correction's place among those of its payment. */
  readonly settles?: SettledIntent;
  /** The body, byte for byte: JSON over HTTP, a protobuf message over gRPC. What the payment is now is read from it. */
  readonly raw: Uint8Array;
}

/** An intent that came to something. */
export interface SettledIntent {
  readonly request: string;
  /** How many rows corrections of the payment took before this one, through whichever server: a retraction one, an event in its place one. */
  readonly revision: number;
}

/**
 * Redis: a correction that the store is about to be asked for, durable before it is. A correction record settles it, or
 * another one of these that says that it came to nothing. By itself it does nothing, and the lake has no row of it.
 */
export interface IntentRecord {
  readonly kind: 'intent';
  readonly knownTimeMicros: number;
  /** Names it among all. */
  readonly request: string;
  readonly endToEndId: string;
  /** Whether it came to nothing. */
  readonly isVoid: boolean;
  readonly source: RecordSource;
  readonly correctedAtMicros: number;
  /** The body; empty where it came to nothing. */
  readonly raw: Uint8Array;
}

/** Redis: numbers of an event that were learned after its decision (or without one). */
export interface SequenceRecord {
  readonly kind: 'sequence';
  readonly knownTimeMicros: number;
  readonly endToEndId: string;
  readonly side: Side;
  readonly isEvent: boolean;
  readonly numbers: EntityNumbers;
}

/** The opening of an epoch: what its state was built from. */
export interface EpochRecord {
  readonly kind: 'epoch';
  readonly knownTimeMicros: number;
  readonly epoch: number;
  readonly reason: string;
  /** Version of silver.transactions that was read; null where there was none. */
  readonly silverVersion: number | null;
  /** The last position of each journal that is in the epoch's base. */
  readonly offsets: Readonly<Record<string, number>>;
}

/** Everything that a journal holds. */
export type JournalRecord =
  | ScoredRecord
  | PaymentRecord
  | DecisionRecord
  | LabelRecord
  | CorrectionRecord
  | IntentRecord
  | SequenceRecord
  | EpochRecord;

/** What only bronze and `GET /v1/decisions` want of a record: nine tenths of its bytes. */
export type RecordBodies = 'raw' | 'answer' | 'features' | 'featureStatus';

/** A record without its bodies. */
export type SkimmedRecord =
  | Omit<ScoredRecord, RecordBodies>
  | Omit<PaymentRecord, RecordBodies>
  | Omit<DecisionRecord, RecordBodies>
  | Omit<LabelRecord, RecordBodies>
  | Omit<CorrectionRecord, RecordBodies>
  | Omit<IntentRecord, RecordBodies>
  | SequenceRecord
  | EpochRecord;
