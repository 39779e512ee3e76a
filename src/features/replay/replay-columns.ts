import type { TextCodes } from '../../base/coded-texts.ts';
import { token53 } from '../../base/hash128.ts';
import { PackedColumn } from '../../base/packed-column.ts';
import type { TextColumn } from '../../base/text-column.ts';
import { byKind, ENTITY_KINDS, type EntityKind } from '../../domain/entity-keys.ts';
import { outputsOfKind } from '../engine/history-block.ts';
import type { FeatureSet } from '../feature-set.ts';
import { type EpochOpening, epochBook } from './epoch-book.ts';
import { type EventNumbers, EventRows } from './event-rows.ts';
import { type OtherEvents, otherEvents } from './other-events.ts';
import { numberEntities } from './replay-groups.ts';
import type { ReplayRecords } from './replay-input.ts';
import { type KindRecords, kindRecords } from './replay-items.ts';
import type { ReplayMemory } from './replay-memory.ts';

/** What was recorded, in numbers alone, so that any thread can replay from it. */
export interface ReplayColumns {
  /** Columns number journals as the book of these does. */
  readonly epochs: readonly EpochOpening[];
  readonly payments: OtherEvents & {
    readonly count: number;
    readonly journals: Int32Array;
    readonly positions: Float64Array;
    readonly events: EventNumbers;
  };
  readonly labels: {
    readonly times: Float64Array;
    readonly tokens: Float64Array;
    readonly states: Uint8Array;
    readonly journals: Int32Array;
    readonly positions: Float64Array;
  };
  /** Records of each kind of entity; null where the set has no feature of it, or where pieces bring them. */
  readonly kinds: Readonly<Record<EntityKind, KindRecords | null>>;
}

/** Columns, and what beside them only those need who make pieces of reads. */
export interface PreparedColumns {
  readonly columns: ReplayColumns;
  readonly events: EventRows;
  /** Kinds of entity that the set has features of. */
  readonly kinds: readonly EntityKind[];
  /** Makes the records of a kind. */
  readonly recordsOf: (kind: EntityKind, memory: ReplayMemory) => KindRecords;
  /** Entity of each payment by kind; −1 where it has none. Empty for a kind that the set has no feature of. */
  readonly entities: Readonly<Record<EntityKind, TextCodes>>;
}

/**
 * Puts what was recorded into columns, events' numbers apart. Linear: only what is out of order is sorted.
 *
 * @param withKinds whether the records of all kinds of entity are made at once: 12 bytes a payment and kind.
 */
export function replayColumns(
  set: FeatureSet,
  records: ReplayRecords,
  memory: ReplayMemory,
  withKinds = true,
): PreparedColumns {
  const { payments, labels, epochs } = records;
  const book = epochBook(epochs);
  const journalsOf = (ids: TextColumn<string>): Int32Array => numbersOf(ids, book.journalOf, memory);
  const kinds = kindsOfSet(set);
  const numbered = numberEntities(payments.keys, labels.payees, kinds);
  const recordsOf: PreparedColumns['recordsOf'] = (kind, into) => kindRecords(kind, records, numbered, into);
  const events = new EventRows(set, payments, tokenReader(payments.ids), memory);
  const states = memory.bytes(labels.count);
  states.set(labels.states);
  const columns: ReplayColumns = {
    epochs,
    payments: {
      count: payments.count,
      journals: journalsOf(payments.places.journals),
      positions: memory.held(payments.places.positions),
      events: { numbers: events.numbers, stride: events.stride, placesOf: events.placesOf },
      ...otherEvents(payments, (row) => events.tokenAt(row), memory),
    },
    labels: {
      times: memory.held(labels.times),
      tokens: tokensOf(labels.ids, memory),
      states,
      journals: journalsOf(labels.places.journals),
      positions: memory.held(labels.places.positions),
    },
    kinds: byKind((kind) => (withKinds && kinds.includes(kind) ? recordsOf(kind, memory) : null)),
  };
  return { columns, events, kinds, recordsOf, entities: numbered.entities };
}

/** Kinds of entity that a set has features of. */
export function kindsOfSet(set: FeatureSet): readonly EntityKind[] {
  return ENTITY_KINDS.filter((kind) => outputsOfKind(set.kinds[kind]).length > 0);
}

function tokenReader(ids: TextColumn<string>): (row: number) => number {
  return ids instanceof PackedColumn ? (row) => ids.token(row) : (row) => token53(ids.at(row) ?? '');
}

function tokensOf(ids: TextColumn<string>, memory: ReplayMemory): Float64Array {
  const tokens = memory.doubles(ids.length);
  const tokenOf = tokenReader(ids);
  for (let row = 0; row < tokens.length; row += 1) tokens[row] = tokenOf(row);
  return tokens;
}

function numbersOf(texts: TextColumn<string>, numberOf: (text: string) => number, memory: ReplayMemory): Int32Array {
  const column = memory.integers(texts.length);
  // Journals are the same for thousands of rows.
  let last: string | undefined;
  let number = 0;
  for (let row = 0; row < texts.length; row += 1) {
    const text = texts.at(row) ?? '';
    if (text !== last) number = numberOf(text);
    last = text;
    column[row] = number;
  }
  return column;
}
