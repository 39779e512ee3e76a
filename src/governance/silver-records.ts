import type { TextColumn } from '../base/text-column.ts';
import {
  byKeyedKind,
  byKind,
  ENTITY_KINDS,
  type EntityKind,
  KEY_COLUMNS,
  type KeyedKind,
} from '../domain/entity-keys.ts';
import { LABEL_STATES, type LabelState } from '../domain/label.ts';
import type { PaymentRow } from '../domain/payment-row.ts';
import type { Snapshot } from '../storage/scan/snapshot.ts';
import { type ColumnRead, type EntityNumberColumns, type LakeColumns, lakeColumns } from './lake-columns.ts';
import { paymentColumnsFor, paymentReader } from './payment-reader.ts';

/*
 * What silver recorded, in the columns that a replay and a rebuild of online state read: one way of
 * reading for both, so that they cannot differ.
 */

/** Where records were written, by row. */
export interface RecordedPlaces {
  readonly journals: TextColumn<string>;
  readonly positions: Float64Array;
  readonly knownTimes: Float64Array;
}

/** Payments, one row a side. Times are microseconds, amounts centavos. */
export interface RecordedPayments {
  readonly count: number;
  readonly ids: TextColumn<string>;
  readonly times: Float64Array;
  readonly keys: Readonly<Record<KeyedKind, TextColumn>>;
  /** 1 where the row is its payment's event, 2 where it takes the event back, 3 where it is the event in its place. */
  readonly isEvent: Uint8Array;
  readonly numbers: Readonly<Record<EntityKind, EntityNumberColumns>>;
  readonly places: RecordedPlaces;
  /** The payment of a row, with the columns that were asked for; the object is the same for every call. */
  readonly row: (row: number) => PaymentRow;
}

/** Labels, by row. */
export interface RecordedLabels {
  readonly count: number;
  readonly ids: TextColumn<string>;
  /** Indexes in LABEL_STATES. */
  readonly states: Uint8Array;
  readonly times: Float64Array;
  readonly payees: TextColumn;
  readonly numbers: EntityNumberColumns;
  readonly places: RecordedPlaces;
}

const RECORD_COLUMNS: readonly string[] = [
  'is_event',
  'known_time',
  'journal_id',
  'journal_position',
  ...Object.values(KEY_COLUMNS),
  ...ENTITY_KINDS.flatMap((kind) => [`${kind}_epoch`, `${kind}_seq`]),
];

/** Columns of silver.transactions that {@link recordedPayments} takes. @param columns of the payment that its rows are to have. */
export function paymentRecordColumns(columns: readonly string[]): readonly string[] {
  return [...new Set([...paymentColumnsFor(columns), ...RECORD_COLUMNS])];
}

/** The payments of silver.transactions, and what corrections made of them where that was read with it, read with {@link paymentRecordColumns}. */
export function recordedPayments(columns: LakeColumns, wanted: readonly string[]): RecordedPayments {
  return {
    count: columns.count,
    ids: columns.requiredTexts('end_to_end_id'),
    times: columns.numbers('event_time'),
    keys: byKeyedKind((kind) => columns.texts(KEY_COLUMNS[kind])),
    isEvent: columns.flags('is_event'),
    numbers: byKind((kind) => columns.entityNumbers(kind)),
    places: placesOf(columns),
    row: paymentReader(columns, wanted),
  };
}

const LABEL_COLUMNS: readonly string[] = [
  'end_to_end_id',
  'state',
  'event_time',
  'known_time',
  'payee_account',
  'payee_epoch',
  'payee_seq',
  'journal_id',
  'journal_position',
];

/** The labels of a snapshot of silver.labels. @param read which of them; all unless told. */
export async function recordedLabels(snapshot: Snapshot, read?: ColumnRead): Promise<RecordedLabels> {
  const columns = await lakeColumns(snapshot, LABEL_COLUMNS, read);
  return {
    count: columns.count,
    ids: columns.requiredTexts('end_to_end_id'),
    states: Uint8Array.from(columns.requiredTexts('state'), (state) => LABEL_STATES.indexOf(state as LabelState)),
    times: columns.numbers('event_time'),
    payees: columns.texts('payee_account'),
    numbers: columns.entityNumbers('payee'),
    places: placesOf(columns),
  };
}

function placesOf(columns: LakeColumns): RecordedPlaces {
  return {
    journals: columns.requiredTexts('journal_id'),
    positions: columns.numbers('journal_position'),
    knownTimes: columns.numbers('known_time'),
  };
}
