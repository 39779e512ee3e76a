import type { EntityKeys, EntityNumber, EntityNumbers } from '../domain/entity-keys.ts';
import type { LabelState } from '../domain/label.ts';
import type { PaymentRow } from '../domain/payment-row.ts';

/** A payment that is to be scored. */
export interface ObservedPayment {
  readonly row: PaymentRow;
  readonly keys: EntityKeys;
}

/** What a store says of a payment: its features, and its place in the order of its entities. */
export interface Observation {
  /** Whether this was the payment's first record, which counts as its event; a second side adds none. */
  readonly isEvent: boolean;
  /** Numbers that the event took; nulls on a second side, and where the payment names no such entity. */
  readonly numbers: EntityNumbers;
  /** The last number of each entity that the values could see; `seq` 0 is all that was before the epoch. */
  readonly saw: EntityNumbers;
  /** In the order of the feature set; NaN where absent. */
  readonly values: Float64Array;
  /** A number of FEATURE_STATUS for each feature. */
  readonly status: Uint8Array;
  /** The operation's place in the store's order of operations. */
  readonly mark: number;
}

/** Whose features are read, and as of when. */
export interface FeatureRead {
  readonly keys: EntityKeys;
  /** The windows' end; with a row, its event time. */
  readonly atMicros: number;
  /** The payment that is read for; its own event, where it is recorded, does not count. Without one what needs it is null. */
  readonly row: PaymentRow | null;
}

/** Features that were read without recording anything. */
export type FeatureReading = Pick<Observation, 'saw' | 'values' | 'status'>;

/** A label as a store takes it. */
export interface ObservedLabel {
  readonly endToEndId: string;
  readonly state: LabelState;
  readonly eventTimeMicros: number;
  /** The payee's account key where the caller knows it. */
  readonly payeeAccount: string | null;
  /** Names the label's durable record among all: what is asked twice is done once. A store outside the process needs it. */
  readonly request?: string;
}

/** Where a label went. */
export interface LabelObservation {
  /** The payment's payee where the store saw the payment, else the caller's, else null. */
  readonly payeeAccount: string | null;
  /** The number that it took in the payee's state; null where there is no payee. */
  readonly number: EntityNumber | null;
  readonly mark: number;
}

/** What is durable of a correction before a store outside the process is asked for it: what its record needs once its outcome is known. */
export interface CorrectionIntent {
  /** Names the correction among all: what is asked twice is done once. */
  readonly request: string;
  readonly source: 'http' | 'grpc' | 'import';
  readonly correctedAtMicros: number;
  readonly raw: Uint8Array;
}

/** A correction as a store takes it. */
export interface ObservedCorrection {
  readonly endToEndId: string;
  /** The payment as it is now; null where it is retracted. */
  readonly replacement: ObservedPayment | null;
  /** A store outside the process needs it. */
  readonly intent?: CorrectionIntent;
}

/** Where a correction went. */
export interface CorrectionObservation {
  /** Whether the store knew the payment. One that it does not know is not corrected, and a replacement of it is no event. */
  readonly isApplied: boolean;
  /** Numbers that the retraction took in the entities of the event as it was; nulls where nothing was retracted. */
  readonly retracted: EntityNumbers;
  /** Numbers that the replacement's event took; nulls where there is none. */
  readonly replaced: EntityNumbers;
  /**
   * How many rows corrections of the payment took before this one, a retraction one and a replacement one: their order
   * where several servers correct. A store in the process does not count them.
   */
  readonly revision?: number;
  readonly mark: number;
}

/** What scoring needs of a store, in process or across a network. */
export interface OnlineStore {
  /** The epoch whose numbers are given. */
  readonly epoch: number;
  /**
   * Reads the features of a payment as of now and records its event unless its endToEndId is
   * known, atomically for each entity.
   *
   * @throws AppError `state_full`; `store_unavailable` where no answer came in time.
   */
  observePayment(payment: ObservedPayment): Observation | Promise<Observation>;
  /**
   * Reads the features of entities and records nothing: what {@link observePayment} would give now,
   * also from events that are not durable yet.
   *
   * @throws AppError `store_unavailable`.
   */
  readFeatures(read: FeatureRead): FeatureReading | Promise<FeatureReading>;
  /** Records a label. @throws AppError as {@link observePayment}. */
  observeLabel(label: ObservedLabel): LabelObservation | Promise<LabelObservation>;
  /**
   * Takes a payment's event back and, where it is replaced, records the corrected payment as its event: each from its
   * own number on. What was read before stays as it was.
   *
   * @throws AppError as {@link observePayment}.
   */
  correctPayment(correction: ObservedCorrection): CorrectionObservation | Promise<CorrectionObservation>;
  /**
   * Of a store outside the process: what it answered could not be journaled. It is asked again in the background, an event
   * counts once however often it is sent, and its owner is told.
   *
   * @param ageMs how long ago it was recorded; just now unless told.
   */
  appendLate?(payment: ObservedPayment, ageMs?: number): void;
  /** The same of a correction, whose intent is durable. */
  settleCorrection?(correction: ObservedCorrection): void;
  /** The same of a label. */
  settleLabel?(label: ObservedLabel): void;
}

/** A payment's event as a journal or the lake hold it; the row has the columns that the set's events need. */
export type RecordedPayment = ObservedPayment;

/** Sizes of a store. */
export interface StoreStats {
  readonly payments: number;
  /** Of all kinds together. */
  readonly entities: number;
  readonly labelledPayees: number;
  /** Events that entities keep, rounded up to their blocks. */
  readonly eventSlots: number;
  readonly tiles: number;
  /** Bytes of memory in use, near enough. */
  readonly bytes: number;
}
