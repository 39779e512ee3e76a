import { LABEL_STATES, type LabelState } from '../domain/label.ts';
import type { Snapshot } from '../storage/scan/snapshot.ts';
import { type EntityNumberColumns, type LakeColumns, lakeColumns } from './lake-columns.ts';

/*
 * What silver recorded, in the columns that a replay and a rebuild of online state read: one way of
 * reading for both, so that they cannot differ.
 */

/** Where records were written, by row. */
export interface RecordedPlaces {
  readonly journals: readonly string[];
  readonly positions: Float64Array;
  readonly knownTimes: Float64Array;
}

/** Payments, one row a side. Times are microseconds, amounts centavos. */
export interface RecordedPayments {
  readonly count: number;
  readonly ids: readonly string[];
  readonly times: Float64Array;
  readonly amounts: Float64Array;
  readonly payers: readonly (string | null)[];
  readonly payees: readonly (string | null)[];
  /** 1 where the row is its payment's event. */
  readonly isEvent: Uint8Array;
  readonly numbers: Readonly<Record<'payer' | 'payee' | 'pair', EntityNumberColumns>>;
  readonly places: RecordedPlaces;
}

/** Labels, by row. */
export interface RecordedLabels {
  readonly count: number;
  readonly ids: readonly string[];
  /** Indexes in LABEL_STATES. */
  readonly states: Uint8Array;
  readonly times: Float64Array;
  readonly payees: readonly (string | null)[];
  readonly numbers: EntityNumberColumns;
  readonly places: RecordedPlaces;
}

/** Columns of silver.transactions that {@link recordedPayments} takes. */
export const PAYMENT_RECORD_COLUMNS: readonly string[] = [
  'end_to_end_id',
  'event_time',
  'amount_centavos',
  'payer_account',
  'payee_account',
  'is_event',
  'known_time',
  'journal_id',
  'journal_position',
  'payer_epoch',
  'payer_seq',
  'payee_epoch',
  'payee_seq',
  'pair_epoch',
  'pair_seq',
];

/** The payments of silver.transactions. */
export function recordedPayments(columns: LakeColumns): RecordedPayments {
  return {
    count: columns.count,
    ids: columns.requiredTexts('end_to_end_id'),
    times: columns.numbers('event_time'),
    amounts: columns.numbers('amount_centavos'),
    payers: columns.texts('payer_account'),
    payees: columns.texts('payee_account'),
    isEvent: columns.flags('is_event'),
    numbers: {
      payer: columns.entityNumbers('payer'),
      payee: columns.entityNumbers('payee'),
      pair: columns.entityNumbers('pair'),
    },
    places: placesOf(columns),
  };
}

/** The labels of a snapshot of silver.labels. */
export async function recordedLabels(snapshot: Snapshot): Promise<RecordedLabels> {
  const columns = await lakeColumns(snapshot, [
    'end_to_end_id',
    'state',
    'event_time',
    'known_time',
    'payee_account',
    'payee_epoch',
    'payee_seq',
    'journal_id',
    'journal_position',
  ]);
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
