import type { TextCodes } from '../../base/coded-texts.ts';
import { byKind, ENTITY_KINDS, type EntityKind } from '../../domain/entity-keys.ts';
import { EVENT } from '../../domain/recorded-event.ts';
import { numberEntities, numberPairs } from './replay-groups.ts';
import type { NumberColumns, ReplayLabels, ReplayPayments } from './replay-input.ts';
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

/** What items in some order are to one kind of entity, by their places in that order. */
export interface PlacedKeys {
  /** −1 where the item has none. */
  readonly entities: Int32Array;
  readonly entityCount: number;
  /** (epoch, seq) as one number, which is above 0; 0 where the item has no number. */
  readonly keys: Float64Array;
}

/** What items are to entities. Rows of payments are themselves, rows of labels −1 − row. */
export interface BaseKeys {
  /** @returns by place in the items given; 12 bytes an item, computed anew by each call. */
  of(kind: EntityKind, items: Int32Array): PlacedKeys;
  /** Payments as if each were an entity, whose numbers are their turns; undefined where none has turns. */
  turnsOf(items: Int32Array): PlacedKeys | undefined;
}

/** Looks entities' numbers up, kind by kind: half a second each where there are 1 M payments. */
export function* baseKeys(payments: OrderedPayments, labels: OrderedLabels): Generator<void, BaseKeys> {
  const kinds: Partial<Record<EntityKind, Rows>> = {};
  for (const kind of ENTITY_KINDS) {
    if (kind === 'pair') continue;
    const { entities, counts, labelPayees } = numberEntities(
      payments.keys,
      kind === 'payee' ? labels.payees : NO_TEXTS,
      [kind],
    );
    kinds[kind] = { payments: entities[kind], labels: labelPayees, count: counts[kind] };
    yield;
  }
  const { numbers, count } = numberPairs(kinds.payer?.payments ?? NO_ROWS, kinds.payee?.payments ?? NO_ROWS);
  kinds.pair = { payments: numbers, labels: NO_ROWS, count };
  yield;
  return placedKeys(payments, labels, kinds as Record<EntityKind, Rows>);
}

/** Entities of rows of both, numbered. */
interface Rows {
  readonly payments: TextCodes;
  readonly labels: TextCodes;
  readonly count: number;
}

const NO_TEXTS: string[] = [];
const NO_ROWS = new Int32Array(0);

function placedKeys(
  payments: OrderedPayments,
  labels: OrderedLabels,
  kinds: Readonly<Record<EntityKind, Rows>>,
): BaseKeys {
  const early = byKind((kind) => earlyKeys(payments, (row) => numbered(payments.numbers[kind], row)));
  const { turns } = payments;
  return {
    of(kind, items) {
      const [rows, numbers, earlier] = [kinds[kind], payments.numbers[kind], early[kind]];
      return placed(items, rows.count, {
        entityOfPayment: (row) => rows.payments[row] as number,
        keyOfPayment: (row) => earlier.get(row) ?? numbered(numbers, row),
        entityOfLabel: (row) => rows.labels[row] ?? -1,
        keyOfLabel: (row) => numbered(labels.numbers, row),
      });
    },
    turnsOf(items) {
      if (turns === undefined) return undefined;
      return placed(items, turns.count, {
        entityOfPayment: (row) => turns.payments[row] as number,
        keyOfPayment: (row) => turns.turns[row] as number,
        entityOfLabel: () => -1,
        keyOfLabel: () => 0,
      });
    },
  };
}

type OfRow = (row: number) => number;

interface KeyedRows {
  readonly entityOfPayment: OfRow;
  readonly keyOfPayment: OfRow;
  readonly entityOfLabel: OfRow;
  readonly keyOfLabel: OfRow;
}

function placed(
  items: Int32Array,
  entityCount: number,
  { entityOfPayment, keyOfPayment, entityOfLabel, keyOfLabel }: KeyedRows,
): PlacedKeys {
  const entities = new Int32Array(items.length);
  const keys = new Float64Array(items.length);
  for (let place = 0; place < items.length; place += 1) {
    const item = items[place] as number;
    const entity = item < 0 ? entityOfLabel(-1 - item) : entityOfPayment(item);
    entities[place] = entity;
    if (entity >= 0) keys[place] = item < 0 ? keyOfLabel(-1 - item) : keyOfPayment(item);
  }
  return { entities, entityCount, keys };
}

function numbered({ epochs, seqs }: NumberColumns, row: number): number {
  return (epochs[row] as number) * EPOCH_STEP + (seqs[row] as number);
}

/**
 * Keys of events without a number that were retracted: right before the retraction, as replay has it, which is the first
 * of its payment.
 *
 * @param keyOf the key of a row; 0 where it has no number.
 */
function earlyKeys({ count, isEvent, turns }: OrderedPayments, keyOf: OfRow): ReadonlyMap<number, number> {
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
    if (retraction === undefined || turns.turns[row] !== 1 || keyOf(row) !== 0) continue;
    if (keyOf(retraction) !== 0) keys.set(row, keyOf(retraction) - 0.5);
  }
  return keys;
}

/** Which of some items have a number in one of their entities and lack it in another. */
export class PartlyNumbered {
  readonly #seen: Uint8Array;

  constructor(count: number) {
    this.#seen = new Uint8Array(count);
  }

  /** Takes what items are to one kind of entity. */
  add({ entities, keys }: PlacedKeys): void {
    const seen = this.#seen;
    for (let place = 0; place < seen.length; place += 1) {
      if ((entities[place] as number) < 0) continue;
      seen[place] = (seen[place] as number) | (keys[place] === 0 ? LACKS_NUMBER : HAS_NUMBER);
    }
  }

  get isAny(): boolean {
    return this.#seen.includes(HAS_NUMBER | LACKS_NUMBER);
  }
}

const HAS_NUMBER = 1;
const LACKS_NUMBER = 2;
