import type { FeatureSet } from '../features/feature-set.ts';
import { FEATURE_STATUS_NAMES } from '../features/feature-status.ts';
import { bindPredicate, literalOf } from '../storage/expression/expressions.ts';
import { readColumnChunks } from '../storage/scan/column-read.ts';
import { filesWhere } from '../storage/scan/prune-snapshot.ts';
import type { DataFile, Snapshot } from '../storage/scan/snapshot.ts';
import type { ColumnData } from '../storage/types/column-data.ts';
import { edgeBin } from './float-bins.ts';
import { SERVED_BY_COLUMNS, servedVectors, VECTOR_COLUMNS } from './served-vectors.ts';

/** How the features of decisions are spread over given bins. */
export interface ServedCounts {
  /** Decisions in the window that were made with the set. */
  readonly decisions: number;
  /** Decisions in the window that were made with others, by `name@version`. */
  readonly others: ReadonlyMap<string, number>;
  /** The first and the last known time of the decisions that are counted, microseconds; null where there is none. */
  readonly firstMicros: number | null;
  readonly lastMicros: number | null;
  /** By place in the vector: rows by bin of the edges. */
  readonly bins: readonly number[][];
  /** By place in the vector: rows without a value, by why. */
  readonly absent: readonly Readonly<Record<string, number>>[];
}

/** Rows of a piece: 11 MB with the shipped set. */
const PIECE_ROWS = 8192;

/**
 * Counts the features that decisions were made with, in one pass and a piece at a time.
 *
 * @param edges of each feature's bins, by place in the vector.
 * @param sinceMicros decisions that were known before it are left out; null takes all.
 * @param onRead told how many decisions were read.
 * @param among files that are looked into; all unless told.
 * @throws AppError as storage.
 */
export async function countServed(
  decisions: Snapshot,
  set: FeatureSet,
  edges: readonly (readonly number[])[],
  sinceMicros: number | null,
  onRead: (rows: number) => void = () => {},
  among: readonly DataFile[] = decisions.files,
): Promise<ServedCounts> {
  const bins = edges.map((cuts) => Array.from({ length: cuts.length + 1 }, () => 0));
  const absent: Record<string, number>[] = edges.map(() => ({}));
  const others = new Map<string, number>();
  const times: number[] = [];
  let counted = 0;
  let read = 0;
  const columns = ['known_time', ...SERVED_BY_COLUMNS, ...VECTOR_COLUMNS];
  const files = sinceMicros === null ? among : filesSince(decisions, sinceMicros, among);
  for await (const chunk of readColumnChunks(decisions, { columns, files, chunkRows: PIECE_ROWS })) {
    const data = (name: string): ColumnData => chunk.columns[columns.indexOf(name)] as ColumnData;
    const [names, versions] = [textsOf(data('feature_set')), textsOf(data('feature_set_version'))];
    const known = microsOf(data('known_time'));
    const vectorAt = servedVectors({ data }, set.names.length);
    for (let row = 0; row < chunk.rowCount; row += 1) {
      const at = Number(known[row]);
      if (sinceMicros !== null && at < sinceMicros) continue;
      if (names[row] !== set.name || versions[row] !== set.version) {
        const other = `${names[row]}@${versions[row]}`;
        others.set(other, (others.get(other) ?? 0) + 1);
        continue;
      }
      counted += 1;
      times[0] = Math.min(times[0] ?? at, at);
      times[1] = Math.max(times[1] ?? at, at);
      const { values, status } = vectorAt(row);
      for (const [place, cuts] of edges.entries()) {
        const value = values[place] as number;
        if (Number.isNaN(value)) countWhy(absent[place], status[place] as number);
        else countBin(bins[place], edgeBin(cuts, value));
      }
    }
    read += chunk.rowCount;
    onRead(read);
  }
  return { decisions: counted, others, firstMicros: times[0] ?? null, lastMicros: times[1] ?? null, bins, absent };
}

/** The files that may hold decisions that were known at an instant or later. @param among those that are looked at. */
export function filesSince(decisions: Snapshot, sinceMicros: number, among: readonly DataFile[]): DataFile[] {
  const left = { kind: 'column', path: ['known_time'] } as const;
  const since = literalOf('timestamp', BigInt(sinceMicros));
  const isInWindow = { kind: 'comparison', op: '>=', left, right: since } as const;
  const wanted = new Set(among.map(({ key }) => key));
  const files = filesWhere(decisions, bindPredicate(isInWindow, decisions.schema));
  return files.filter(({ key }) => wanted.has(key));
}

function countWhy(absent: Record<string, number> | undefined, status: number): void {
  if (absent === undefined) return;
  const why = FEATURE_STATUS_NAMES[status] ?? 'unknown';
  absent[why] = (absent[why] ?? 0) + 1;
}

function countBin(counts: number[] | undefined, bin: number): void {
  if (counts !== undefined) counts[bin] = (counts[bin] as number) + 1;
}

function textsOf(column: ColumnData): readonly (string | null)[] {
  if (column.kind !== 'string') throw new Error('assertion failed: names of feature sets are texts');
  return column.values;
}

function microsOf(column: ColumnData): BigInt64Array {
  if (column.kind !== 'int64') throw new Error('assertion failed: times are timestamps');
  return column.values;
}
