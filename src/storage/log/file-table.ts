import { assert } from '../../base/assert.ts';
import type { AddFile, DeletionVectorDescriptor, PartitionValues, RemoveFile } from './actions.ts';
import { hashBytes, KeyIndex } from './key-index.ts';

/*
 * The files of a table through its versions, in columns: 1 M files of a checkpoint stay as the
 * checkpoint's own buffers, and are parsed one by one when they are asked for. Rows are only ever
 * added; a row says at which version it was removed. So snapshots share one table, each sees the
 * rows below its own end that were not removed by then, and the next version costs what its commit holds.
 */

/** Some rows of the table, wherever they come from. */
export interface FileChunk {
  readonly rows: number;
  add(row: number): AddFile;
  path(row: number): string;
  sizeBytes(row: number): number;
  partitionValues(row: number): PartitionValues;
  vector(row: number): DeletionVectorDescriptor | undefined;
  /** Whether two rows have the same partition values for sure: cheap, may say no. */
  samePartition(row: number, other: number): boolean;
  /** Where the path's bytes are; undefined where there are none, or it must be decoded first. */
  pathBytes?(row: number): { readonly bytes: Uint8Array; readonly start: number; readonly end: number } | undefined;
}

/** How a file is told from another: its object's key, and its deletion vector's id. */
export interface FileKeys {
  /** @throws AppError for a path that names nothing in the store. */
  keyOf(path: string): string;
  /** The prefix of keys of relative paths. */
  readonly prefix: string;
}

const NEVER = Number.POSITIVE_INFINITY;
const encoder = new TextEncoder();

/** All files that were ever live since the table was read. */
export class FileTable {
  readonly #keys: FileKeys;
  readonly #index = new KeyIndex();
  readonly #chunks: { readonly chunk: FileChunk; readonly first: number }[] = [];
  readonly #prefixBytes: Uint8Array;
  #removedAt = new Float64Array(512);
  #partitions = new Int32Array(512);
  readonly #partitionIds = new Map<string, number>();
  readonly #partitionValues: PartitionValues[] = [];
  #open: AddFile[] | undefined;

  constructor(keys: FileKeys) {
    this.#keys = keys;
    this.#prefixBytes = encoder.encode(keys.prefix);
  }

  /** Rows, removed ones included. */
  get rows(): number {
    return this.#index.count;
  }

  /** Distinct partition values, by their number. */
  get partitionValues(): readonly PartitionValues[] {
    return this.#partitionValues;
  }

  /** Adds a chunk of rows of a checkpoint, all of them live, no two of one file. */
  addChunk(chunk: FileChunk): void {
    const first = this.rows;
    this.#reserve(first + chunk.rows);
    this.#chunks.push({ chunk, first });
    this.#open = undefined;
    let partition = -1;
    for (let row = 0; row < chunk.rows; row += 1) {
      if (row === 0 || !chunk.samePartition(row - 1, row)) partition = this.#partitionId(chunk.partitionValues(row));
      this.#partitions[first + row] = partition;
      this.#index.add(this.#hashOfRow(chunk, row));
    }
  }

  /**
   * Adds a file at a version; one of the same key that is live is replaced.
   *
   * @returns the row that it replaced; −1 where there was none.
   */
  add(add: AddFile, version: number): number {
    const replaced = this.remove(add, version);
    const row = this.rows;
    this.#reserve(row + 1);
    if (this.#open === undefined) {
      this.#open = [];
      this.#chunks.push({ chunk: listChunk(this.#open), first: row });
    }
    this.#open.push(add);
    this.#partitions[row] = this.#partitionId(add.partitionValues);
    this.#index.add(this.#hashOf(this.#keys.keyOf(add.path), add.deletionVector));
    return replaced;
  }

  /** Removes a file at a version. @returns its row; −1 where no such file is live. */
  remove({ path, deletionVector }: Pick<RemoveFile, 'path' | 'deletionVector'>, version: number): number {
    const row = this.find(this.#keys.keyOf(path), deletionVector);
    if (row >= 0) this.#removedAt[row] = version;
    return row;
  }

  /** The live row of a key; −1 where there is none. */
  find(key: string, vector: DeletionVectorDescriptor | undefined): number {
    const hash = this.#hashOf(key, vector);
    const row = this.#index.findLast(hash, (candidate) => this.#isFile(candidate, key, vector));
    return row >= 0 && this.#removedAt[row] === NEVER ? row : -1;
  }

  /** Whether a row is live at a version that has rows below `end`. */
  isLive(row: number, version: number): boolean {
    return (this.#removedAt[row] as number) > version;
  }

  /** The number of a row's partition values. */
  partitionOf(row: number): number {
    return this.#partitions[row] as number;
  }

  /** The action that added a row. */
  addOf(row: number): AddFile {
    const { chunk, first } = this.#chunkOf(row);
    return chunk.add(row - first);
  }

  /** The object's key of a row. */
  keyOfRow(row: number): string {
    const { chunk, first } = this.#chunkOf(row);
    return this.#keys.keyOf(chunk.path(row - first));
  }

  /** The size that the log names of a row's file. */
  sizeOf(row: number): number {
    const { chunk, first } = this.#chunkOf(row);
    return chunk.sizeBytes(row - first);
  }

  #isFile(row: number, key: string, vector: DeletionVectorDescriptor | undefined): boolean {
    const { chunk, first } = this.#chunkOf(row);
    const own = chunk.vector(row - first);
    return vectorId(own) === vectorId(vector) && this.#keys.keyOf(chunk.path(row - first)) === key;
  }

  #hashOfRow(chunk: FileChunk, row: number): number {
    const vector = chunk.vector(row);
    const raw = vector === undefined ? chunk.pathBytes?.(row) : undefined;
    if (raw === undefined) return this.#hashOf(this.#keys.keyOf(chunk.path(row)), vector);
    // What `hashOf` gives for the key: it hashes the prefix and the path apart.
    return combined(
      hashBytes(this.#prefixBytes, 0, this.#prefixBytes.length),
      hashBytes(raw.bytes, raw.start, raw.end),
    );
  }

  #hashOf(key: string, vector: DeletionVectorDescriptor | undefined): number {
    const bytes = encoder.encode(key);
    const split = key.startsWith(this.#keys.prefix) ? this.#prefixBytes.length : 0;
    const hash = combined(hashBytes(bytes, 0, split), hashBytes(bytes, split, bytes.length));
    if (vector === undefined) return hash;
    const id = encoder.encode(vectorId(vector));
    return combined(hash, hashBytes(id, 0, id.length));
  }

  #partitionId(values: PartitionValues): number {
    const key = JSON.stringify(values);
    const known = this.#partitionIds.get(key);
    if (known !== undefined) return known;
    this.#partitionIds.set(key, this.#partitionValues.length);
    this.#partitionValues.push(values);
    return this.#partitionValues.length - 1;
  }

  #chunkOf(row: number): { readonly chunk: FileChunk; readonly first: number } {
    let low = 0;
    let high = this.#chunks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#chunks[middle]?.first ?? 0) <= row) low = middle;
      else high = middle - 1;
    }
    const found = this.#chunks[low];
    assert(found !== undefined && row < this.rows, 'a row of the table');
    return found;
  }

  #reserve(rows: number): void {
    this.#index.reserve(rows);
    const had = this.#removedAt.length;
    if (rows <= had && this.rows > 0) return;
    const room = Math.max(rows, had * 2);
    const removedAt = new Float64Array(room).fill(NEVER);
    removedAt.set(this.#removedAt.subarray(0, this.rows));
    this.#removedAt = removedAt;
    const partitions = new Int32Array(room);
    partitions.set(this.#partitions.subarray(0, this.rows));
    this.#partitions = partitions;
  }
}

/** The unique id of a deletion vector (PROTOCOL.md, "Derived Fields"); empty for none. */
export function vectorId(vector: DeletionVectorDescriptor | undefined): string {
  if (vector === undefined) return '';
  const { storageType, pathOrInlineDv, offset } = vector;
  return offset === undefined ? `${storageType}${pathOrInlineDv}` : `${storageType}${pathOrInlineDv}@${offset}`;
}

function combined(left: number, right: number): number {
  return (Math.imul(left ^ (right >>> 16), 0x9e3779b1) + right) | 0;
}

/** Files of commits, as the log's own objects. */
function listChunk(adds: readonly AddFile[]): FileChunk {
  const at = (row: number): AddFile => adds[row] as AddFile;
  return {
    get rows() {
      return adds.length;
    },
    add: at,
    path: (row) => at(row).path,
    sizeBytes: (row) => Number(at(row).size),
    partitionValues: (row) => at(row).partitionValues,
    vector: (row) => at(row).deletionVector,
    samePartition: () => false,
  };
}
