/** Where pages of numbers lie. A page is written once, and read until it is given back. */
export interface PageStore {
  /** Writes a page and says its number; it does not fail. @param numbers as many as a page has. */
  write(numbers: Float64Array): number;
  /**
   * A page's numbers, to be read at once: a store that keeps pages on disk uses the memory of a few again and again.
   *
   * @throws AppError `state_damaged`.
   */
  read(page: number): Float64Array;
  /** A page is not needed any more. */
  free(page: number): void;
  /** What a snapshot needs to name the pages as they are; null where they are in memory, and no snapshot can. @throws where the disk takes them not. */
  saved(): SavedPages | null;
  /** A snapshot that names the pages as they are is in place: they are not written over until the next one is. */
  pin(): void;
  /** Takes pages as a snapshot named them. @returns why they cannot be used; undefined where they can. */
  restore(saved: SavedPages): string | undefined;
  /** Gives files back. Nothing is read any more. */
  close(): void;
}

/** Pages on disk, as a snapshot names them. */
export interface SavedPages {
  /** Of the file; a file that was made anew has another one. */
  readonly id: string;
  /** Pages in the file. */
  readonly count: number;
  /** Those that hold nothing. */
  readonly free: readonly number[];
}

/** The pages of one kind of entity. */
export interface KindPages {
  /** Pages of events. */
  readonly events: PageStore;
  /** Pages of summaries. */
  readonly index: PageStore;
}
