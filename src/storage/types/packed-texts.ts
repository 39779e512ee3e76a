import { AppError } from '../../base/errors.ts';
import { nullMarks } from './null-marks.ts';

/** Texts as Arrow has them: row i is the UTF-8 `bytes` from `offsets[i]` to `offsets[i + 1]`. */
export interface PackedTexts {
  readonly kind: 'utf8';
  readonly bytes: Uint8Array;
  readonly offsets: Int32Array;
  /** A byte a row, 1 where the text is null (it is empty there); null where none is. */
  readonly nulls: Uint8Array | null;
}

/** Gathers texts as their bytes. */
export interface PackedTextSink {
  readonly kind: 'utf8';
  /** Copies a text: UTF-8 from `start` to `end`. */
  pushBytes(source: Uint8Array, start: number, end: number): void;
  pushNull(): void;
  take(): PackedTexts;
}

/** Bytes that texts are taken to have until they are seen. */
const TEXT_BYTES = 16;
/** Copied byte by byte up to here: a call of `set` takes as long as 40 bytes. */
const SHORT_BYTES = 40;

/** Starts gathering. @param expected rows, so that memory is taken once. */
export function packedTextSink(expected: number): PackedTextSink {
  let bytes = new Uint8Array(Math.max(4096, expected * TEXT_BYTES));
  let offsets = new Int32Array(Math.max(1, expected) + 1);
  const nulls = nullMarks();
  let rows = 0;
  let end = 0;
  const addRow = (): void => {
    rows += 1;
    if (rows >= offsets.length) {
      const bigger = new Int32Array(offsets.length * 2 + 1);
      bigger.set(offsets);
      offsets = bigger;
    }
    offsets[rows] = end;
  };
  return {
    kind: 'utf8',
    pushBytes(source, start, stop) {
      const next = end + stop - start;
      if (next > bytes.length) bytes = grown(bytes, next);
      if (stop - start > SHORT_BYTES) bytes.set(source.subarray(start, stop), end);
      else for (let from = start, to = end; from < stop; from += 1, to += 1) bytes[to] = source[from] as number;
      end = next;
      addRow();
    },
    pushNull() {
      nulls.mark(rows);
      addRow();
    },
    take() {
      const taken: PackedTexts = {
        kind: 'utf8',
        bytes: bytes.slice(0, end),
        offsets: offsets.slice(0, rows + 1),
        nulls: nulls.take(rows),
      };
      rows = 0;
      end = 0;
      return taken;
    },
  };
}

/** What offsets of 32 bits reach. */
const MOST_TEXT_BYTES = 2 ** 31 - 1;

/** @throws AppError table_unsupported for more than 2 GiB of texts. */
function grown(bytes: Uint8Array<ArrayBuffer>, wanted: number): Uint8Array<ArrayBuffer> {
  if (wanted > MOST_TEXT_BYTES) {
    throw new AppError('table_unsupported', 'A column holds more than 2 GiB of texts: read it in chunks');
  }
  const bigger = new Uint8Array(Math.min(MOST_TEXT_BYTES, Math.max(wanted, bytes.length * 2)));
  bigger.set(bytes);
  return bigger;
}
