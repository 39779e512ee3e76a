import { CodedTexts, type TextCodes } from '../../base/coded-texts.ts';
import type { TextColumn } from '../../base/text-column.ts';
import { TextNumbers } from '../../base/text-numbers.ts';
import { byKeyedKind, byKind, ENTITY_KINDS, type EntityKind } from '../../domain/entity-keys.ts';
import type { NumberColumns, ReplayPayments } from './replay-input.ts';

/** Entities of payments and of labels, numbered. */
export interface NumberedEntities {
  /** Entity of each payment by kind; −1 where it has none. Empty for a kind that was not asked for. */
  readonly entities: Readonly<Record<EntityKind, TextCodes>>;
  readonly counts: Readonly<Record<EntityKind, number>>;
  /** The payee of each label. */
  readonly labelPayees: TextCodes;
}

/**
 * Numbers entities as they are first seen: 0.2 µs a payment and kind where texts have no numbers yet.
 *
 * @param kinds those asked for.
 */
export function numberEntities(
  keys: ReplayPayments['keys'],
  labelPayees: TextColumn,
  kinds: readonly EntityKind[] = ENTITY_KINDS,
): NumberedEntities {
  const hasPairs = kinds.includes('pair');
  const keyed = byKeyedKind((kind) => {
    const isOfPair = hasPairs && (kind === 'payer' || kind === 'payee');
    return kinds.includes(kind) || isOfPair ? numberTexts(keys[kind]) : NO_TEXTS;
  });
  const payees = numberMore(labelPayees, keyed.payee);
  const pairs = hasPairs ? numberPairs(keyed.payer.numbers, keyed.payee.numbers) : NO_TEXTS;
  return {
    entities: byKind((kind) => (kind === 'pair' ? pairs.numbers : keyed[kind].numbers)),
    counts: byKind((kind) => (kind === 'pair' ? pairs.count : kind === 'payee' ? payees.count : keyed[kind].count)),
    labelPayees: payees.numbers,
  };
}

/** Epoch of an event's numbers; Infinity where it has none. */
export function epochOfEvent(numbers: Readonly<Record<EntityKind, NumberColumns>>, row: number): number {
  for (const kind of ENTITY_KINDS) {
    const epoch = numbers[kind].epochs[row] as number;
    if (epoch !== 0) return epoch;
  }
  return Infinity;
}

/** Texts that were numbered. */
interface NumberedTexts {
  readonly numbers: TextCodes;
  readonly count: number;
  /** Each text once, at its number. */
  readonly texts: Iterable<string>;
}

/** Texts that room is made for at once; more come as they are seen. */
const EXPECTED_TEXTS = 1024;

const NO_TEXTS: NumberedTexts = { numbers: new Int32Array(0), count: 0, texts: [] };

/** Numbers texts as they are first seen; −1 for null. Texts that have numbers already keep them. */
function numberTexts(texts: TextColumn): NumberedTexts {
  if (texts instanceof CodedTexts) return { numbers: texts.codes, count: texts.texts.length, texts: texts.texts };
  const numbers = new Int32Array(texts.length);
  if (Array.isArray(texts)) {
    // Strings that are there are found by a map in half the time.
    const known = new Map<string, number>();
    for (let row = 0; row < numbers.length; row += 1) numbers[row] = numberOf(texts[row] ?? null, known);
    return { numbers, count: known.size, texts: known.keys() };
  }
  const known = new TextNumbers(EXPECTED_TEXTS);
  for (let row = 0; row < numbers.length; row += 1) {
    const text = texts.at(row) ?? null;
    numbers[row] = text === null ? -1 : known.numberOf(text);
  }
  const { count } = known;
  return { numbers, count, texts: known.take() as TextColumn as TextColumn<string> };
}

/** Numbers more texts of the same kind: only these are held in a map, for they are few. */
function numberMore(texts: TextColumn, before: NumberedTexts): { numbers: TextCodes; count: number } {
  const wanted = new Set(texts);
  const known = new Map<string, number>();
  let number = 0;
  for (const text of before.texts) {
    if (wanted.has(text)) known.set(text, number);
    number += 1;
  }
  const more = new Map<string, number>();
  const numbers = Int32Array.from(texts, (text) => {
    const seen = text === null ? -1 : known.get(text);
    return seen ?? before.count + numberOf(text, more);
  });
  return { numbers, count: before.count + more.size };
}

function numberOf(text: string | null, known: Map<string, number>): number {
  if (text === null) return -1;
  const before = known.get(text);
  if (before !== undefined) return before;
  known.set(text, known.size);
  return known.size - 1;
}

/**
 * Numbers pairs of numbers as they are first seen; −1 where either is. The pairs are found by a table of the rows that
 * were first of them, 5 to 10 bytes a payment: a map takes 100 a pair, and holds it long after its use.
 */
export function numberPairs(left: TextCodes, right: TextCodes): { numbers: Int32Array; count: number } {
  const mask = 2 ** Math.ceil(Math.log2(left.length * 1.25 + 1)) - 1;
  /** 1 + the row, at the lowest bits of its pair's hash or behind; 0 where there is none. */
  const table = new Int32Array(mask + 1);
  const numbers = new Int32Array(left.length);
  let count = 0;
  for (let row = 0; row < left.length; row += 1) {
    const [a, b] = [left[row] as number, right[row] as number];
    if (a < 0 || b < 0) {
      numbers[row] = -1;
      continue;
    }
    let at = hashOfPair(a, b) & mask;
    let first = (table[at] as number) - 1;
    while (first >= 0 && (left[first] !== a || right[first] !== b)) {
      at = (at + 1) & mask;
      first = (table[at] as number) - 1;
    }
    if (first < 0) table[at] = row + 1;
    numbers[row] = first < 0 ? count : (numbers[first] as number);
    if (first < 0) count += 1;
  }
  return { numbers, count };
}

/** MurmurHash3's last steps over both numbers. */
function hashOfPair(a: number, b: number): number {
  let hash = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca77);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
