import { CodedTexts, type TextCodes } from '../../base/coded-texts.ts';
import type { TextColumn } from '../../base/text-column.ts';
import { byKind, ENTITY_KINDS, type EntityKind } from '../../domain/entity-keys.ts';
import type { NumberColumns, ReplayPayments } from './replay-input.ts';

/** Entities of payments and of labels, numbered. */
export interface NumberedEntities {
  /** Entity of each payment by kind; −1 where it has none. */
  readonly entities: Readonly<Record<EntityKind, TextCodes>>;
  readonly counts: Readonly<Record<EntityKind, number>>;
  /** The payee of each label. */
  readonly labelPayees: TextCodes;
}

/** Numbers the entities of each kind as they are first seen. */
export function numberEntities(keys: ReplayPayments['keys'], labelPayees: TextColumn): NumberedEntities {
  const known = byKind(() => new Map<string, number>());
  const entities = byKind((kind) => (kind === 'pair' ? new Int32Array(0) : numberTexts(keys[kind], known[kind])));
  const labelled = numberTexts(labelPayees, known.payee);
  const pairs = numberPairs(entities.payer, entities.payee);
  return {
    entities: { ...entities, pair: pairs.numbers },
    counts: byKind((kind) => (kind === 'pair' ? pairs.count : known[kind].size)),
    labelPayees: labelled,
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

/** Numbers texts as they are first seen; −1 for null. Texts that are numbered so already keep their numbers. */
function numberTexts(texts: TextColumn, known: Map<string, number>): TextCodes {
  if (texts instanceof CodedTexts && known.size === 0) {
    for (const [number, text] of texts.texts.entries()) known.set(text, number);
    return texts.codes;
  }
  const numbers = new Int32Array(texts.length);
  for (let row = 0; row < texts.length; row += 1) {
    const text = texts.at(row) ?? null;
    if (text === null) {
      numbers[row] = -1;
      continue;
    }
    let number = known.get(text);
    if (number === undefined) {
      number = known.size;
      known.set(text, number);
    }
    numbers[row] = number;
  }
  return numbers;
}

/** Numbers pairs of numbers as they are first seen; −1 where either is. */
function numberPairs(left: TextCodes, right: TextCodes): { numbers: Int32Array; count: number } {
  const known = new Map<number, number>();
  const numbers = new Int32Array(left.length);
  for (let row = 0; row < left.length; row += 1) {
    if ((left[row] as number) < 0 || (right[row] as number) < 0) {
      numbers[row] = -1;
      continue;
    }
    // Both are below 2^26: the code is exact.
    const code = (left[row] as number) * 2 ** 26 + (right[row] as number);
    let number = known.get(code);
    if (number === undefined) {
      number = known.size;
      known.set(code, number);
    }
    numbers[row] = number;
  }
  return { numbers, count: known.size };
}
