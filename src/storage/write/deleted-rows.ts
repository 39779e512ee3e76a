import { isJsonObject, parseExactJson, stringifyExactJson } from '../../base/exact-json.ts';
import {
  deletionVectorFileKey,
  inlineDescriptor,
  storedDescriptor,
  type VectorDescriptor,
} from '../deletion-vectors/deletion-vector.ts';
import { RowSet } from '../deletion-vectors/row-set.ts';
import { encodeDeletionVectorFile, type PlacedVector } from '../deletion-vectors/vector-file.ts';
import type { AddFile, RemoveFile } from '../log/actions.ts';
import { tablePrefix } from '../log/log-names.ts';
import { isSupported } from '../log/table-features.ts';
import { isEnabled } from '../log/table-properties.ts';
import { localPaths } from '../scan/local-files.ts';
import { deletedRows } from '../scan/row-choices.ts';
import type { DataFile, Snapshot } from '../scan/snapshot.ts';
import { removeOf } from '../transaction/work.ts';
import { sqlPath } from '../types/sql-types.ts';
import type { WriteSession } from './write-session.ts';

/** Whether rows are taken out by deletion vectors, else by writing their files anew. */
export function usesVectors({ protocol, metadata }: Pick<Snapshot, 'protocol' | 'metadata'>): boolean {
  return isSupported(protocol, 'deletionVectors') && isEnabled(metadata, 'delta.enableDeletionVectors');
}

/** What takes rows out of files: a file of which none is left goes, of others the vector grows. */
export interface DeletedFiles {
  readonly adds: readonly AddFile[];
  readonly removes: readonly RemoveFile[];
}

/** Bytes of a vector that the log holds itself: a file of its own costs a request of each reader. */
const MOST_INLINE_BYTES = 128;

/**
 * Takes rows out of files by deletion vectors (PROTOCOL.md, "Deletion Vectors"): all vectors of a
 * change are in one file.
 */
export async function deleteByVectors(
  { context, db, snapshot }: WriteSession,
  matches: ReadonlyMap<DataFile, RowSet>,
): Promise<DeletedFiles> {
  const removes: RemoveFile[] = [];
  const kept: { readonly file: DataFile; readonly rows: RowSet; readonly records: number }[] = [];
  for (const [file, matched] of matches) {
    const { deletionVector } = file.add;
    const before = deletionVector === undefined ? RowSet.EMPTY : await deletedRows(snapshot, deletionVector);
    const rows = before.union(matched);
    const records = file.statistics()?.numRecords ?? (await countRecords({ context, db, snapshot }, file));
    removes.push(removeOf(file.add, context.nowMs(), true));
    if (rows.cardinality < records) kept.push({ file, rows, records });
  }
  const descriptors = await writeVectors(
    { context, db, snapshot },
    kept.map(({ rows }) => rows),
  );
  const adds = kept.map(({ file, records }, at) => ({
    ...file.add,
    dataChange: true,
    stats: looseStatistics(file.add.stats, records),
    deletionVector: descriptors[at] as VectorDescriptor,
  }));
  return { adds, removes };
}

async function writeVectors({ context, snapshot }: WriteSession, sets: readonly RowSet[]): Promise<VectorDescriptor[]> {
  const inline = sets.map((set) => (set.cardinality > MOST_INLINE_BYTES ? undefined : inlineDescriptor(set)));
  const isInline = (at: number): boolean => (inline[at]?.sizeInBytes ?? Number.POSITIVE_INFINITY) <= MOST_INLINE_BYTES;
  const stored = sets.filter((_, at) => !isInline(at));
  const uuid = context.newUuid();
  const { bytes, vectors } = encodeDeletionVectorFile(stored);
  if (stored.length > 0) await snapshot.store.put(tablePrefix(snapshot.table) + deletionVectorFileKey(uuid), bytes);
  const placed = vectors.values();
  return sets.map((_, at) => {
    if (isInline(at)) return inline[at] as VectorDescriptor;
    return storedDescriptor(placed.next().value as PlacedVector, uuid);
  });
}

/** Statistics whose bounds only enclose the rows that are left; a vector needs the count of records. */
export function looseStatistics(stats: string | undefined, records: number): string {
  const json = stats === undefined ? {} : parseExactJson(stats);
  return stringifyExactJson({ ...(isJsonObject(json) ? json : {}), numRecords: records, tightBounds: false });
}

async function countRecords({ db, snapshot }: WriteSession, file: DataFile): Promise<number> {
  const [path = ''] = await localPaths(db, snapshot.store, [file.key]);
  const [row] = await db.rows(
    `SELECT count(*)::DOUBLE AS records FROM read_parquet(${sqlPath(path)}, hive_partitioning = false)`,
  );
  return Number(row?.records ?? 0);
}
