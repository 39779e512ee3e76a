import { AppError } from '../base/errors.ts';
import { lastAtMost } from '../base/last-at-most.ts';
import type { EntityKind } from '../domain/entity-keys.ts';
import { numberEntities } from '../features/replay/replay-groups.ts';
import { type NumberColumns, numberColumns, type ReadSequence } from '../features/replay/replay-input.ts';
import { EPOCH_STEP, type KindRecords, kindRecords } from '../features/replay/replay-items.ts';
import { OWN_MEMORY } from '../features/replay/replay-memory.ts';
import { replayRecords, type SilverSource } from './silver-source.ts';

/**
 * What rows of a user's file see: of each entity the largest number that was known at their known
 * time. An entity's known time never goes back, so that is the last record up to it. A row before the
 * first one sees the base of the first epoch.
 *
 * Looked up kind by kind, once each: 16 bytes a row stay of it, and 20 bytes a record while it is done.
 *
 * @throws AppError `not_found` where no epoch was ever opened.
 */
export function readsKnownAt(source: SilverSource): (rows: Int32Array) => ReadSequence {
  if (source.epochs.length === 0) {
    throw new AppError('not_found', 'silver holds no payment yet: there is nothing that rows of a file could see');
  }
  return (rows) => {
    const known = new Map<EntityKind, NumberColumns>();
    return {
      rows,
      saw(kind, from, to) {
        const saw = known.get(kind) ?? sawOfKind(source, kind, rows);
        known.set(kind, saw);
        return { epochs: saw.epochs.subarray(from, to), seqs: saw.seqs.subarray(from, to) };
      },
    };
  };
}

function sawOfKind(source: SilverSource, kind: EntityKind, rows: Int32Array): NumberColumns {
  const numbered = numberEntities(source.records.keys, source.labels.payees, [kind]);
  const records = kindRecords(kind, replayRecords(source), numbered, OWN_MEMORY);
  const entities = numbered.entities[kind];
  const known = runningKnownTimes(source, records);
  const { knownTimes } = source.payments.places;
  const firstEpoch = source.epochs.reduce((least, { epoch }) => Math.min(least, epoch), Number.POSITIVE_INFINITY);
  const saw = numberColumns(rows.length);
  for (const [at, row] of rows.entries()) {
    const last = lastKnown(records.start, known, entities[row] as number, knownTimes[row] as number);
    const key = last < 0 ? 0 : (records.keys[last] as number);
    saw.epochs[at] = last < 0 ? firstEpoch : Math.floor(key / EPOCH_STEP);
    saw.seqs[at] = key % EPOCH_STEP;
  }
  return saw;
}

/** The largest known time of an entity's records up to each; Infinity for those without a number, which nobody sees. */
function runningKnownTimes({ records, labels }: SilverSource, { start, items, keys }: KindRecords): Float64Array {
  const known = new Float64Array(items.length);
  for (let entity = 0; entity + 1 < start.length; entity += 1) {
    let newest = Number.NEGATIVE_INFINITY;
    for (let at = start[entity] as number; at < (start[entity + 1] as number); at += 1) {
      const item = items[at] as number;
      const own = (item < 0 ? labels.places.knownTimes[-1 - item] : records.places.knownTimes[item]) as number;
      newest = keys[at] === Infinity ? Infinity : Math.max(newest, own);
      known[at] = newest;
    }
  }
  return known;
}

/** The last record that was known at an instant; −1 where none was, or there is no such entity. */
function lastKnown(start: Int32Array, known: Float64Array, entity: number, micros: number): number {
  if (entity < 0) return -1;
  return lastAtMost(known, start[entity] as number, start[entity + 1] as number, micros);
}
