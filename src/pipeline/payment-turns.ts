import type { NumberArray } from '../base/narrow-numbers.ts';
import { ENTITY_KINDS } from '../domain/entity-keys.ts';
import type { PaymentRow } from '../domain/payment-row.ts';
import { EVENT } from '../domain/recorded-event.ts';
import type { OrderedPayments, PaymentTurns } from '../features/replay/base-keys.ts';

/** Payments as they were recorded, and what corrections made of them, by row. */
export type CountedPayments = OrderedPayments & {
  /** The payment of a row; the object may be the same for every call. */
  readonly row: (row: number) => PaymentRow;
  /** The place of a correction's row among those of its payment, where Redis counted them; NaN elsewhere. */
  readonly revisions: NumberArray;
};

/**
 * The order of the rows of payments that servers on one Redis corrected, and of those that had no number when they were
 * corrected: the event, then what corrections made of it, by the epoch of their numbers and what Redis counted in it.
 * Known times are of clocks that may disagree.
 *
 * @returns undefined where there are none.
 */
export function paymentTurns(payments: CountedPayments): PaymentTurns | undefined {
  const { count, isEvent } = payments;
  const corrected = turnedPayments(payments);
  if (corrected.size === 0) return undefined;
  const rowsOf = new Map<string, number[]>();
  for (let row = 0; row < count; row += 1) {
    if (isEvent[row] === EVENT.none) continue;
    const { end_to_end_id: id } = payments.row(row);
    if (!corrected.has(id)) continue;
    const rows = rowsOf.get(id);
    if (rows === undefined) rowsOf.set(id, [row]);
    else rows.push(row);
  }
  const of = new Int32Array(count).fill(-1);
  const turns = new Float64Array(count);
  for (const [payment, rows] of [...rowsOf.values()].entries()) {
    for (const [turn, row] of rows.sort((a, b) => compareTurns(payments, a, b)).entries()) {
      of[row] = payment;
      turns[row] = turn + 1;
    }
  }
  return { payments: of, count: rowsOf.size, turns };
}

/** Payments that Redis counted corrections of, and those that an outage left without a number before any store retracted them. */
function turnedPayments(payments: CountedPayments): ReadonlySet<string> {
  const { count, isEvent, revisions } = payments;
  const turned = new Set<string>();
  const retracted = new Set<string>();
  for (let row = 0; row < count; row += 1) {
    if (isEvent[row] === EVENT.none) continue;
    if ((revisions[row] as number) >= 0) turned.add(payments.row(row).end_to_end_id);
    else if (isEvent[row] === EVENT.retraction) retracted.add(payments.row(row).end_to_end_id);
  }
  for (let row = 0; retracted.size > 0 && row < count; row += 1) {
    if (isEvent[row] !== EVENT.first || epochAt(payments, row) !== 0) continue;
    const { end_to_end_id: id } = payments.row(row);
    if (retracted.has(id)) turned.add(id);
  }
  return turned;
}

/** Orders two rows of one payment as what happened to it. */
export function compareTurns(payments: CountedPayments, a: number, b: number): number {
  const { isEvent, revisions, places } = payments;
  // Of two records that may be the event the one with a number is: the other is a side of which nothing is told yet.
  const part = (row: number): number => {
    if (isEvent[row] !== EVENT.first) return 2;
    return epochAt(payments, row) === 0 ? 1 : 0;
  };
  return (
    part(a) - part(b) ||
    epochAt(payments, a) - epochAt(payments, b) ||
    turnAt(revisions, a) - turnAt(revisions, b) ||
    (places.knownTimes[a] as number) - (places.knownTimes[b] as number) ||
    (places.positions[a] as number) - (places.positions[b] as number) ||
    (isEvent[a] as number) - (isEvent[b] as number)
  );
}

function turnAt(revisions: NumberArray, row: number): number {
  return Number.isNaN(revisions[row]) ? -1 : (revisions[row] as number);
}

function epochAt({ numbers }: CountedPayments, row: number): number {
  for (const kind of ENTITY_KINDS) if (numbers[kind].epochs[row] !== 0) return numbers[kind].epochs[row] as number;
  return 0;
}
