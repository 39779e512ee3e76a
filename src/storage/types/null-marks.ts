/** Gathers which rows of a column are null. */
export interface NullMarks {
  mark(row: number): void;
  /** A byte a row, 1 where it is null; null where no row is. Begins anew. */
  take(rows: number): Uint8Array | null;
}

/** Starts gathering. */
export function nullMarks(): NullMarks {
  let marks: Uint8Array | null = null;
  return {
    mark(row) {
      if (marks === null || row >= marks.length) {
        const bigger = new Uint8Array(Math.max(row + 1, 4096, (marks?.length ?? 0) * 2));
        if (marks !== null) bigger.set(marks);
        marks = bigger;
      }
      marks[row] = 1;
    },
    take(rows) {
      if (marks === null) return null;
      const taken = new Uint8Array(rows);
      taken.set(marks.subarray(0, Math.min(rows, marks.length)));
      marks = null;
      return taken;
    },
  };
}
