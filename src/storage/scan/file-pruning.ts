import type { ExactJson } from '../../base/exact-json.ts';
import { compareUtf8 } from '../store/object-store.ts';
import type { DeltaType } from '../types/delta-type.ts';
import { parsePartitionValue } from '../types/partition-values.ts';
import type { StatisticsTree } from '../types/statistics.ts';
import type { DataFile, Snapshot } from './snapshot.ts';

/** A comparison of a top-level column with a value. Null never passes. */
export interface Comparison {
  readonly column: string;
  readonly op: '=' | '<' | '<=' | '>' | '>=';
  /** Timestamps in microseconds, dates in days. */
  readonly value: string | number | bigint | boolean;
}

/**
 * The files of a snapshot that may hold a row which passes all comparisons, by partition values and
 * statistics. A file that says nothing stays in.
 */
export function pruneFiles(snapshot: Snapshot, comparisons: readonly Comparison[]): readonly DataFile[] {
  const tests = comparisons.map((comparison) => fileTest(snapshot, comparison));
  return snapshot.files.filter((file) => tests.every((mayPass) => mayPass(file)));
}

type Comparable = string | number | bigint | boolean;

function fileTest(snapshot: Snapshot, { column, op, value }: Comparison): (file: DataFile) => boolean {
  const type = snapshot.schema.fields.find(({ name }) => name === column)?.type;
  if (type === undefined) return () => true;
  if (snapshot.partitionColumns.includes(column)) {
    return (file) => {
      const own = parsePartitionValue(type, file.partitionValues[column] ?? null, column);
      if (own === null || own instanceof Uint8Array) return false;
      return inBounds(op, value, own, own);
    };
  }
  return (file) => {
    const statistics = file.statistics();
    if (statistics === undefined) return true;
    if (statistics.numRecords === 0 || statistics.nullCount[column] === statistics.numRecords) return false;
    const min = boundOf(type, statistics.minValues, column, 0n);
    // Spark cuts timestamps to milliseconds: the greatest may lie up to 999 µs above its bound.
    const max = boundOf(type, statistics.maxValues, column, 999n);
    return inBounds(op, value, min, max);
  };
}

/** Whether a value between the bounds can pass. NaN, which is above every bound, passes no `=` and no `<`. */
function inBounds(
  op: Comparison['op'],
  value: Comparable,
  min: Comparable | undefined,
  max: Comparable | undefined,
): boolean {
  const low = min === undefined ? undefined : compare(min, value);
  const high = max === undefined ? undefined : compare(max, value);
  switch (op) {
    case '=':
      return (low === undefined || low <= 0) && (high === undefined || high >= 0);
    case '<':
      return low === undefined || low < 0;
    case '<=':
      return low === undefined || low <= 0;
    case '>':
      return high === undefined || high > 0;
    case '>=':
      return high === undefined || high >= 0;
  }
}

/** Order of two values of one kind; undefined where they cannot be compared. */
function compare(left: Comparable, right: Comparable): number | undefined {
  if (typeof left === 'string' && typeof right === 'string') return compareUtf8(left, right);
  if (typeof left === 'string' || typeof right === 'string') return undefined;
  if (left < right) return -1;
  return left > right ? 1 : 0;
}

function boundOf(type: DeltaType, bounds: StatisticsTree, column: string, slackMicros: bigint): Comparable | undefined {
  const bound: ExactJson | undefined = bounds[column];
  if (typeof bound === 'number' || typeof bound === 'bigint') return bound;
  if (typeof bound !== 'string') return undefined;
  if (type === 'string') return bound;
  if (type === 'date') {
    const days = Date.parse(`${bound}T00:00:00Z`) / 86_400_000;
    return Number.isInteger(days) ? days : undefined;
  }
  if (type !== 'timestamp') return undefined;
  const micros = microsOf(bound);
  return micros === undefined ? undefined : micros + slackMicros;
}

/** Microseconds of an ISO instant of any zone; undefined for other texts. */
function microsOf(text: string): bigint | undefined {
  const match = /^(.{10})[T ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})?$/.exec(text);
  if (match === null) return undefined;
  const seconds = Date.parse(`${match[1]}T${match[2]}${match[4] ?? 'Z'}`);
  if (Number.isNaN(seconds)) return undefined;
  return BigInt(seconds) * 1000n + BigInt((match[3] ?? '').padEnd(6, '0').slice(0, 6));
}
