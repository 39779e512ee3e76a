import type { FeatureOutput } from '../features/feature-output.ts';
import { FEATURE_STATUS_NAMES } from '../features/feature-status.ts';
import type { WrittenColumn } from '../storage/parquet/parquet-write.ts';

/** Features of rows that come one after another, as the columns of an answer: each as doubles, with its status behind it where asked. */
export class FeatureCells {
  readonly #places: readonly number[];
  readonly #withStatuses: boolean;
  readonly #floats: Float64Array;
  readonly #statuses: readonly string[][];
  #rows = 0;

  /** @param places of the features in a vector, in the order of the answer. @param rows how many come at most. */
  constructor(places: readonly number[], withStatuses: boolean, rows: number) {
    this.#places = places;
    this.#withStatuses = withStatuses;
    this.#floats = new Float64Array(rows * places.length);
    this.#statuses = places.map(() => []);
  }

  add({ values, status }: FeatureOutput): void {
    const base = this.#rows * this.#places.length;
    for (let at = 0; at < this.#places.length; at += 1) {
      const place = this.#places[at] as number;
      this.#floats[base + at] = values[place] as number;
      if (this.#withStatuses) this.#statuses[at]?.push(FEATURE_STATUS_NAMES[status[place] as number] ?? 'unknown');
    }
    this.#rows += 1;
  }

  columns(): WrittenColumn[] {
    const stride = this.#places.length;
    return this.#places.flatMap((_, at): WrittenColumn[] => [
      { floats: this.#floats, offset: at, stride },
      ...(this.#withStatuses ? [this.#statuses[at] ?? []] : []),
    ]);
  }
}
