import type { NumberArray } from '../../base/narrow-numbers.ts';
import type { TextColumn } from '../../base/text-column.ts';
import { byKind, type EntityKind, type KeyedKind } from '../../domain/entity-keys.ts';
import type { PaymentRow } from '../../domain/payment-row.ts';
import type { EpochOpening } from './epoch-book.ts';

/** Numbers (epoch, seq) of one kind of entity, by row; epoch 0 where there is none. */
export interface NumberColumns {
  readonly epochs: NumberArray;
  readonly seqs: NumberArray;
}

/** Where records were written, by row. */
export interface PlaceColumns {
  readonly journals: TextColumn<string>;
  readonly positions: Float64Array;
  readonly knownTimes: Float64Array;
}

/** Labels, by row. */
export interface ReplayLabels {
  readonly count: number;
  readonly ids: TextColumn<string>;
  /** Indexes in LABEL_STATES. */
  readonly states: Uint8Array;
  readonly times: Float64Array;
  /** As resolved when they were recorded; null where no payee is known. */
  readonly payees: TextColumn;
  readonly numbers: NumberColumns;
  readonly places: PlaceColumns;
}

/** Payments, one row a side, in columns, in any order; with what replay needs to know of order. */
export interface ReplayPayments {
  readonly count: number;
  readonly ids: TextColumn<string>;
  readonly times: Float64Array;
  readonly keys: Readonly<Record<KeyedKind, TextColumn>>;
  /** What each row is, of {@link EVENT}. */
  readonly isEvent: Uint8Array;
  readonly numbers: Readonly<Record<EntityKind, NumberColumns>>;
  readonly places: PlaceColumns;
  /** The payment of a row, with the columns that the set reads; the object may be the same for every call. */
  readonly row: (row: number) => PaymentRow;
}

/** What to compute: for which rows, and what each of them could see. */
export interface ReplayReads {
  /** Rows of the payments. */
  readonly rows: Int32Array;
  /**
   * The last number that each read could see, by read: seq 0 is the base of its epoch. Epoch 0
   * where it saw nothing: the store did not answer.
   */
  readonly saw: Readonly<Record<EntityKind, NumberColumns>>;
}

/** Reads of which some are asked for at a time, again where they are needed again. */
export interface ReadSequence {
  /** Rows of the payments, in the order in which their values are wanted. */
  readonly rows: Int32Array;
  /** What the reads from place `from` to below `to` saw of a kind of entity, as {@link ReplayReads} has it. */
  saw(kind: EntityKind, from: number, to: number): NumberColumns;
}

/** Some reads of a sequence. */
export function readsBetween(reads: ReadSequence, from: number, to: number): ReplayReads {
  return { rows: reads.rows.subarray(from, to), saw: byKind((kind) => reads.saw(kind, from, to)) };
}

/** Reads that are in memory, as a sequence. */
export function sequenceOf({ rows, saw }: ReplayReads): ReadSequence {
  return {
    rows,
    saw: (kind, from, to) => ({
      epochs: saw[kind].epochs.subarray(from, to),
      seqs: saw[kind].seqs.subarray(from, to),
    }),
  };
}

/** What was recorded. */
export interface ReplayRecords {
  readonly payments: ReplayPayments;
  readonly labels: ReplayLabels;
  readonly epochs: readonly EpochOpening[];
}

/** Everything that a recomputation reads. */
export interface ReplayInput extends ReplayRecords {
  readonly reads: ReplayReads;
}

/** Room for the numbers of `count` rows, none yet. */
export function numberColumns(count: number): NumberColumns {
  return { epochs: new Float64Array(count), seqs: new Float64Array(count) };
}
