import type { ObjectStore } from '../storage/store/object-store.ts';
import type { CellRow } from '../storage/types/cell.ts';
import { exportFileRows } from './export-reader.ts';
import type { ExportManifest } from './manifest.ts';

/** Rows of one instant, by their keys. */
export interface RowsOfInstant {
  readonly micros: number;
  readonly rows: ReadonlyMap<string, CellRow>;
}

/** The key of a row for people and for finding it again. */
export function rowKey(row: CellRow): string {
  if (row.row !== undefined) return `row ${String(row.row)}`;
  return `${String(row.end_to_end_id)} ${String(row.side)}`;
}

/**
 * All rows of an export, instant after instant, whatever files they are in: each file is in the order
 * of time, so memory holds the rows of one instant beside what reading takes: of a CSV file or a Delta
 * table some rows, of any other its bytes.
 */
export async function* rowsByInstant(files: ObjectStore, manifest: ExportManifest): AsyncGenerator<RowsOfInstant> {
  const { fileFormat, columns } = manifest;
  const open = manifest.files.map(({ name }) => exportFileRows(files, name, fileFormat, columns));
  try {
    yield* merged(open);
  } finally {
    // One that is left in mid-file keeps its DuckDB open.
    await Promise.all(open.map((rows) => rows.return(undefined)));
  }
}

async function* merged(open: readonly AsyncGenerator<CellRow>[]): AsyncGenerator<RowsOfInstant> {
  const heads = await Promise.all(open.map((rows) => rows.next()));
  const microsAt = (at: number): number => {
    const head = heads[at];
    return head === undefined || head.done === true ? Number.POSITIVE_INFINITY : Number(head.value.event_time);
  };
  for (;;) {
    const micros = heads.reduce((least, _, at) => Math.min(least, microsAt(at)), Number.POSITIVE_INFINITY);
    if (micros === Number.POSITIVE_INFINITY) return;
    const rows = new Map<string, CellRow>();
    for (const [at, source] of open.entries()) {
      while (microsAt(at) === micros) {
        const head = heads[at];
        if (head !== undefined && head.done !== true) rows.set(rowKey(head.value), head.value);
        heads[at] = await source.next();
      }
    }
    yield { micros, rows };
  }
}
