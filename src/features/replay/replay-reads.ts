import type { TextCodes } from '../../base/coded-texts.ts';
import type { EntityKind } from '../../domain/entity-keys.ts';
import { sawEntity } from './replay-absence.ts';
import type { ReadSequence } from './replay-input.ts';
import { EPOCH_STEP, type KindReads, sortByKey } from './replay-items.ts';
import type { ReplayMemory } from './replay-memory.ts';

/** Reads for which saw is asked at once: 1 MB. */
const SAW_READS = 65_536;

/** Entities of one kind, as reads are grouped by them. */
export interface ReadEntities {
  readonly kind: EntityKind;
  /** Entity of each payment; −1 where it has none. */
  readonly entityOf: TextCodes;
  /** How many entities there are. */
  readonly count: number;
}

/** Groups the reads that saw an entity by it, each entity's in the order of what they saw. */
export function groupReads(of: ReadEntities, reads: ReadSequence, memory: ReplayMemory): KindReads {
  const numbers = memory.integers(reads.rows.length);
  const keys = memory.doubles(reads.rows.length);
  const counts = new Int32Array(of.count);
  eachRead(of, reads, (entity) => {
    counts[entity] = (counts[entity] as number) + 1;
  });
  const { entities, start, next } = runsOfReads(counts, memory);
  eachRead(of, reads, (entity, read, key) => {
    const place = next[entity] as number;
    next[entity] = place + 1;
    numbers[place] = read;
    keys[place] = key;
  });
  for (let at = 0; at < entities.length; at += 1)
    sortByKey(numbers, keys, start[at] as number, start[at + 1] as number, (a, b) => a - b);
  return { entities, start, reads: numbers, keys };
}

/** Goes over the reads that saw an entity, in their order. */
function eachRead(
  { kind, entityOf }: ReadEntities,
  { rows, saw }: ReadSequence,
  visit: (entity: number, read: number, key: number) => void,
): void {
  for (let from = 0; from < rows.length; from += SAW_READS) {
    const to = Math.min(rows.length, from + SAW_READS);
    const { epochs, seqs } = saw(kind, from, to);
    for (let read = from; read < to; read += 1) {
      const entity = entityOf[rows[read] as number] as number;
      const epoch = epochs[read - from] as number;
      if (sawEntity(entity, epoch)) visit(entity, read, epoch * EPOCH_STEP + (seqs[read - from] as number));
    }
  }
}

/**
 * Places for the reads of each entity, side by side, in the order of the entities' numbers.
 *
 * @param counts how many reads each entity has; becomes `next`.
 * @returns entities that have reads; where their runs begin, and the last one ends; by entity, where its next read goes.
 */
function runsOfReads(
  counts: Int32Array,
  memory: ReplayMemory,
): { readonly entities: Int32Array; readonly start: Int32Array; readonly next: Int32Array } {
  const read = counts.reduce((count, of) => (of > 0 ? count + 1 : count), 0);
  const entities = memory.integers(read);
  const start = memory.integers(read + 1);
  // What memory gives may have been used before.
  start[0] = 0;
  let place = 0;
  let total = 0;
  for (let entity = 0; entity < counts.length; entity += 1) {
    const count = counts[entity] as number;
    if (count === 0) continue;
    entities[place] = entity;
    counts[entity] = total;
    total += count;
    place += 1;
    start[place] = total;
  }
  return { entities, start, next: counts };
}
