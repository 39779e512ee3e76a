import { AppError } from '../../base/errors.ts';

/*
 * The footer of a Parquet file (parquet-format, README.md, "File format", and parquet.thrift), as much of it as
 * tells whether the file may be decoded at all:
 *
 *   file         = "PAR1" …, FileMetaData, uint32 its length (little-endian), "PAR1"
 *   FileMetaData = { 2: SchemaElement*, 4: RowGroup*, … }
 *   SchemaElement = { 4: name, 5: number of children, … }
 *   RowGroup     = { 2: bytes before compression, 3: rows, … }
 *
 * in Thrift's compact protocol. Read by us because parquet-wasm reads a footer only asynchronously, and there a
 * damaged one ends the process: its panic comes in no promise that could be caught.
 */

/** A group of rows, which is decoded at once. */
export interface RowGroup {
  readonly rows: number;
  /** Before compression, as the file says. */
  readonly sizeBytes: number;
}

/** What a footer says. */
export interface ParquetFooter {
  readonly groups: readonly RowGroup[];
  /** Names of the columns at the top. */
  readonly names: readonly string[];
  /** Columns that hold values, nested ones too. */
  readonly leaves: number;
}

/** A group of a checkpoint is 128 MB; WebAssembly has 4 GiB for it, its decoded form and Arrow's copy. */
const MAX_GROUP_BYTES = 1024 ** 3;
/** Null values take no bytes in a file and about 20 in memory: 300 bytes hold 60 M rows, which took 2.2 GB to decode. */
const MAX_GROUP_VALUES = 100_000_000;
/** Structs of Parquet's metadata nest five deep. */
const MAX_DEPTH = 16;

/**
 * Reads the footer of a Parquet file, and refuses one whose groups do not fit in memory.
 *
 * @param key how an error names the file.
 * @throws AppError table_corrupt.
 */
export function parquetFooter(bytes: Uint8Array, key: string): ParquetFooter {
  const footer = new FooterReader(metadataOf(bytes, key), key).footer();
  for (const { rows, sizeBytes } of footer.groups) {
    if (sizeBytes > MAX_GROUP_BYTES) throw corrupt(key, `a group of its rows has ${sizeBytes} bytes`);
    if (rows * footer.leaves > MAX_GROUP_VALUES) throw corrupt(key, `a group of its rows has ${rows} rows`);
  }
  return footer;
}

const MAGIC = 'PAR1';

function metadataOf(bytes: Uint8Array, key: string): Uint8Array {
  const end = bytes.length - 8;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isParquet = end >= 4 && String.fromCharCode(...bytes.subarray(end + 4)) === MAGIC;
  const length = isParquet ? view.getUint32(end, true) : 0;
  if (!isParquet || length > end - 4) throw corrupt(key, 'it has no footer');
  return bytes.subarray(end - length, end);
}

function corrupt(key: string, what: string): AppError {
  return new AppError('table_corrupt', `The file ${key} is no Parquet that can be read: ${what}`, { key });
}

/** Types of the compact protocol. */
const STOP = 0;
const [TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT] = [
  1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
] as const;

const decoder = new TextDecoder();

class FooterReader {
  readonly #bytes: Uint8Array;
  readonly #key: string;
  #at = 0;

  constructor(bytes: Uint8Array, key: string) {
    this.#bytes = bytes;
    this.#key = key;
  }

  footer(): ParquetFooter {
    const groups: RowGroup[] = [];
    const elements: SchemaElement[] = [];
    this.#struct(0, {
      2: () => this.#list(() => elements.push(this.#schemaElement())),
      4: () => this.#list(() => groups.push(this.#rowGroup())),
    });
    return { groups, names: topNames(elements), leaves: elements.filter(({ children }) => children === 0).length };
  }

  #rowGroup(): RowGroup {
    let [sizeBytes, rows] = [0, 0];
    this.#struct(1, {
      2: () => {
        sizeBytes = this.#count();
      },
      3: () => {
        rows = this.#count();
      },
    });
    return { rows, sizeBytes };
  }

  #schemaElement(): SchemaElement {
    let [name, children] = ['', 0];
    this.#struct(1, {
      4: () => {
        name = decoder.decode(this.#binary());
      },
      5: () => {
        children = this.#count();
      },
    });
    return { name, children };
  }

  /** Reads a struct: fields that are asked for by their handlers, the others are passed over. */
  #struct(depth: number, handlers: Readonly<Record<number, () => void>>): void {
    let id = 0;
    for (;;) {
      const header = this.#byte();
      if (header === STOP) return;
      const type = header & 15;
      id = header >> 4 === 0 ? this.#zigzag() : id + (header >> 4);
      const handler = handlers[id];
      if (handler !== undefined && (type === LIST || type === BINARY || type === I32 || type === I64)) handler();
      else this.#skip(type, depth + 1);
    }
  }

  #list(item: () => void): void {
    const { size } = this.#listHeader();
    for (let at = 0; at < size; at += 1) item();
  }

  #listHeader(): { readonly size: number; readonly type: number } {
    const header = this.#byte();
    const size = header >> 4 === 15 ? this.#varint() : header >> 4;
    // Each item takes a byte at least.
    if (size > this.#bytes.length - this.#at) throw this.#damaged();
    return { size, type: header & 15 };
  }

  #skip(type: number, depth: number): void {
    if (depth > MAX_DEPTH) throw this.#damaged();
    if (type === TRUE || type === FALSE) return;
    if (type === BYTE) this.#move(1);
    else if (type === I16 || type === I32 || type === I64) this.#varint();
    else if (type === DOUBLE) this.#move(8);
    else if (type === BINARY) this.#binary();
    else if (type === LIST || type === SET) this.#skipList(depth);
    else if (type === STRUCT) this.#struct(depth, {});
    else if (type === MAP) this.#skipMap(depth);
    else throw this.#damaged();
  }

  #skipList(depth: number): void {
    const { size, type } = this.#listHeader();
    for (let at = 0; at < size; at += 1) this.#skipItem(type, depth + 1);
  }

  #skipMap(depth: number): void {
    const size = this.#varint();
    if (size > this.#bytes.length - this.#at) throw this.#damaged();
    const types = size === 0 ? 0 : this.#byte();
    for (let at = 0; at < size; at += 1) {
      this.#skipItem(types >> 4, depth + 1);
      this.#skipItem(types & 15, depth + 1);
    }
  }

  /** In lists and maps a boolean takes a byte; in structs its type says it. */
  #skipItem(type: number, depth: number): void {
    if (type === TRUE || type === FALSE) this.#move(1);
    else this.#skip(type, depth);
  }

  #binary(): Uint8Array {
    const length = this.#varint();
    const start = this.#at;
    this.#move(length);
    return this.#bytes.subarray(start, start + length);
  }

  /** A number that is not negative. */
  #count(): number {
    const value = this.#zigzag();
    if (value < 0 || !Number.isSafeInteger(value)) throw this.#damaged();
    return value;
  }

  #zigzag(): number {
    const value = this.#varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  #varint(): number {
    let [value, unit] = [0, 1];
    for (let length = 0; length < 10; length += 1) {
      const byte = this.#byte();
      // Beyond 2^53 only the size matters, and it is refused.
      value += (byte & 127) * unit;
      if (byte < 128) return value;
      unit *= 128;
    }
    throw this.#damaged();
  }

  #byte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw this.#damaged();
    this.#at += 1;
    return byte;
  }

  #move(length: number): void {
    if (length > this.#bytes.length - this.#at) throw this.#damaged();
    this.#at += length;
  }

  #damaged(): AppError {
    return corrupt(this.#key, 'its footer is damaged');
  }
}

interface SchemaElement {
  readonly name: string;
  readonly children: number;
}

/** The schema is a tree in one list, each element before its children; the first is the root. */
function topNames(elements: readonly SchemaElement[]): string[] {
  const names: string[] = [];
  let below = 0;
  for (const { name, children } of elements.slice(1)) {
    if (below === 0) names.push(name);
    else below -= 1;
    below += children;
  }
  return names;
}
