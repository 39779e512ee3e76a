import { AppError, messageOf } from '../../base/errors.ts';
import { forEachAtOnce } from '../../base/for-each-at-once.ts';
import { readDeletionVector } from '../deletion-vectors/deletion-vector.ts';
import type { AddFile } from '../log/actions.ts';
import { tablePrefix } from '../log/log-names.ts';
import type { TableLog } from '../log/table-log.ts';
import type { TableState } from '../log/table-state.ts';
import type { ObjectEntry, ObjectStore } from '../store/object-store.ts';
import { parseStatistics } from '../types/statistics.ts';
import type { FsckFinding } from './fsck-finding.ts';
import { liveAdds, liveFileIndex } from './live-files.ts';
import { vectorKey } from './named-objects.ts';

/** What became of the data files of a state. */
export interface CheckedFiles {
  readonly findings: readonly FsckFinding[];
  /** Live files whose data is not there. */
  readonly missing: readonly AddFile[];
}

/** Holds the live data files against one listing of the table's folder; those outside of it are asked for one by one. */
export async function checkDataFiles({ store, table }: TableLog, state: TableState): Promise<CheckedFiles> {
  const { files } = state;
  const index = liveFileIndex(state);
  const findings: FsckFinding[] = [...index.shared].map((key) => ({
    kind: 'shared_file',
    key,
    detail: 'it is live twice, with different deletion vectors',
  }));
  const seen = new Uint8Array(index.rows.length);
  const check = (number: number, { key, sizeBytes }: ObjectEntry): void => {
    seen[number] = 1;
    const expected = files.sizeOf(index.rows[number] as number);
    if (sizeBytes === expected) return;
    findings.push({ kind: 'wrong_size', key, detail: `it has ${sizeBytes} bytes, and the log says ${expected}` });
  };
  const prefix = tablePrefix(table);
  for await (const entry of store.listFrom(prefix)) {
    const number = index.find(entry.key);
    if (number >= 0) check(number, entry);
  }
  const missing: AddFile[] = [];
  for (const [number, row] of index.rows.entries()) {
    if (seen[number] === 1) continue;
    const key = files.keyOfRow(row);
    const entry = key.startsWith(prefix) ? undefined : await entryOf(store, key);
    if (entry !== undefined) check(number, entry);
    // Of a file that is live twice the index finds one alone.
    if (entry !== undefined || index.shared.includes(key)) continue;
    missing.push(files.addOf(row));
    findings.push({ kind: 'missing_file', key, detail: `the log of version ${state.version} names it` });
  }
  return { findings, missing };
}

async function entryOf(store: ObjectStore, key: string): Promise<ObjectEntry | undefined> {
  for await (const entry of store.listFrom(key)) return entry.key === key ? entry : undefined;
  return undefined;
}

/** Reads all deletion vectors and holds them against their descriptors and the files' counts of rows. */
export async function checkVectors(log: TableLog, state: TableState): Promise<FsckFinding[]> {
  const findings: FsckFinding[] = [];
  await forEachAtOnce(liveAdds(state), async (add) => {
    const finding = await checkVector(log, add);
    if (finding !== undefined) findings.push(finding);
  });
  return findings;
}

async function checkVector({ store, table, keyOf }: TableLog, add: AddFile): Promise<FsckFinding | undefined> {
  const { deletionVector: vector, stats, path } = add;
  if (vector === undefined) return undefined;
  const data = keyOf(path);
  let gone: string | undefined;
  try {
    const rows = await readDeletionVector(vector, async (place, range) => {
      const key = vectorKey(store, table, vector);
      const bytes = key === undefined ? undefined : await store.get(key, range);
      if (bytes === undefined) gone = key ?? place.path;
      return bytes;
    });
    const records = stats === undefined ? undefined : parseStatistics(stats)?.numRecords;
    if (records === undefined) {
      return {
        kind: 'rows_beyond_file',
        key: data,
        detail: 'it has a deletion vector, and the log does not count its rows',
      };
    }
    if ((rows.last ?? -1) < records) return undefined;
    const detail = `its deletion vector takes out row ${rows.last}, and the log says that it has ${records} rows`;
    return { kind: 'rows_beyond_file', key: data, detail };
  } catch (error) {
    if (gone !== undefined) return { kind: 'missing_vector', key: gone, detail: `${data} needs it` };
    if (!(error instanceof AppError) || error.code !== 'table_corrupt') throw error;
    return { kind: 'broken_vector', key: data, detail: messageOf(error) };
  }
}
