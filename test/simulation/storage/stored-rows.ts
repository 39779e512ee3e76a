import { readDeletionVector, type VectorDescriptor } from '../../../src/storage/deletion-vectors/deletion-vector.ts';
import { decodeParquet, rowsOfBatch } from '../../../src/storage/parquet/parquet-read.ts';

/** A row of the simulated tables. */
export interface SimulatedRow {
  readonly id: number;
  readonly part: string;
  readonly value: number;
}

/** A live file, by what its log says. */
export interface LiveFile {
  readonly key: string;
  readonly part: string;
  readonly vector: VectorDescriptor | undefined;
}

/** Gives the bytes of an object. */
export type GetObject = (key: string) => Promise<Uint8Array | undefined>;

/** Reads rows without DuckDB, each data file once: 0.5 ms a version instead of 25. */
export class RowReader {
  readonly #decoded = new Map<string, readonly { readonly id: number; readonly value: number }[]>();
  readonly #table: string;

  constructor(table: string) {
    this.#table = table;
  }

  /** The rows of files, in their order. @throws Error for a file that is gone. */
  async rowsOf(files: Iterable<LiveFile>, get: GetObject): Promise<SimulatedRow[]> {
    const rows: SimulatedRow[] = [];
    for (const { key, part, vector } of files) {
      const all = await this.#decode(key, get);
      const gone = vector === undefined ? undefined : new Set(await this.#vector(vector, get));
      for (const [at, { id, value }] of all.entries()) if (gone?.has(at) !== true) rows.push({ id, part, value });
    }
    return rows;
  }

  async #decode(key: string, get: GetObject): Promise<readonly { readonly id: number; readonly value: number }[]> {
    // A file never changes, but it may be gone.
    const bytes = await get(key);
    if (bytes === undefined) throw new Error(`the data file ${key} is gone`);
    const known = this.#decoded.get(key);
    if (known !== undefined) return known;
    const rows: { id: number; value: number }[] = [];
    for await (const batch of decodeParquet(bytes, key, ['id', 'value'])) {
      for (const { id, value } of rowsOfBatch(batch)) rows.push({ id: Number(id), value: Number(value) });
    }
    this.#decoded.set(key, rows);
    return rows;
  }

  async #vector(descriptor: VectorDescriptor, get: GetObject): Promise<Iterable<number>> {
    return readDeletionVector(descriptor, async (place, { start, end }) => {
      const bytes = await get(`${this.#table}/${place.path}`);
      if (bytes === undefined) throw new Error(`the deletion vector ${place.path} is gone`);
      return bytes.slice(start, end);
    });
  }
}

/** Rows as one text, whatever their order. */
export function textOf(rows: readonly SimulatedRow[]): string {
  return rows
    .map(({ id, part, value }) => `${id}/${part}/${value}`)
    .sort()
    .join(' ');
}
