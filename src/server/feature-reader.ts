import { setImmediate as giveWay } from 'node:timers/promises';
import { AppError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import type { FeatureRead, FeatureReading } from '../features/online-store.ts';
import type { Metrics } from './metrics.ts';
import type { ServedSet } from './served-features.ts';

/** Reads rows of features beside the payments that are scored, and never ahead of them. */
export class FeatureReader {
  readonly #metrics: Metrics;
  #underWay = 0;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  /**
   * Reads every row of every set.
   *
   * @returns the readings of each set, in the order of the rows.
   * @throws AppError `overloaded`, `store_unavailable`.
   */
  async read(
    sets: Iterable<ServedSet>,
    rows: readonly FeatureRead[],
  ): Promise<ReadonlyMap<ServedSet, readonly FeatureReading[]>> {
    if (this.#underWay >= LIMITS.readsUnderWay) {
      throw new AppError('overloaded', `${this.#underWay} reads of features are under way, which is the limit`);
    }
    this.#underWay += 1;
    const started = performance.now();
    try {
      const readings = new Map<ServedSet, readonly FeatureReading[]>();
      for (const served of sets) readings.set(served, await readAll(served, rows));
      this.#metrics.observeRead(performance.now() - started, rows.length);
      return readings;
    } finally {
      this.#underWay -= 1;
    }
  }
}

async function readAll({ store }: ServedSet, rows: readonly FeatureRead[]): Promise<FeatureReading[]> {
  const readings: FeatureReading[] = [];
  for (let from = 0; from < rows.length; from += LIMITS.readRowsInOneGo) {
    if (from > 0) await giveWay();
    // One round trip to Redis for the piece: ioredis sends what is asked for at once together.
    const piece = rows.slice(from, from + LIMITS.readRowsInOneGo).map((row) => store.readFeatures(row));
    readings.push(...(await Promise.all(piece)));
  }
  return readings;
}
