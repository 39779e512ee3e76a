import { grown } from './column-validity.ts';

/** The values of a column of texts or bytes, one after another, and where each ends. */
export interface ByteColumn {
  readonly rows: number;
  add(value: Uint8Array): void;
  /**
   * Adds texts as UTF-8; null has no bytes. They are joined and encoded at once: a call for each
   * costs five times as much.
   *
   * @returns whether every character was ASCII.
   */
  addTexts(values: readonly (string | null)[]): boolean;
  /** The bytes of all values, in a buffer of their own. */
  data(): Uint8Array;
  /** Where each value starts, and the end: `rows + 1` offsets. */
  valueOffsets(): Int32Array;
}

const FIRST_ROWS = 256;
const FIRST_BYTES = 4096;

/** Starts a column. */
export function byteColumn(): ByteColumn {
  let bytes: Uint8Array = new Uint8Array(FIRST_BYTES);
  let offsets = new Int32Array(FIRST_ROWS);
  let rows = 0;
  let end = 0;
  const reserve = (moreRows: number, moreBytes: number): void => {
    if (end + moreBytes > bytes.length) bytes = grown(bytes, end + moreBytes);
    if (rows + moreRows < offsets.length) return;
    const more = new Int32Array(Math.max(offsets.length * 2, rows + moreRows + 1));
    more.set(offsets);
    offsets = more;
  };
  const addLength = (length: number): void => {
    rows += 1;
    end += length;
    offsets[rows] = end;
  };
  const add = (value: Uint8Array): void => {
    reserve(1, value.length);
    bytes.set(value, end);
    addLength(value.length);
  };
  return {
    get rows() {
      return rows;
    },
    add,
    addTexts(values) {
      const joined = Buffer.from(values.join(''), 'utf8');
      const isAscii = joined.length === lengthOf(values, (value) => value.length);
      const sizeOf = isAscii ? (value: string) => value.length : (value: string) => Buffer.byteLength(value, 'utf8');
      if (isAscii || joined.length === lengthOf(values, sizeOf)) {
        reserve(values.length, joined.length);
        bytes.set(joined, end);
        for (const value of values) addLength(value === null ? 0 : sizeOf(value));
      } else {
        // Halves of a surrogate pair met where two texts join: each alone is U+FFFD.
        for (const value of values) add(Buffer.from(value ?? '', 'utf8'));
      }
      return isAscii;
    },
    data: () => bytes.slice(0, end),
    valueOffsets: () => offsets.slice(0, rows + 1),
  };
}

function lengthOf(values: readonly (string | null)[], sizeOf: (value: string) => number): number {
  let length = 0;
  for (const value of values) if (value !== null) length += sizeOf(value);
  return length;
}
