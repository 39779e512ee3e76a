import { type Data, DataType, makeVector, TimeUnit } from 'apache-arrow';
import { AppError } from '../../base/errors.ts';
import type { Cell } from './cell.ts';
import { decimalText } from './decimal.ts';

/** Reads the values of an array by row. */
export type CellReader = (row: number) => Cell;

// Without the option a U+FEFF at the start of a text is dropped.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * Reads an array from its buffers: arrow-js rounds timestamps, and throws on those beyond 2^53.
 *
 * @throws AppError table_unsupported for a type that no column of ours has.
 */
export function cellReader(data: Data): CellReader {
  const read = validReader(data);
  if (data.nullCount === 0) return read;
  const { nullBitmap, offset } = data;
  return (row) => (isValid(nullBitmap, offset + row) ? read(row) : null);
}

/** Whether a bit of a bitmap is set; an empty bitmap has all set. */
export function isValid(bitmap: Uint8Array | null | undefined, at: number): boolean {
  return (
    bitmap === null ||
    bitmap === undefined ||
    bitmap.length === 0 ||
    ((bitmap[at >> 3] as number) & (1 << (at & 7))) !== 0
  );
}

function validReader(data: Data): CellReader {
  const { type, offset, values, valueOffsets: offsets } = data;
  if (DataType.isInt(type) || DataType.isFloat(type)) return (row) => values[row] as Cell;
  if (DataType.isBool(type)) return (row) => isValid(values, offset + row);
  if (DataType.isTimestamp(type)) return timestampReader(values, type.unit);
  if (DataType.isDate(type) && values instanceof Int32Array) return (row) => values[row] as number;
  if (DataType.isUtf8(type) || DataType.isLargeUtf8(type)) {
    return (row) => decoder.decode(values.subarray(Number(offsets[row]), Number(offsets[row + 1])));
  }
  if (DataType.isBinary(type) || DataType.isLargeBinary(type)) {
    return (row) => values.slice(Number(offsets[row]), Number(offsets[row + 1]));
  }
  if (DataType.isFixedSizeBinary(type)) {
    return (row) => values.slice(row * type.byteWidth, (row + 1) * type.byteWidth);
  }
  if (DataType.isDecimal(type)) return decimalReader(values, type.bitWidth / 32, type.scale);
  if (DataType.isStruct(type)) return structReader(data);
  if (DataType.isList(type)) return listReader(data);
  if (DataType.isMap(type)) return mapReader(data);
  if (DataType.isUtf8View(type) || DataType.isBinaryView(type) || DataType.isDictionary(type)) {
    const vector = makeVector(data);
    return (row) => vector.get(row) as Cell;
  }
  throw new AppError('table_unsupported', `Columns of the Arrow type ${String(type)} are not supported`);
}

/** Microseconds of a timestamp in any unit. */
function timestampReader(values: BigInt64Array, unit: TimeUnit): CellReader {
  switch (unit) {
    case TimeUnit.SECOND:
      return (row) => (values[row] as bigint) * 1_000_000n;
    case TimeUnit.MILLISECOND:
      return (row) => (values[row] as bigint) * 1000n;
    case TimeUnit.MICROSECOND:
      return (row) => values[row] as bigint;
    default:
      return (row) => {
        const nanos = values[row] as bigint;
        return (nanos - (((nanos % 1000n) + 1000n) % 1000n)) / 1000n;
      };
  }
}

/** Decimals of 128 or 256 bits in 32-bit words, as texts. */
function decimalReader(words: Uint32Array | Int32Array, wordsEach: number, scale: number): CellReader {
  return (row) => {
    let unscaled = 0n;
    for (let word = wordsEach - 1; word >= 0; word -= 1) {
      unscaled = (unscaled << 32n) | BigInt((words[row * wordsEach + word] as number) >>> 0);
    }
    return decimalText(BigInt.asIntN(32 * wordsEach, unscaled), scale);
  };
}

function structReader(data: Data): CellReader {
  const fields = (data.type as { readonly children?: readonly { readonly name: string }[] }).children ?? [];
  const readers = data.children.map((child) => cellReader(child));
  return (row) => {
    const value: Record<string, Cell> = {};
    fields.forEach(({ name }, at) => {
      value[name] = readers[at]?.(data.offset + row) ?? null;
    });
    return value;
  };
}

function listReader(data: Data): CellReader {
  const [child] = data.children;
  if (child === undefined) return () => [];
  const read = cellReader(child);
  const offsets = data.valueOffsets;
  return (row) => {
    const values: Cell[] = [];
    for (let at = Number(offsets[row]); at < Number(offsets[row + 1]); at += 1) values.push(read(at));
    return values;
  };
}

function mapReader(data: Data): CellReader {
  const [entries] = data.children;
  const [keys, items] = entries?.children ?? [];
  if (keys === undefined || items === undefined) return () => [];
  const readKey = cellReader(keys);
  const readItem = cellReader(items);
  const offsets = data.valueOffsets;
  return (row) => {
    const pairs: Cell[] = [];
    for (let at = Number(offsets[row]); at < Number(offsets[row + 1]); at += 1) pairs.push([readKey(at), readItem(at)]);
    return pairs;
  };
}
