import { EVENT } from '../../domain/recorded-event.ts';
import { epochOfEvent } from './replay-groups.ts';
import type { ReplayPayments } from './replay-input.ts';
import type { ReplayMemory } from './replay-memory.ts';

/** In `eventOf`: the payment has several events. */
export const SEVERAL = -2;

/** Which row is the event of a payment, for its other rows and for itself: a decision that a repeat made sees its own event. */
export interface OtherEvents {
  /** Row of the payment's one event, by row; −1 where there is none; or {@link SEVERAL}. */
  readonly eventOf: Int32Array;
  /** Rows of a payment's events by its token, where it has several (a store had lost the first, or it was replaced), in their order. */
  readonly eventsOf: ReadonlyMap<number, readonly number[]>;
  /** For a first event whose payment has several: those that come before it in a base. */
  readonly earlierEvents: ReadonlyMap<number, readonly number[]>;
  /** Rows that are retractions; few. */
  readonly retractions: ReadonlySet<number>;
}

/** Finds the events of payments. @param tokenAt token of a row's endToEndId. */
export function otherEvents(
  payments: ReplayPayments,
  tokenAt: (row: number) => number,
  memory: ReplayMemory,
): OtherEvents {
  const eventsOf = new Map<number, number[]>();
  const eventOf = memory.integers(payments.count).fill(-1);
  for (const token of tokensWithTwoEvents(payments, tokenAt)) eventsOf.set(token, []);
  // An event is found without looking; only payments with another row are held in a map.
  const single = new Map<number, number>();
  const retractions = new Set<number>();
  for (let row = 0; row < payments.count; row += 1) {
    if (!isEventOf(payments, row)) single.set(tokenAt(row), -1);
    if (payments.isEvent[row] === EVENT.retraction) retractions.add(row);
  }
  for (let row = 0; row < payments.count; row += 1) {
    const token = tokenAt(row);
    if (!isEventOf(payments, row)) continue;
    eventsOf.get(token)?.push(row);
    if (single.has(token)) single.set(token, row);
  }
  for (let row = 0; row < payments.count; row += 1) {
    const token = tokenAt(row);
    if (eventsOf.has(token)) eventOf[row] = SEVERAL;
    else eventOf[row] = isEventOf(payments, row) ? row : (single.get(token) ?? -1);
  }
  const earlierEvents = new Map<number, readonly number[]>();
  for (const rows of eventsOf.values()) {
    rows.sort((a, b) => compareEvents(payments, a, b));
    // A replacement counts whatever came before it.
    const first = rows.filter((row) => payments.isEvent[row] === EVENT.first);
    for (const [at, row] of first.entries()) if (at > 0) earlierEvents.set(row, first.slice(0, at));
  }
  return { eventOf, eventsOf, earlierEvents, retractions };
}

function isEventOf({ isEvent }: ReplayPayments, row: number): boolean {
  return isEvent[row] === EVENT.first || isEvent[row] === EVENT.replacement;
}

/** They are rare: a store had lost the first, or it was replaced. Found by a table of rows at their tokens, 4 to 7 bytes a payment. */
function tokensWithTwoEvents(payments: ReplayPayments, tokenAt: (row: number) => number): number[] {
  const { count } = payments;
  const mask = 2 ** Math.ceil(Math.log2(count * 1.25 + 1)) - 1;
  /** 1 + the row, at the lowest bits of its token or behind; 0 where there is none. */
  const table = new Int32Array(mask + 1);
  const twice: number[] = [];
  for (let row = 0; row < count; row += 1) {
    if (!isEventOf(payments, row)) continue;
    const token = tokenAt(row);
    let at = (token >>> 0) & mask;
    while (table[at] !== 0 && tokenAt((table[at] as number) - 1) !== token) at = (at + 1) & mask;
    if (table[at] === 0) table[at] = row + 1;
    else twice.push(token);
  }
  return twice;
}

/** By epoch, those without one last; then by known time, journal, position. */
function compareEvents({ numbers, places }: ReplayPayments, a: number, b: number): number {
  const [left, right] = [epochOfEvent(numbers, a), epochOfEvent(numbers, b)];
  if (left !== right) return left - right;
  if (places.knownTimes[a] !== places.knownTimes[b]) {
    return (places.knownTimes[a] as number) - (places.knownTimes[b] as number);
  }
  const [journalA, journalB] = [places.journals.at(a) ?? '', places.journals.at(b) ?? ''];
  if (journalA !== journalB) return journalA < journalB ? -1 : 1;
  return (places.positions[a] as number) - (places.positions[b] as number);
}
