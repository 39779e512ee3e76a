import { ENTITY_KINDS, type EntityKind } from '../../domain/entity-keys.ts';
import { EVENT } from '../../domain/recorded-event.ts';
import {
  type BaseKeys,
  baseKeys,
  type OrderedLabels,
  type OrderedPayments,
  PartlyNumbered,
  type PlacedKeys,
} from './base-keys.ts';
import { epochOfEvent } from './replay-groups.ts';
import type { PlaceColumns } from './replay-input.ts';

/**
 * Orders in which recorded events can be fed to one store, so that each of its entities takes them in the order of its
 * numbers. Rows of payments are themselves, rows of labels −1 − row; second sides and labels of unknown payees are left
 * out.
 */
export interface BaseOrder {
  /**
   * Events without a number come last, by known time, journal and position. Rows of one payment always are in the order of
   * their turns.
   */
  readonly whole: Int32Array;
  /**
   * Null where the order of whole events is right for every kind of entity. It is not in a Cluster, where of two payments
   * between two accounts either may be the first of one account, nor where an event has a number in one of its entities
   * only: it comes after all that have one, as replay has it.
   */
  readonly kinds: Readonly<Record<EntityKind, Int32Array>> | null;
}

/**
 * Puts recorded events in order, in steps of a second or less a million events, between which other work has its turn.
 *
 * With one writer (epoch, known time, journal, position) is such an order, and it is only looked at. With several it need
 * not be: then each event is put behind those that come before it in any of its entities. Where the numbers of one epoch
 * were given by scripts that ran one after another, there is no circle; where a Cluster gave them there may be, and each
 * kind of entity has an order of its own.
 *
 * Of 1 M payments through two servers whose clocks differ by 15 ms it takes 14 s on a busy machine, where sorts of all
 * took 64: an entity's events are brought together by counting, and are nearly always in order then.
 */
export function* baseOrder(payments: OrderedPayments, labels: OrderedLabels): Generator<void, BaseOrder> {
  const keys = yield* baseKeys(payments, labels);
  const items = initialOrder(payments, labels);
  yield;
  const isOrdered = yield* isInOrder(items, keys);
  const ordered = isOrdered ? items : yield* inOrderOfEach(items, keys);
  const isOneOrder = isOrdered || (yield* isInOrder(ordered, keys));
  const isRightForAll = isOneOrder && !(yield* isAnyPartlyNumbered(ordered, keys));
  if (isRightForAll) return { whole: ordered, kinds: null };
  const whole = isOneOrder ? ordered : inTurns(ordered, keys);
  const compareUnnumbered = byPlace(payments, labels);
  const kinds: Partial<Record<EntityKind, Int32Array>> = {};
  for (const kind of ENTITY_KINDS) {
    const of = keys.of(kind, whole);
    kinds[kind] = grouped(of, (a, b) => compareUnnumbered(whole[a] as number, whole[b] as number)).map(
      (place) => whole[place] as number,
    );
    yield;
  }
  return { whole, kinds: kinds as Record<EntityKind, Int32Array> };
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

function initialOrder(payments: OrderedPayments, labels: OrderedLabels): Int32Array {
  const comparePlaces = byPlace(payments, labels);
  const epochOf = (item: number): number =>
    item < 0 ? labels.numbers.epochs[-1 - item] || Infinity : epochOfEvent(payments.numbers, item);
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
function inOrder(items: number[], compare: Compare): number[] {
  const sorted = items.every((item, at) => at === 0 || compare(items[at - 1] as number, item) <= 0);
  return sorted ? items : items.sort(compare);
}

function merged(a: readonly number[], b: readonly number[], compare: Compare): Int32Array {
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

/** What items are to each kind of entity, one after the other; turns are as a kind of their own. */
function* eachKind(items: Int32Array, keys: BaseKeys): Generator<PlacedKeys> {
  for (const kind of ENTITY_KINDS) yield keys.of(kind, items);
  const turns = keys.turnsOf(items);
  if (turns !== undefined) yield turns;
}

function* isInOrder(items: Int32Array, keys: BaseKeys): Generator<void, boolean> {
  for (const of of eachKind(items, keys)) {
    if (!isKindInOrder(of)) return false;
    yield;
  }
  return true;
}

function isKindInOrder({ entities, entityCount, keys }: PlacedKeys): boolean {
  const last = new Float64Array(entityCount);
  for (let place = 0; place < entities.length; place += 1) {
    const [entity, key] = [entities[place] as number, keys[place] as number];
    if (entity < 0 || key === 0) continue;
    if (key < (last[entity] as number)) return false;
    last[entity] = key;
  }
  return true;
}

function* isAnyPartlyNumbered(items: Int32Array, keys: BaseKeys): Generator<void, boolean> {
  const partly = new PartlyNumbered(items.length);
  for (const kind of ENTITY_KINDS) {
    partly.add(keys.of(kind, items));
    yield;
  }
  return partly.isAny;
}

/** Puts each item behind those that come before it in any of its entities, where there is no circle. */
function* inOrderOfEach(items: Int32Array, keys: BaseKeys): Generator<void, Int32Array> {
  const before: Int32Array[] = [];
  for (const of of eachKind(items, keys)) {
    before.push(predecessors(of));
    yield;
  }
  const ordered = new Int32Array(items.length);
  let count = 0;
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
      ordered[count] = items[place] as number;
      count += 1;
    }
  }
  return ordered;
}

/** Gives the rows of each corrected payment the order of their turns, in the places that they have: a circle of entities may have left them in another. */
function inTurns(items: Int32Array, keys: BaseKeys): Int32Array {
  const of = keys.turnsOf(items);
  if (of === undefined) return items;
  const ordered = items.slice();
  const places = grouped(of, () => 0);
  for (let start = 0; start < places.length; ) {
    let end = start + 1;
    while (end < places.length && of.entities[places[end] as number] === of.entities[places[start] as number]) end += 1;
    const rows = places.subarray(start, end);
    for (const [turn, place] of rows.slice().sort().entries()) ordered[place] = items[rows[turn] as number] as number;
    start = end;
  }
  return ordered;
}

/** The place of the item that comes right before each in its entity; −1 where none does. */
function predecessors(of: PlacedKeys): Int32Array {
  const { entities, keys } = of;
  const before = new Int32Array(entities.length).fill(-1);
  const places = grouped(of, () => 0);
  for (let at = 1; at < places.length; at += 1) {
    const [earlier, place] = [places[at - 1] as number, places[at] as number];
    if (entities[earlier] === entities[place] && keys[place] !== 0) before[place] = earlier;
  }
  return before;
}

/**
 * Places entity by entity, each entity's by its numbers, those without one last: by counting, and a sort of those
 * entities only that are not in order yet.
 */
function grouped({ entities, entityCount, keys }: PlacedKeys, compareUnnumbered: Compare): Int32Array {
  const ends = new Int32Array(entityCount + 1);
  for (const entity of entities) if (entity >= 0) ends[entity + 1] = (ends[entity + 1] as number) + 1;
  for (let entity = 1; entity <= entityCount; entity += 1)
    ends[entity] = (ends[entity] as number) + (ends[entity - 1] as number);
  const places = new Int32Array(ends[entityCount] as number);
  for (let place = 0; place < entities.length; place += 1) {
    const entity = entities[place] as number;
    if (entity < 0) continue;
    const at = ends[entity] as number;
    places[at] = place;
    ends[entity] = at + 1;
  }
  const keyOf = (place: number): number => (keys[place] as number) || Infinity;
  const compare = (a: number, b: number): number => {
    const [left, right] = [keyOf(a), keyOf(b)];
    return left === right ? compareUnnumbered(a, b) : left - right;
  };
  let start = 0;
  for (let entity = 0; entity < entityCount; entity += 1) {
    const end = ends[entity] as number;
    let at = start + 1;
    while (at < end && compare(places[at - 1] as number, places[at] as number) <= 0) at += 1;
    if (at < end) places.subarray(start, end).sort(compare);
    start = end;
  }
  return places;
}
