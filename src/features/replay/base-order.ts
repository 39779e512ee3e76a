import { byKind, ENTITY_KINDS, type EntityKind } from '../../domain/entity-keys.ts';
import { EVENT } from '../../domain/recorded-event.ts';
import { epochOfEvent, numberEntities } from './replay-groups.ts';
import type { NumberColumns, PlaceColumns, ReplayLabels, ReplayPayments } from './replay-input.ts';
import { EPOCH_STEP } from './replay-items.ts';

/** Payments' columns that an order needs. */
export type OrderedPayments = Pick<ReplayPayments, 'count' | 'keys' | 'isEvent' | 'numbers' | 'places'> & {
  /** Where several servers corrected payments: numbers say nothing of two rows of a payment that share no entity. */
  readonly turns?: PaymentTurns;
};

/** The order of what happened to some payments, by row. */
export interface PaymentTurns {
  /** Payments are counted from 0; −1 is a payment whose rows have the order of their entities. */
  readonly payments: Int32Array;
  readonly count: number;
  /** From 1. */
  readonly turns: Float64Array;
}

/** Labels' columns that an order needs. */
export type OrderedLabels = Pick<ReplayLabels, 'count' | 'payees' | 'numbers' | 'places'>;

/**
 * An order in which recorded events can be fed to one store, so that each of its entities takes
 * them in the order of its numbers; events without a number come last, by known time, journal and
 * position. Rows of payments are themselves, rows of labels −1 − row; second sides and labels of
 * unknown payees are left out.
 *
 * With one writer the order of (epoch, known time, journal, position) is such an order, and it is
 * only looked at. With several it need not be: then each event is put behind those that come before
 * it in any of its entities. Where the numbers of one epoch were given by scripts that ran one after
 * another, there is no circle; where a Cluster gave them there may be, and {@link kindOrders} says so.
 */
export function baseOrder(payments: OrderedPayments, labels: OrderedLabels): Int32Array {
  const keys = itemKeys(payments, labels);
  const items = initialOrder(payments, labels, keys.epochOf);
  return isInOrder(items, keys) ? items : putInOrder(items, keys);
}

/**
 * The order in which each kind of entity takes events, where no one order of whole events is right for all: in a Cluster
 * of two payments between two accounts either may be the first of one account. An event that has no number in an entity
 * comes after all that have, by known time, journal and position, as replay has it.
 *
 * @param order of {@link baseOrder}.
 * @returns null where that order is right for every kind.
 */
export function kindOrders(
  payments: OrderedPayments,
  labels: OrderedLabels,
  order: Int32Array,
): Readonly<Record<EntityKind, Int32Array>> | null {
  const keys = itemKeys(payments, labels);
  if (isInOrder(order, keys) && !order.some((item) => isPartlyNumbered(item, keys))) return null;
  const compareUnnumbered = byPlace(payments, labels);
  return byKind((kind) => {
    const of = keys.kinds[ENTITY_KINDS.indexOf(kind)] as KindKeys;
    const keyOf = (item: number): number => (of.entityOf(item) < 0 ? Infinity : of.keyOf(item));
    return order
      .filter((item) => of.touches(item))
      .sort((a, b) => {
        const [left, right] = [keyOf(a), keyOf(b)];
        return left === right ? compareUnnumbered(a, b) : left - right;
      });
  });
}

function isPartlyNumbered(item: number, { kinds }: ItemKeys): boolean {
  let hasNumber = false;
  let lacksNumber = false;
  for (const kind of kinds) {
    if (!kind.touches(item)) continue;
    if (kind.entityOf(item) < 0) lacksNumber = true;
    else hasNumber = true;
  }
  return hasNumber && lacksNumber;
}

/** What each item is to each kind of entity. */
interface ItemKeys {
  readonly kinds: readonly KindKeys[];
  /** Epoch of an item; Infinity where it has no number. */
  epochOf(item: number): number;
}

interface KindKeys {
  readonly entityCount: number;
  /** Whether the item happens to an entity of the kind; a turn is none of an entity. */
  touches(item: number): boolean;
  /** The item's entity; −1 where it has none, or no number in it. */
  entityOf(item: number): number;
  /** (epoch, seq) as one number. */
  keyOf(item: number): number;
}

function itemKeys(payments: OrderedPayments, labels: OrderedLabels): ItemKeys {
  const { entities, counts, labelPayees } = numberEntities(payments.keys, labels.payees);
  const numbered = ({ epochs, seqs }: NumberColumns, row: number): number =>
    (epochs[row] as number) * EPOCH_STEP + (seqs[row] as number);
  const early = byKind((kind) => earlyKeys(payments, (row) => numbered(payments.numbers[kind], row)));
  const kinds = ENTITY_KINDS.map(
    (kind): KindKeys => ({
      entityCount: counts[kind],
      touches: (item) => (item < 0 ? kind === 'payee' : (entities[kind][item] as number) >= 0),
      entityOf(item) {
        if (item < 0) {
          const row = -1 - item;
          return kind === 'payee' && labels.numbers.epochs[row] !== 0 ? (labelPayees[row] as number) : -1;
        }
        const isNumbered = payments.numbers[kind].epochs[item] !== 0 || early[kind].has(item);
        return isNumbered ? (entities[kind][item] as number) : -1;
      },
      keyOf(item) {
        if (item < 0) return numbered(labels.numbers, -1 - item);
        return early[kind].get(item) ?? numbered(payments.numbers[kind], item);
      },
    }),
  );
  return {
    kinds: payments.turns === undefined ? kinds : [...kinds, turnKeys(payments.turns)],
    epochOf(item) {
      if (item < 0) return labels.numbers.epochs[-1 - item] || Infinity;
      return epochOfEvent(payments.numbers, item);
    },
  };
}

/**
 * Keys of events without a number that were retracted: right before the retraction, as replay has it, which is the first
 * of its payment.
 *
 * @param numbered the key of a row; 0 where it has no number.
 */
function earlyKeys(
  { count, isEvent, turns }: OrderedPayments,
  numbered: (row: number) => number,
): ReadonlyMap<number, number> {
  const keys = new Map<number, number>();
  if (turns === undefined) return keys;
  const retracted = new Map<number, number>();
  for (let row = 0; row < count; row += 1) {
    const payment = turns.payments[row] as number;
    if (payment < 0 || isEvent[row] !== EVENT.retraction) continue;
    const first = retracted.get(payment);
    if (first === undefined || (turns.turns[row] as number) < (turns.turns[first] as number))
      retracted.set(payment, row);
  }
  for (let row = 0; row < count; row += 1) {
    const retraction = retracted.get(turns.payments[row] as number);
    if (retraction === undefined || turns.turns[row] !== 1 || numbered(row) !== 0) continue;
    if (numbered(retraction) !== 0) keys.set(row, numbered(retraction) - 0.5);
  }
  return keys;
}

/** Payments as if each were an entity whose numbers are their turns. */
function turnKeys({ payments, count, turns }: PaymentTurns): KindKeys {
  return {
    entityCount: count,
    touches: () => false,
    entityOf: (item) => (item < 0 ? -1 : (payments[item] as number)),
    keyOf: (item) => turns[item] as number,
  };
}

type Compare = (a: number, b: number) => number;

/** By known time, journal and position. */
function byPlace(payments: OrderedPayments, labels: OrderedLabels): Compare {
  const placeOf = (item: number): [PlaceColumns, number] =>
    item < 0 ? [labels.places, -1 - item] : [payments.places, item];
  return (a, b) => {
    const [placeA, rowA] = placeOf(a);
    const [placeB, rowB] = placeOf(b);
    const byTime = (placeA.knownTimes[rowA] as number) - (placeB.knownTimes[rowB] as number);
    if (byTime !== 0) return byTime;
    const [journalA, journalB] = [placeA.journals.at(rowA) ?? '', placeB.journals.at(rowB) ?? ''];
    if (journalA !== journalB) return journalA < journalB ? -1 : 1;
    return (placeA.positions[rowA] as number) - (placeB.positions[rowB] as number);
  };
}

function initialOrder(payments: OrderedPayments, labels: OrderedLabels, epochOf: (item: number) => number): Int32Array {
  const comparePlaces = byPlace(payments, labels);
  const compare = (a: number, b: number): number => {
    const [left, right] = [epochOf(a), epochOf(b)];
    return left === right ? comparePlaces(a, b) : left - right;
  };
  const paid: number[] = [];
  for (let row = 0; row < payments.count; row += 1) if (payments.isEvent[row] !== EVENT.none) paid.push(row);
  const labelled: number[] = [];
  for (let row = 0; row < labels.count; row += 1) if (labels.payees.at(row) !== null) labelled.push(-1 - row);
  return merged(inOrder(paid, compare), inOrder(labelled, compare), compare);
}

/** Silver is in the journal's order: nearly always nothing is sorted, which of 1 M payments saves 3 s. */
function inOrder(items: number[], compare: (a: number, b: number) => number): number[] {
  const sorted = items.every((item, at) => at === 0 || compare(items[at - 1] as number, item) <= 0);
  return sorted ? items : items.sort(compare);
}

function merged(a: readonly number[], b: readonly number[], compare: (a: number, b: number) => number): Int32Array {
  const items = new Int32Array(a.length + b.length);
  let fromB = 0;
  for (const [fromA, item] of a.entries()) {
    while (fromB < b.length && compare(b[fromB] as number, item) < 0) {
      items[fromA + fromB] = b[fromB] as number;
      fromB += 1;
    }
    items[fromA + fromB] = item;
  }
  for (; fromB < b.length; fromB += 1) items[a.length + fromB] = b[fromB] as number;
  return items;
}

function isInOrder(items: Int32Array, { kinds }: ItemKeys): boolean {
  return kinds.every(({ entityCount, entityOf, keyOf }) => {
    const last = new Float64Array(entityCount);
    for (const item of items) {
      const entity = entityOf(item);
      if (entity < 0) continue;
      const key = keyOf(item);
      if (key < (last[entity] as number)) return false;
      last[entity] = key;
    }
    return true;
  });
}

function putInOrder(items: Int32Array, { kinds }: ItemKeys): Int32Array {
  const placeOf = new Map<number, number>();
  for (const [place, item] of items.entries()) placeOf.set(item, place);
  const before = kinds.map((kind) => predecessors(items, kind, placeOf));
  const ordered: number[] = [];
  /** 0 not seen, 1 waits for those before it, 2 done. */
  const state = new Uint8Array(items.length);
  const stack: number[] = [];
  for (let start = 0; start < items.length; start += 1) {
    stack.push(start);
    while (stack.length > 0) {
      const place = stack[stack.length - 1] as number;
      if (state[place] === 0) {
        state[place] = 1;
        for (const of of before) {
          const earlier = of[place] as number;
          if (earlier >= 0 && state[earlier] === 0) stack.push(earlier);
        }
        continue;
      }
      stack.pop();
      if (state[place] === 2) continue;
      state[place] = 2;
      ordered.push(items[place] as number);
    }
  }
  return Int32Array.from(ordered);
}

/** The place of the item that comes right before each in its entity; −1 where none does. */
function predecessors(items: Int32Array, kind: KindKeys, placeOf: ReadonlyMap<number, number>): Int32Array {
  const before = new Int32Array(items.length).fill(-1);
  const sorted = items
    .filter((item) => kind.entityOf(item) >= 0)
    .sort((a, b) => kind.entityOf(a) - kind.entityOf(b) || kind.keyOf(a) - kind.keyOf(b));
  for (let at = 1; at < sorted.length; at += 1) {
    const [earlier, item] = [sorted[at - 1] as number, sorted[at] as number];
    if (kind.entityOf(earlier) !== kind.entityOf(item)) continue;
    before[placeOf.get(item) ?? 0] = placeOf.get(earlier) ?? -1;
  }
  return before;
}
