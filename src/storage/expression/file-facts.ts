import type { Cell } from '../types/cell.ts';
import type { DeltaType } from '../types/delta-type.ts';
import type { BoundColumn } from './bound-expression.ts';
import { decodeCell } from './cell-codec.ts';
import { comparatorOf } from './compare-values.ts';
import { isFloating } from './type-rules.ts';
import { anyValue, singleValue, type ValueRange } from './value-range.ts';

/**
 * What a table's log says of a file (PROTOCOL.md, "Per-file Statistics" and "Partition Value
 * Serialization"). Whether its bounds are tight is not asked for: wide ones enclose the rows that are
 * left, too, and of null counts only 0 and all rows are taken, which hold of both.
 */
export interface FileFacts {
  /** Rows in the file, deleted ones too. */
  readonly numRecords: number | undefined;
  /** The value that all rows of the file have, where the column is one of the partition. */
  partitionValue(path: readonly string[]): { readonly known: true; readonly value: Cell } | { readonly known: false };
  /** A value that none is less than; of the column's type as rows have it. Strings may be cut off. */
  min(path: readonly string[]): Cell | undefined;
  /** A value that none is greater than, but timestamps, which are cut to milliseconds. */
  max(path: readonly string[]): Cell | undefined;
  /** How many values are null, as the log has it. */
  nullCount(path: readonly string[]): number | undefined;
}

/** A file of a table, which is one of the relations where the scope has some. */
export interface KnownFile {
  readonly facts: FileFacts;
  readonly relation: string | undefined;
}

/**
 * The range of a column in a file. Of other relations nothing is known.
 *
 * A float may be NaN whatever the statistics say: many writers leave it out of the greatest value.
 *
 * @throws AppError invalid_request for a bound that is not of the column's type.
 */
export function columnRange({ type, relation, path }: BoundColumn, { facts, relation: own }: KnownFile): ValueRange {
  if (relation !== own) return anyValue(type);
  const partition = facts.partitionValue(path);
  if (partition.known) return singleValue(decodeCell(type, partition.value, path.join('.')));
  const nullCount = facts.nullCount(path);
  if (nullCount !== undefined && nullCount === facts.numRecords) return singleValue(null);
  const low = boundOf(type, facts.min(path), path);
  const high = withSlack(type, boundOf(type, facts.max(path), path));
  // Bounds that contradict each other say nothing.
  const isBroken = low !== undefined && high !== undefined && comparatorOf(type, type)(low, high) > 0;
  return {
    low: isBroken ? undefined : low,
    high: isBroken ? undefined : high,
    mayBeNull: nullCount !== 0,
    mayBeValue: true,
    mayBeNan: isFloating(type),
  };
}

function boundOf(type: DeltaType, bound: Cell | undefined, path: readonly string[]): Cell | undefined {
  const decoded = decodeCell(type, bound ?? null, `a bound of ${path.join('.')}`);
  return decoded === null || Number.isNaN(decoded) ? undefined : decoded;
}

/** What a bound that is cut to milliseconds may lack. */
const CUT_MICROS = 999n;

function withSlack(type: DeltaType, high: Cell | undefined): Cell | undefined {
  const isInstant = type === 'timestamp' || type === 'timestamp_ntz';
  return isInstant && typeof high === 'bigint' ? high + CUT_MICROS : high;
}
