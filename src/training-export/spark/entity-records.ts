import { AppError } from '../../base/errors.ts';
import { byKeyedKind, byKind, type EntityKind } from '../../domain/entity-keys.ts';
import { LABEL_STATES, type LabelState } from '../../domain/label.ts';
import type { PaymentRow } from '../../domain/payment-row.ts';
import type { EpochOpening } from '../../features/replay/epoch-book.ts';
import {
  type NumberColumns,
  numberColumns,
  type PlaceColumns,
  type ReplayInput,
  type ReplayLabels,
} from '../../features/replay/replay-input.ts';
import type { SparkRows } from './spark-rows.ts';

/**
 * What a row of the first stage is: a side of a payment, a label, or an event of another entity that counts before one
 * of this entity, since it is of the same payment.
 */
export const RECORD = { payment: 0, label: 1, otherEvent: 2 } as const;

/** Entities of one kind with all that was recorded of them, and the payments whose values are asked for. */
export interface EntityRecords {
  readonly input: ReplayInput;
  /** Place of each read among the payments of `input` and its row in what was sent. */
  readonly readRows: Int32Array;
}

/**
 * Takes rows of entities of one kind as a replay takes them.
 *
 * @param paymentOf gives the payment of a row. @throws AppError `table_corrupt` where a text is null that must not be.
 */
export function entityRecords(
  kind: EntityKind,
  rows: SparkRows,
  epochs: readonly EpochOpening[],
  paymentOf: (row: number) => PaymentRow,
): EntityRecords {
  const records = rows.numbers('record');
  const isRead = rows.numbers('is_read');
  const paid = withoutTwins(
    rows,
    indexesWhere(rows.count, (row) => records[row] !== RECORD.label),
  );
  const labels = indexesWhere(rows.count, (row) => records[row] === RECORD.label);
  const isOther = (row: number): boolean => records[row] === RECORD.otherEvent;
  const entities = picked(rows.texts('entity'), paid).map((entity, at) =>
    isOther(paid[at] as number) ? null : entity,
  );
  const none = new Array<null>(paid.length).fill(null);
  const isKey = (other: EntityKind): boolean =>
    other === kind || (kind === 'pair' && (other === 'payer' || other === 'payee'));
  const reads = indexesWhere(paid.length, (at) => isRead[paid[at] as number] === 1);
  const readRows = Int32Array.from(reads, (at) => paid[at] as number);
  const saw = byKind(() => numberColumns(reads.length));
  saw[kind].epochs.set(pickedNumbers(rows.numbers('saw_epoch'), readRows));
  saw[kind].seqs.set(pickedNumbers(rows.numbers('saw_seq'), readRows));
  return {
    readRows,
    input: {
      payments: {
        count: paid.length,
        ids: required(rows, 'end_to_end_id', paid),
        times: pickedNumbers(rows.numbers('event_time'), paid),
        // The text of a pair stands for both of its accounts: equal pairs, and only they, have equal ones.
        keys: byKeyedKind((other) => (isKey(other) ? entities : none)),
        isEvent: Uint8Array.from(pickedNumbers(rows.numbers('is_event'), paid)),
        numbers: eventNumbers(kind, rows, paid),
        places: placesOf(rows, paid),
        row: (at) => paymentOf(paid[at] as number),
      },
      labels: labelsOf(rows, labels),
      epochs,
      reads: { rows: reads, saw },
    },
  };
}

/** An event of another entity that is in this batch by itself too, or twice, is there once. */
function withoutTwins(rows: SparkRows, paid: Int32Array): Int32Array {
  const records = rows.numbers('record');
  const others = paid.filter((row) => records[row] === RECORD.otherEvent);
  if (others.length === 0) return paid;
  const ids = rows.texts('end_to_end_id');
  const journals = rows.texts('journal_id');
  const positions = rows.numbers('journal_position');
  const isEvent = rows.numbers('is_event');
  const doubled = new Set(Array.from(others, (row) => ids[row]));
  const nameOf = (row: number): string => `${journals[row]}/${positions[row]}`;
  const seen = new Set<string>();
  for (const row of paid) {
    if (records[row] === RECORD.payment && isEvent[row] === 1 && doubled.has(ids[row])) seen.add(nameOf(row));
  }
  return paid.filter((row) => {
    if (records[row] !== RECORD.otherEvent) return true;
    const name = nameOf(row);
    if (seen.has(name)) return false;
    seen.add(name);
    return true;
  });
}

/**
 * Numbers of the kind; of other kinds, of which nothing is computed here, the epoch of the event stands for all: it says
 * which of a payment's events comes first.
 */
function eventNumbers(kind: EntityKind, rows: SparkRows, paid: Int32Array): Record<EntityKind, NumberColumns> {
  const epochs = pickedNumbers(rows.numbers('event_epoch'), paid);
  const seqs = new Float64Array(paid.length);
  const own = { epochs: pickedNumbers(rows.numbers('epoch'), paid), seqs: pickedNumbers(rows.numbers('seq'), paid) };
  return byKind((other) => (other === kind ? own : { epochs, seqs }));
}

function labelsOf(rows: SparkRows, labels: Int32Array): ReplayLabels {
  return {
    count: labels.length,
    ids: required(rows, 'end_to_end_id', labels),
    states: Uint8Array.from(required(rows, 'state', labels), (state) => LABEL_STATES.indexOf(state as LabelState)),
    times: pickedNumbers(rows.numbers('event_time'), labels),
    payees: picked(rows.texts('entity'), labels),
    numbers: {
      epochs: pickedNumbers(rows.numbers('epoch'), labels),
      seqs: pickedNumbers(rows.numbers('seq'), labels),
    },
    places: placesOf(rows, labels),
  };
}

function placesOf(rows: SparkRows, at: Int32Array): PlaceColumns {
  return {
    journals: required(rows, 'journal_id', at),
    positions: pickedNumbers(rows.numbers('journal_position'), at),
    knownTimes: pickedNumbers(rows.numbers('known_time'), at),
  };
}

function required(rows: SparkRows, name: string, at: Int32Array): string[] {
  return picked(rows.texts(name), at).map((text) => {
    if (text === null) throw new AppError('table_corrupt', `silver has a null in ${name}`, { column: name });
    return text;
  });
}

function indexesWhere(count: number, isWanted: (row: number) => boolean): Int32Array {
  const rows: number[] = [];
  for (let row = 0; row < count; row += 1) if (isWanted(row)) rows.push(row);
  return Int32Array.from(rows);
}

function picked(texts: readonly (string | null)[], rows: Int32Array): (string | null)[] {
  return Array.from(rows, (row) => texts[row] ?? null);
}

function pickedNumbers(numbers: Float64Array, rows: Int32Array): Float64Array {
  return Float64Array.from(rows, (row) => numbers[row] as number);
}
