import { assert } from '../../base/assert.ts';
import type { ColumnData, ListData } from './column-data.ts';

type Of<K extends ColumnData['kind']> = Extract<ColumnData, { readonly kind: K }>;

/**
 * Parts of one column, one after another, as one column.
 *
 * @param parts one at least, all of the same kind; packed texts are not joined.
 */
export function joinColumns(parts: readonly [ColumnData, ...ColumnData[]]): ColumnData {
  const [first] = parts;
  if (parts.length === 1) return first;
  switch (first.kind) {
    case 'string':
      return { kind: 'string', values: ofKind(parts, 'string').flatMap(({ values }) => values) };
    case 'binary':
      return { kind: 'binary', values: ofKind(parts, 'binary').flatMap(({ values }) => values) };
    case 'int64': {
      const values = new BigInt64Array(rowsOf(ofKind(parts, 'int64')));
      return { kind: 'int64', values, ...joinFixed(ofKind(parts, 'int64'), values) };
    }
    case 'int32': {
      const values = new Int32Array(rowsOf(ofKind(parts, 'int32')));
      return { kind: 'int32', values, ...joinFixed(ofKind(parts, 'int32'), values) };
    }
    case 'float64': {
      const values = new Float64Array(rowsOf(ofKind(parts, 'float64')));
      return { kind: 'float64', values, ...joinFixed(ofKind(parts, 'float64'), values) };
    }
    case 'boolean': {
      const values = new Uint8Array(rowsOf(ofKind(parts, 'boolean')));
      return { kind: 'boolean', values, ...joinFixed(ofKind(parts, 'boolean'), values) };
    }
    case 'list':
      return joinLists(ofKind(parts, 'list'));
    case 'utf8':
      throw new Error('assertion failed: packed texts are read in one part');
  }
}

function ofKind<K extends ColumnData['kind']>(parts: readonly ColumnData[], kind: K): Of<K>[] {
  return parts.map((part) => {
    assert(part.kind === kind, `every part of a column is of one kind: ${kind}, not ${part.kind}`);
    return part as Of<K>;
  });
}

function rowsOf(parts: readonly FixedData[]): number {
  return parts.reduce((sum, { values }) => sum + values.length, 0);
}

type FixedData = Of<'int64' | 'int32' | 'float64' | 'boolean'>;

/** @param joined room for all of them. */
function joinFixed<T extends FixedData>(parts: readonly T[], joined: T['values']): Pick<FixedData, 'nulls'> {
  let at = 0;
  for (const { values } of parts) {
    // Both are of the kind that the parts have: numbers, or bigints.
    (joined as Float64Array).set(values as Float64Array, at);
    at += values.length;
  }
  const lengths = parts.map(({ values }) => values.length);
  const marks = parts.map(({ nulls }) => nulls);
  return { nulls: joinNulls(marks, lengths) };
}

function joinLists(parts: readonly ListData[]): ListData {
  const lengths = parts.map(({ offsets }) => offsets.length - 1);
  const offsets = new Int32Array(lengths.reduce((sum, rows) => sum + rows, 1));
  let row = 0;
  for (const part of parts) {
    const before = offsets[row] as number;
    for (let at = 1; at < part.offsets.length; at += 1) {
      row += 1;
      offsets[row] = before + (part.offsets[at] as number);
    }
  }
  const nulls = joinNulls(
    parts.map((part) => part.nulls),
    lengths,
  );
  const [first, ...others] = parts.map(({ child }) => child);
  return { kind: 'list', offsets, child: joinColumns([first as ColumnData, ...others]), nulls };
}

function joinNulls(parts: readonly (Uint8Array | null)[], lengths: readonly number[]): Uint8Array | null {
  if (parts.every((part) => part === null)) return null;
  const nulls = new Uint8Array(lengths.reduce((sum, rows) => sum + rows, 0));
  let at = 0;
  for (const [index, part] of parts.entries()) {
    if (part !== null) nulls.set(part, at);
    at += lengths[index] as number;
  }
  return nulls;
}
