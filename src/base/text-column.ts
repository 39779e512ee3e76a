/** Texts by row, from 0; null where there is none. An array of texts is such a column too. */
export interface TextColumn<T extends string | null = string | null> extends Iterable<T> {
  readonly length: number;
  /** The text of a row; undefined beyond the last. */
  at(row: number): T | undefined;
}

/** The rows of one column before those of another. */
export function joinedTexts<T extends string | null>(first: TextColumn<T>, second: TextColumn<T>): TextColumn<T> {
  return {
    length: first.length + second.length,
    at: (row) => (row < first.length ? first.at(row) : second.at(row - first.length)),
    *[Symbol.iterator]() {
      yield* first;
      yield* second;
    },
  };
}

/** The first rows of a column. */
export function firstTexts<T extends string | null>(texts: TextColumn<T>, count: number): TextColumn<T> {
  return {
    length: count,
    at: (row) => (row < count ? texts.at(row) : undefined),
    *[Symbol.iterator]() {
      for (let row = 0; row < count; row += 1) yield texts.at(row) as T;
    },
  };
}
