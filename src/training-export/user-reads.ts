import { lastAtMost } from '../base/last-at-most.ts';
import { byKind, type EntityKind } from '../domain/entity-keys.ts';
import { numberColumns, type ReadSequence } from '../features/replay/replay-input.ts';
import { type EntityHistories, entityHistories, entityKeyOf } from './entity-history.ts';
import type { SilverSource } from './silver-source.ts';

/**
 * What rows of a user's file see: of each entity the largest number that was known at their known
 * time. An entity's known time never goes back, so that is the last record up to it. A row before the
 * first one sees the base of the first epoch.
 */
export function readsKnownAt(source: SilverSource): (rows: Int32Array) => ReadSequence {
  const { knownTimes } = source.payments.places;
  const firstEpoch = source.epochs.reduce((least, { epoch }) => Math.min(least, epoch), Number.POSITIVE_INFINITY);
  const histories: Record<EntityKind, EntityHistories> = byKind((kind) => entityHistories(source, kind));
  return (rows) => ({
    rows,
    saw(kind, from, to) {
      const saw = numberColumns(to - from);
      const of = histories[kind];
      for (const [at, row] of rows.subarray(from, to).entries()) {
        const last = lastKnown(of, of.entity(entityKeyOf(source, kind, row)), knownTimes[row] as number);
        saw.epochs[at] = last < 0 ? firstEpoch : (of.epochs[last] as number);
        saw.seqs[at] = last < 0 ? 0 : (of.seqs[last] as number);
      }
      return saw;
    },
  });
}

/** The last record that was known at an instant; −1 where none was, or there is no such entity. */
function lastKnown({ start, knownTimes }: EntityHistories, entity: number, micros: number): number {
  if (entity < 0) return -1;
  return lastAtMost(knownTimes, start[entity] as number, start[entity + 1] as number, micros);
}
