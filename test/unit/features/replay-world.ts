import { expect } from 'vitest';
import {
  byKind,
  ENTITY_KINDS,
  type EntityKeys,
  type EntityKind,
  type EntityNumber,
  NO_NUMBERS,
} from '../../../src/domain/entity-keys.ts';
import { LABEL_STATES } from '../../../src/domain/label.ts';
import type { PaymentRow } from '../../../src/domain/payment-row.ts';
import { EVENT } from '../../../src/domain/recorded-event.ts';
import type { FeatureSetDefinition } from '../../../src/features/definition/definition.ts';
import type { FeatureSet } from '../../../src/features/feature-set.ts';
import { FEATURE_STATUS_NAMES } from '../../../src/features/feature-status.ts';
import type { ReplayedVectors } from '../../../src/features/replay/replay.ts';
import { type NumberColumns, numberColumns, type ReplayInput } from '../../../src/features/replay/replay-input.ts';
import { type Cell, type OracleEvent, type OracleItem, type OracleRetraction, oracleVector } from './oracle.ts';
import { keyColumns, paymentOf, rowOf, type Step } from './streams.ts';

/*
 * A world of two servers on one store. Everything that is recorded lies in a log with its journal
 * and position; a restart opens an epoch that names some of it and forgets the rest; now and then
 * the store does not answer and an event stays without a number.
 */

/** When worlds begin. */
export const START = 1_762_000_000_000_000;
/** Names of their journals. */
export const JOURNALS = ['journal-a', 'journal-b'];
type Numbers = Readonly<Record<EntityKind, EntityNumber | null>>;
const NONE: Numbers = NO_NUMBERS;

/** What was recorded. */
export interface Entry {
  readonly item: OracleItem | null;
  /** Of a payment, of its retraction and of what replaces it; those two are not read. */
  readonly row: PaymentRow | null;
  readonly epoch: number | null;
  readonly numbers: Numbers;
  readonly saw: Numbers;
  readonly expected: Map<string, Cell> | null;
  readonly journal: string;
  readonly position: number;
  readonly known: number;
}

/** Servers that record payments and labels; what each payment is served is the oracle's. */
export class World {
  readonly log: Entry[] = [];
  readonly epochs: { epoch: number; offsets: Record<string, number> }[] = [];
  readonly #positions = new Map<string, number>();
  /** Where the last correction of each journal is. */
  readonly #corrected = new Map<string, number>();
  readonly set: FeatureSetDefinition;
  #items: OracleItem[] = [];
  #numbers = new Map<string, number>();
  #known = START;

  constructor(set: FeatureSetDefinition) {
    this.set = set;
    this.open([0, 0]);
  }

  get epoch(): number {
    return this.epochs.length;
  }

  /**
   * Opens an epoch that does not name the last `lost` records of each journal, but for corrections: whoever opens one
   * waits until all are recorded, and what comes before one in its journal is there then.
   */
  open(lost: readonly number[]): void {
    const offsets = Object.fromEntries(
      JOURNALS.map((journal, at) => {
        const end = (this.#positions.get(journal) ?? 0) - (lost[at] ?? 0);
        return [journal, Math.max(end, this.#corrected.get(journal) ?? 0)];
      }),
    );
    this.epochs.push({ epoch: this.epoch + 1, offsets });
    const base = this.log.filter(({ item, journal, position }) => item !== null && position <= (offsets[journal] ?? 0));
    const isNumbered = ({ numbers }: Entry): boolean => ENTITY_KINDS.some((kind) => numbers[kind] !== null);
    const numbered = base.filter(isNumbered);
    const others = base.filter((entry) => !isNumbered(entry));
    const seen = new Set<string>();
    const isFirst = (item: OracleItem): boolean => item.kind === 'payment' && item.replaces !== true;
    this.#items = [...withRetracted(numbered, others), ...others]
      .map(({ item }) => item as OracleItem)
      .filter((item) => !isFirst(item) || (!seen.has(item.id) && seen.add(item.id)));
    this.#numbers = new Map();
  }

  /** @param answers whether the store does. @param isRepeated whether the answer is that of a repeat, to which the event is there already. */
  pay(row: PaymentRow, journal: string, answers: boolean, isRepeated = false): void {
    const { keys } = paymentOf(row);
    const scored = { id: row.end_to_end_id, time: row.event_time, row, keys };
    const isEvent = !this.#items.some((item) => item.kind === 'payment' && item.id === scored.id);
    const item: OracleItem | null = isEvent ? { kind: 'payment', ...scored } : null;
    if (!answers) {
      this.#record(journal, { item, row, epoch: null, numbers: NONE, saw: NONE, expected: null });
      return;
    }
    const each = (seqOf: (name: string) => number): Numbers => this.#each(keys, seqOf);
    const see = () => ({
      saw: each((name) => this.#numbers.get(name) ?? 0),
      expected: oracleVector(this.set, this.#items, scored),
    });
    const before = see();
    if (item !== null) this.#items.push(item);
    const numbers = isEvent ? each((name) => this.#take(name)) : NONE;
    this.#record(journal, { item, row, epoch: this.epoch, numbers, ...(isRepeated ? see() : before) });
  }

  /** Retracts a payment that the store knows, or replaces it; as the embedded store does. */
  correct(id: string, row: PaymentRow | null, journal: string): void {
    if (!this.#items.some((item) => item.kind === 'payment' && item.id === id)) return;
    const last = this.#items.findLast((item) => item.kind !== 'label' && item.id === id);
    const moved: Moved[] = [];
    if (last?.kind === 'payment') moved.push(this.#move({ ...last, kind: 'retraction' }, last.row));
    if (row !== null) {
      const { keys } = paymentOf(row);
      moved.push(this.#move({ kind: 'payment', id, time: row.event_time, row, keys, replaces: true }, row));
    }
    if (moved.length === 0) return;
    this.#record(journal, ...moved);
    this.#corrected.set(journal, this.#positions.get(journal) ?? 0);
  }

  #move(item: OracleEvent | OracleRetraction, row: PaymentRow): Moved {
    this.#items.push(item);
    const numbers = this.#each(item.keys, (name) => this.#take(name));
    return { item, row, epoch: this.epoch, numbers, saw: NONE, expected: null };
  }

  label(item: OracleItem & { kind: 'label' }, journal: string): void {
    this.#items.push(item);
    const payee = { epoch: this.epoch, seq: this.#take(`payee ${item.payee}`) };
    const numbers = { ...NONE, payee };
    this.#record(journal, { item, row: null, epoch: this.epoch, numbers, saw: NONE, expected: null });
  }

  #each(keys: EntityKeys, seqOf: (name: string) => number): Numbers {
    return byKind((kind) => (keys[kind] === null ? null : { epoch: this.epoch, seq: seqOf(`${kind} ${keys[kind]}`) }));
  }

  #take(name: string): number {
    const seq = (this.#numbers.get(name) ?? 0) + 1;
    this.#numbers.set(name, seq);
    return seq;
  }

  /** One record, which a base has whole or not at all: a correction's two halves are one. */
  #record(journal: string, ...entries: readonly Moved[]): void {
    const position = (this.#positions.get(journal) ?? 0) + 1;
    this.#positions.set(journal, position);
    this.#known += 1;
    for (const entry of entries) this.log.push({ ...entry, journal, position, known: this.#known });
  }
}

/** What is recorded, but for where. */
type Moved = Omit<Entry, 'journal' | 'position' | 'known'>;

/** Records with numbers; before each retraction what it retracts and has none. */
function withRetracted(numbered: readonly Entry[], others: readonly Entry[]): Entry[] {
  return numbered.flatMap((entry) => {
    const { item } = entry;
    if (item?.kind !== 'retraction') return [entry];
    return [...others.filter((other) => other.item?.kind === 'payment' && other.item.id === item.id), entry];
  });
}

function numbersOf(entries: readonly Entry[], which: 'numbers' | 'saw'): Record<EntityKind, NumberColumns> {
  const columns = (kind: EntityKind): NumberColumns => {
    const made = numberColumns(entries.length);
    for (const [at, entry] of entries.entries()) {
      made.epochs[at] = entry[which][kind]?.epoch ?? 0;
      made.seqs[at] = entry[which][kind]?.seq ?? 0;
    }
    return made;
  };
  return byKind(columns);
}

/** What a row is to the state. */
export function eventOf({ item }: Entry): number {
  if (item === null || item.kind === 'label') return EVENT.none;
  if (item.kind === 'retraction') return EVENT.retraction;
  return item.replaces === true ? EVENT.replacement : EVENT.first;
}

/** Whether an entry is a payment that was presented: those are read. */
export function isPresented(entry: Entry): boolean {
  return entry.row !== null && eventOf(entry) <= EVENT.first;
}

/** What a replay of the log is given, in the order of `shuffled`; every payment is read. */
export function inputOf({ log, epochs }: World, shuffled: readonly Entry[]): ReplayInput {
  const paid = shuffled.filter(({ row }) => row !== null);
  const labels = shuffled.filter(({ item }) => item?.kind === 'label');
  const rows = paid.map(({ row }) => row as PaymentRow);
  const places = (entries: readonly Entry[]) => ({
    journals: entries.map(({ journal }) => journal),
    positions: Float64Array.from(entries, ({ position }) => position),
    knownTimes: Float64Array.from(entries, ({ known }) => known),
  });
  expect(log.length).toBe(paid.length + labels.length);
  return {
    payments: {
      count: rows.length,
      ids: rows.map((row) => row.end_to_end_id),
      times: Float64Array.from(rows, (row) => row.event_time),
      keys: keyColumns(rows),
      row: (at) => rows[at] as PaymentRow,
      isEvent: Uint8Array.from(paid, eventOf),
      numbers: numbersOf(paid, 'numbers'),
      places: places(paid),
    },
    labels: {
      count: labels.length,
      ids: labels.map(({ item }) => (item as OracleItem).id),
      states: Uint8Array.from(labels, ({ item }) =>
        LABEL_STATES.indexOf((item as OracleItem & { kind: 'label' }).state),
      ),
      times: Float64Array.from(labels, ({ item }) => (item as OracleItem).time),
      payees: labels.map(({ item }) => (item as OracleItem & { kind: 'label' }).payee),
      numbers: numbersOf(labels, 'numbers').payee,
      places: places(labels),
    },
    epochs,
    reads: {
      rows: Int32Array.from([...paid.keys()].filter((row) => isPresented(paid[row] as Entry))),
      saw: numbersOf(paid.filter(isPresented), 'saw'),
    },
  };
}

/** The world that steps make, and its log in another order. */
export function worldOf(
  set: FeatureSet,
  steps: readonly Step[],
  seed: number,
): { readonly world: World; readonly shuffled: readonly Entry[] } {
  const world = new World(set.definition);
  const rows: PaymentRow[] = [];
  let clock = START;
  for (const [at, now] of steps.entries()) {
    const chance = (at * 7919 + seed) % 23;
    const journal = JOURNALS[chance % 2] as string;
    const earlier = 'back' in now ? rows[rows.length - 1 - (now.back % Math.max(rows.length, 1))] : undefined;
    if (now.do === 'pay' || now.do === 'again') {
      clock += Math.max(0, now.wait);
      const time = now.wait > 0 ? clock : clock + now.wait;
      const id = `E${String(rows.length).padStart(31, '0')}`;
      const row = now.do === 'pay' ? rowOf(id, time, now.amount, now.payer, now.payee) : earlier;
      if (row === undefined) continue;
      const again = now.do === 'again' && now.otherPayee ? { ...row, event_time: time, payee_number: '1' } : row;
      rows.push(again);
      world.pay(again, journal, chance !== 3, chance === 5);
    } else if (now.do === 'label') {
      const id = now.unknown || earlier === undefined ? `E${'9'.repeat(31)}` : earlier.end_to_end_id;
      world.label({ kind: 'label', id, state: now.state, time: clock + now.wait, payee: '22222222||1' }, journal);
    } else if (now.do === 'correct') {
      if (earlier === undefined) continue;
      const { becomes } = now;
      const time = earlier.event_time + (becomes?.wait ?? 0);
      const id = earlier.end_to_end_id;
      world.correct(id, becomes && rowOf(id, time, becomes.amount, 1, becomes.payee), journal);
    } else if (now.do === 'restart') {
      world.open([0, 0]);
    } else if (now.do === 'rollback') {
      world.open(chance < 12 ? [now.steps, 0] : [now.steps, Math.floor(now.steps / 2)]);
    }
  }
  const shuffled = [...world.log].sort((a, b) => ((a.known * seed) % 101) - ((b.known * seed) % 101));
  return { world, shuffled };
}

/** Throws where vectors are not what the payments from `first` on were served. */
export function checkVectors(set: FeatureSet, vectors: ReplayedVectors, shuffled: readonly Entry[], first = 0): void {
  const paid = shuffled.filter(isPresented);
  for (let read = 0; read < vectors.count; read += 1) {
    const out = vectors.vector(read);
    const { expected, row } = paid[first + read] as Entry;
    for (const [at, name] of set.names.entries()) {
      const got = { value: out.values[at] as number, status: FEATURE_STATUS_NAMES[out.status[at] as number] };
      // `payer_document_…` begins with `payer` as well.
      const kind = ENTITY_KINDS.findLast((entity) => name.startsWith(`${entity}_`));
      const exists = kind !== undefined && paymentOf(row as PaymentRow).keys[kind] !== null;
      const cell = expected?.get(name) ?? (exists ? { value: Number.NaN, status: 'unavailable' } : undefined);
      if (cell === undefined) continue;
      if (Object.is(got.value, cell.value) && got.status === cell.status) continue;
      throw new Error(`${name} of read ${read}: ${JSON.stringify(got)} is not ${JSON.stringify(cell)}`);
    }
  }
}
