import { AppError } from '../../base/errors.ts';
import { hash128, token53 } from '../../base/hash128.ts';
import { IdTable } from '../../base/id-table.ts';
import { ENTITY_KINDS, type EntityKeys, type EntityKind } from '../../domain/entity-keys.ts';
import { SIDES, type Side } from '../../domain/payment.ts';
import type { ColdLayout } from '../cold/cold-layout.ts';
import { ColdPool } from '../cold/cold-pool.ts';
import type { KindPages } from '../cold/page-store.ts';
import { EntityLists } from '../engine/entity-lists.ts';
import type { KindEvents } from '../engine/event-layout.ts';
import { EventSlab } from '../engine/event-slab.ts';
import { KeyArena } from '../engine/key-arena.ts';
import { LABEL_STRIDE } from '../engine/label-engine.ts';
import { PaymentRing } from '../engine/payment-ring.ts';
import { NO_TILES } from '../engine/tile-layout.ts';
import { hasTiles, TilePool } from '../engine/tile-pool.ts';
import type { UndoLog } from '../engine/undo-log.ts';
import { type KindPlan, labelKeeping } from '../engine/window-plan.ts';
import type { FeatureSet } from '../feature-set.ts';

/** How large an embedded store may become. */
export interface EmbeddedLimits {
  /**
   * Payments known by their ids, and entities of each kind. About 700 bytes of memory for each,
   * taken as they come; addresses for all of them are reserved at the start.
   */
  readonly maxPayments: number;
}

/** 4 M payments: 2.8 GB at most. */
export const DEFAULT_EMBEDDED_LIMITS: EmbeddedLimits = { maxPayments: 4_000_000 };

/** Of what is recorded, each may have named entities of its own; and there is to be room for as much as a quarter more. */
const ROOM_TO_GROW = 1.25;

/** Limits of a store that is to hold what is recorded already. @param recorded payments, corrections and labels. */
export function limitsFor(recorded: number): EmbeddedLimits {
  return { maxPayments: Math.max(DEFAULT_EMBEDDED_LIMITS.maxPayments, Math.ceil(recorded * ROOM_TO_GROW)) };
}

/** MED contests within 80 days and decides by day 91: until then a label may name a payment. */
const KNOWN_FOR_MICROS = 92 * 86_400_000_000;
/** Answers are kept, and requests repeated, for 7 days: a payment that young is never forgotten to make room. */
const NEVER_FORGOTTEN_MICROS = 7 * 86_400_000_000;

/** Codes of what an operation did, in the log of what can be undone. */
const PAYMENT = 1;
const LABEL = 2;
const CORRECTION = 3;

/** The payee's place in ENTITY_KINDS. */
export const PAYEE = ENTITY_KINDS.indexOf('payee');

/** Says where the cold events of a kind of entity lie. */
export type PagesOf = (kind: EntityKind, layout: ColdLayout) => KindPages;

/** All entities of one kind: their names, their states, their events and what is left of dropped ones. */
export interface KindTable {
  readonly kind: EntityKind;
  readonly plan: KindPlan;
  readonly ids: IdTable;
  readonly lists: EntityLists;
  readonly slab: EventSlab;
  readonly tiles: TilePool;
  /** Null where the set has a bound. */
  readonly cold: ColdPool | null;
}

/** The columns of an embedded store: entities by kind, their events and labels, payments by their ids. */
export class EmbeddedTables {
  readonly set: FeatureSet;
  /** In the order of ENTITY_KINDS. */
  readonly kinds: readonly KindTable[];
  /** Lists of labels; a payee's is the number in its `extra` − 1. */
  readonly labels: EntityLists;
  readonly labelSlab: EventSlab;
  readonly payeeKeys: KeyArena;
  readonly payments: PaymentRing;
  /**
   * How many rows corrections of a payment took, by its ordinal; none of most. Only for Redis, whose state is built from
   * what was recorded: a snapshot does not hold it.
   */
  readonly #revisions = new Map<number, number>();
  readonly #name = new Int32Array(4);
  readonly #label = new Float64Array(LABEL_STRIDE);
  newestMicros = -Infinity;

  /** @param pagesOf where cold events of a kind of entity lie. */
  constructor(set: FeatureSet, { maxPayments }: EmbeddedLimits, pagesOf: PagesOf) {
    this.set = set;
    this.kinds = ENTITY_KINDS.map((kind) => kindTable(set.kinds[kind], maxPayments, pagesOf));
    this.labelSlab = new EventSlab(maxPayments * 2 + 8 * set.labelBound, LABEL_STRIDE);
    const labelTiles = new TilePool(0, NO_TILES);
    this.labels = new EntityLists(maxPayments, labelKeeping(set.labelBound), this.labelSlab, labelTiles, null);
    this.payeeKeys = new KeyArena(maxPayments);
    this.payments = new PaymentRing(maxPayments, set.own.count);
  }

  /** The table of payees. */
  get payees(): KindTable {
    return this.kinds[PAYEE] as KindTable;
  }

  /** Operations up to a mark cannot be undone any more. */
  settleUpTo(mark: number): void {
    for (let kind = 0; kind < this.kinds.length; kind += 1) this.kinds[kind]?.cold?.left.settleUpTo(mark);
  }

  /** Finds the entities of keys: an index a kind, −1 where it has none or none that is known. */
  find(keys: EntityKeys, found: Int32Array): void {
    for (let kind = 0; kind < this.kinds.length; kind += 1) {
      const { kind: name, ids } = this.kinds[kind] as KindTable;
      const key = keys[name];
      found[kind] = key === null ? -1 : this.#find(ids, key);
    }
  }

  /** Ordinal of a payment by its endToEndId; −1 where it is not known. */
  findPayment(endToEndId: string): number {
    hash128(endToEndId, this.#name);
    return this.payments.find(this.#name);
  }

  /**
   * Records an event that is not known, with the next number of each of its entities.
   *
   * @param events the event of each kind.
   * @param found its entities, as {@link find} gave them; those that are missing are made.
   * @param appends false where entities take the event later, by {@link append}.
   */
  record(
    endToEndId: string,
    side: Side,
    events: KindEvents,
    keys: EntityKeys,
    found: Int32Array,
    undo: UndoLog | null,
    appends = true,
  ): void {
    hash128(endToEndId, this.#name);
    const time = events[0]?.[0] ?? 0;
    const ordinal = this.payments.add(this.#name, time, SIDES.indexOf(side));
    this.#enter(ordinal, events, keys, found, undo, appends);
    if (undo !== null) {
      undo.push(this.newestMicros);
      undo.push(PAYMENT);
    }
    this.newestMicros = Math.max(this.newestMicros, time);
  }

  /** Records whose a payment's event is, and appends it there. */
  #enter(
    ordinal: number,
    events: KindEvents,
    keys: EntityKeys,
    found: Int32Array,
    undo: UndoLog | null,
    appends: boolean,
  ): void {
    for (let kind = 0; kind < this.kinds.length; kind += 1) {
      const table = this.kinds[kind] as KindTable;
      const key = keys[table.kind];
      if (key !== null && (found[kind] as number) < 0) found[kind] = this.#create(table, key);
      const entity = found[kind] as number;
      this.payments.setEntity(ordinal, kind, entity);
      if (entity < 0) continue;
      const event = events[kind] as Float64Array;
      if (appends) table.lists.append(entity, event, undo);
      const { slots, start } = this.set.own.byKind[table.kind];
      for (let at = 0; at < slots.length; at += 1) {
        this.payments.setOwn(ordinal, start + at, event[slots[at] as number] as number);
      }
    }
  }

  /**
   * Takes the event of a payment that is known out of its entities, each of which gives it its next number; then
   * records what replaces it, with the numbers after those.
   *
   * @param replacement null where the payment is retracted. @param found its entities, as {@link find} gave them.
   * @param moves false where entities take both later, by {@link retractFrom} and {@link append}.
   */
  correct(
    ordinal: number,
    endToEndId: string,
    replacement: { readonly events: KindEvents; readonly keys: EntityKeys } | null,
    found: Int32Array,
    undo: UndoLog | null,
    moves = true,
  ): void {
    const { payments } = this;
    const time = payments.timeOf(ordinal);
    this.#countRow(ordinal, 1);
    if (moves) {
      const identity = token53(endToEndId);
      for (let kind = 0; kind < this.kinds.length; kind += 1) {
        const entity = payments.entityOf(ordinal, kind);
        if (entity >= 0) (this.kinds[kind] as KindTable).lists.retract(entity, identity, time, undo);
      }
    }
    if (undo !== null) this.#noteOwn(ordinal, undo);
    for (let kind = 0; kind < this.kinds.length; kind += 1) payments.setEntity(ordinal, kind, -1);
    undo?.push(this.newestMicros);
    if (replacement !== null) {
      const { events, keys } = replacement;
      const replacedTime = events[0]?.[0] ?? 0;
      payments.setTime(ordinal, replacedTime);
      this.#enter(ordinal, events, keys, found, undo, moves);
      this.#countRow(ordinal, 1);
      this.newestMicros = Math.max(this.newestMicros, replacedTime);
    }
    if (undo === null) return;
    undo.push(ordinal);
    undo.push(CORRECTION);
  }

  /** How many rows corrections of a payment took: one for a retraction of an event, one for an event in its place. */
  revisionOf(ordinal: number): number {
    return this.#revisions.get(ordinal) ?? 0;
  }

  #forgetOldest(): void {
    this.#revisions.delete(this.payments.oldest());
    this.payments.dropOldest();
  }

  /** Counts a row of a correction where the payment has an event in any entity. */
  #countRow(ordinal: number, by: 1 | -1): void {
    if (!this.kinds.some((_, kind) => this.payments.entityOf(ordinal, kind) >= 0)) return;
    this.#revisions.set(ordinal, this.revisionOf(ordinal) + by);
  }

  /** Notes what is known of a payment, for {@link #restoreOwn}. */
  #noteOwn(ordinal: number, undo: UndoLog): void {
    const { payments } = this;
    for (let kind = 0; kind < this.kinds.length; kind += 1) undo.push(payments.entityOf(ordinal, kind));
    for (let at = 0; at < this.set.own.count; at += 1) undo.push(payments.ownOf(ordinal, at));
    undo.push(payments.timeOf(ordinal));
  }

  #restoreOwn(ordinal: number, undo: UndoLog): void {
    const { payments } = this;
    payments.setTime(ordinal, undo.pop());
    for (let at = this.set.own.count - 1; at >= 0; at -= 1) payments.setOwn(ordinal, at, undo.pop());
    for (let kind = this.kinds.length - 1; kind >= 0; kind -= 1) payments.setEntity(ordinal, kind, undo.pop());
  }

  #undoCorrection(undo: UndoLog): void {
    const ordinal = undo.pop();
    const { payments, kinds } = this;
    this.#countRow(ordinal, -1);
    // The replacement's entities; all −1 where there is none.
    for (let kind = kinds.length - 1; kind >= 0; kind -= 1) {
      if (payments.entityOf(ordinal, kind) >= 0) (kinds[kind] as KindTable).lists.undoAppend(undo);
    }
    this.newestMicros = undo.pop();
    this.#restoreOwn(ordinal, undo);
    this.#countRow(ordinal, -1);
    for (let kind = kinds.length - 1; kind >= 0; kind -= 1) {
      if (payments.entityOf(ordinal, kind) >= 0) (kinds[kind] as KindTable).lists.undoRetract(undo);
    }
  }

  /** Takes an event out of an entity that has it. @param kind its place in ENTITY_KINDS. */
  retractFrom(kind: number, key: string, endToEndId: string, time: number): void {
    const { ids, lists } = this.kinds[kind] as KindTable;
    lists.retract(this.#find(ids, key), token53(endToEndId), time, null);
  }

  /** Appends an event to an entity that is known. @param kind its place in ENTITY_KINDS. */
  append(kind: number, key: string, event: Float64Array): void {
    const { ids, lists } = this.kinds[kind] as KindTable;
    lists.append(this.#find(ids, key), event, null);
  }

  /** A payee by its key; made where it was never seen. */
  payeeOf(key: string): number {
    const payee = this.#find(this.payees.ids, key);
    return payee >= 0 ? payee : this.#create(this.payees, key);
  }

  /** The payee whose list a label goes to; made where the caller names one that was never seen; −1 where none is known. */
  payeeOfLabel(endToEndId: string, payeeAccount: string | null): number {
    const payment = this.findPayment(endToEndId);
    const known = payment < 0 ? -1 : this.payments.entityOf(payment, PAYEE);
    return known >= 0 || payeeAccount === null ? known : this.payeeOf(payeeAccount);
  }

  /** Records a label of a payee with the payee's next number. */
  recordLabel(payee: number, endToEndId: string, state: number, time: number, undo: UndoLog | null): void {
    const { lists } = this.payees;
    let labels = lists.extra(payee) - 1;
    if (labels < 0) {
      labels = this.labels.create();
      lists.setExtra(payee, labels + 1);
    }
    this.#label[0] = time;
    this.#label[1] = token53(endToEndId);
    this.#label[2] = state;
    this.labels.append(labels, this.#label, undo);
    lists.setSequence(payee, lists.sequence(payee) + 1);
    if (undo === null) return;
    undo.push(payee);
    undo.push(LABEL);
  }

  /** Takes the newest operation that `undo` holds back. */
  undo(undo: UndoLog): void {
    const operation = undo.pop();
    if (operation === CORRECTION) {
      this.#undoCorrection(undo);
      return;
    }
    if (operation === LABEL) {
      const payee = undo.pop();
      const { lists } = this.payees;
      lists.setSequence(payee, lists.sequence(payee) - 1);
      this.labels.undoAppend(undo);
      return;
    }
    const ordinal = this.payments.newest();
    this.newestMicros = undo.pop();
    for (let kind = this.kinds.length - 1; kind >= 0; kind -= 1) {
      if (this.payments.entityOf(ordinal, kind) >= 0) (this.kinds[kind] as KindTable).lists.undoAppend(undo);
    }
    this.payments.undoAdd();
  }

  /**
   * Looks whether an operation has room, before anything is touched, so that a full store refuses
   * whole; forgets payments that no label and no retry can name any more.
   *
   * @param time of the payment that is to come; none of a label, whose time may be months after the last payment's.
   * @throws AppError `state_full`.
   */
  makeRoom(time = -Infinity): void {
    const { payments } = this;
    const newest = Math.max(this.newestMicros, time);
    while (payments.count > 0 && payments.oldestTime() < newest - KNOWN_FOR_MICROS) this.#forgetOldest();
    if (payments.isFull && payments.oldestTime() < newest - NEVER_FORGOTTEN_MICROS) this.#forgetOldest();
    if (!payments.isFull && this.#hasRoom()) return;
    throw new AppError(
      'state_full',
      `the embedded store has no room for more ${this.#fullOf()}: serve with Redis, or start the server again, which makes room by what silver holds`,
      { limit: payments.capacity },
    );
  }

  #hasRoom(): boolean {
    for (let kind = 0; kind < this.kinds.length; kind += 1) {
      if (!this.#kindHasRoom(this.kinds[kind] as KindTable)) return false;
    }
    return this.labels.used < this.labels.capacity && this.labelSlab.hasRoom(2 * this.set.labelBound);
  }

  #kindHasRoom({ lists, slab, tiles, plan }: KindTable): boolean {
    // A list that grows takes a block of twice its size.
    if (lists.used === lists.capacity || !slab.hasRoom(2 * this.set.bound)) return false;
    return !hasTiles(plan.keeping.tiles) || tiles.hasRoom;
  }

  /** What there is no room for, for who reads the error. */
  #fullOf(): string {
    if (this.payments.isFull) return `payments than ${this.payments.capacity} within 7 days`;
    const full = this.kinds.find((table) => !this.#kindHasRoom(table));
    return full === undefined ? 'labels' : `entities of the kind ${full.kind}, or events or tiles of theirs`;
  }

  #find(ids: IdTable, key: string): number {
    hash128(key, this.#name);
    return ids.find(this.#name);
  }

  #create({ kind, ids, lists }: KindTable, key: string): number {
    const name = new Int32Array(4);
    hash128(key, name);
    ids.put(lists.used, name);
    if (kind === 'payee') this.payeeKeys.add(key);
    return lists.create();
  }
}

function kindTable(plan: KindPlan, maxPayments: number, pagesOf: PagesOf): KindTable {
  const { bound, tiles, cold } = plan.keeping;
  // Blocks are half full at worst.
  const slab = new EventSlab(maxPayments * 2 + 8 * bound, plan.layout.stride);
  const most = tiles.hasTotals ? maxPayments : Math.floor(maxPayments / 8);
  const pool = new TilePool(hasTiles(tiles) ? Math.max(1024, most) : 0, tiles);
  const coldPool = cold === null ? null : new ColdPool(cold, pagesOf(plan.kind, cold));
  return {
    kind: plan.kind,
    plan,
    ids: new IdTable(maxPayments),
    lists: new EntityLists(maxPayments, plan.keeping, slab, pool, coldPool),
    slab,
    tiles: pool,
    cold: coldPool,
  };
}
