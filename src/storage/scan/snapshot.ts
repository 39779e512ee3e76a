import type { AddFile, Metadata, PartitionValues, Protocol } from '../log/delta-actions.ts';
import { keyOfActionPath } from '../log/delta-path.ts';
import { type LogState, safeNumber } from '../log/log-replay.ts';
import { checkReadable } from '../log/protocol-support.ts';
import {
  DEFAULT_INDEXED_COLUMNS,
  type FileStatistics,
  type IndexedColumns,
  parseStatistics,
} from '../log/statistics.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { parseSchema, type StructType } from '../types/delta-schema.ts';

/** A table at a version. It never changes. */
export interface Snapshot {
  readonly store: ObjectStore;
  /** The table's path in its store. */
  readonly table: string;
  readonly version: number;
  readonly protocol: Protocol;
  readonly metadata: Metadata;
  readonly schema: StructType;
  readonly partitionColumns: readonly string[];
  /** In the order in which they were added. */
  readonly files: readonly DataFile[];
  /** Rows by the files' statistics; undefined where a file has none. */
  readonly rowCount: number | undefined;
  /** How far an application has come; undefined where it wrote nothing. */
  transactionVersion(appId: string): number | undefined;
  /** What the snapshot was made from, for commits on it. */
  readonly state: LogState;
}

/** A data file of a table. */
export interface DataFile {
  /** The object's key in the store. */
  readonly key: string;
  readonly partitionValues: PartitionValues;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  /** Parsed on the first call; undefined where the log says nothing. */
  statistics(): FileStatistics | undefined;
  readonly add: AddFile;
}

/**
 * Makes the snapshot of a state.
 *
 * @throws AppError table_unsupported, naming the feature, table_corrupt.
 */
export function snapshotOf(store: ObjectStore, table: string, state: LogState): Snapshot {
  const { protocol, metadata, version } = state;
  checkReadable(table, protocol, metadata);
  const schema = parseSchema(metadata.schemaString);
  let files: readonly DataFile[] | undefined;
  return {
    store,
    table,
    version,
    protocol,
    metadata,
    schema,
    partitionColumns: metadata.partitionColumns,
    get files() {
      files ??= [...state.files.values()].map((add) => dataFile(table, add));
      return files;
    },
    get rowCount() {
      let rows = 0;
      for (const file of this.files) {
        const statistics = file.statistics();
        if (statistics === undefined) return undefined;
        rows += statistics.numRecords;
      }
      return rows;
    },
    transactionVersion(appId) {
      const transaction = state.transactions.get(appId);
      return transaction === undefined ? undefined : safeNumber(transaction.version, `The txn version of ${table}`);
    },
    state,
  };
}

function dataFile(table: string, add: AddFile): DataFile {
  let parsed: FileStatistics | null | undefined;
  return {
    key: keyOfActionPath(table, add.path),
    partitionValues: add.partitionValues,
    sizeBytes: safeNumber(add.size, 'The size of a file'),
    modifiedMs: safeNumber(add.modificationTime, 'The modification time of a file'),
    statistics() {
      if (parsed === undefined) parsed = add.stats === undefined ? null : (parseStatistics(add.stats) ?? null);
      return parsed ?? undefined;
    },
    add,
  };
}

/**
 * Which columns of a table get statistics: those that `delta.dataSkippingStatsColumns` names, else
 * the first leaf columns, as many as `delta.dataSkippingNumIndexedCols` says.
 */
export function indexedColumnsOf({ configuration }: Metadata): IndexedColumns {
  const names = configuration['delta.dataSkippingStatsColumns'];
  if (names !== undefined) {
    const unquoted = names.split(',').map((name) => name.trim().replace(/^`(.*)`$/, '$1'));
    return { leaves: -1, only: unquoted.filter((name) => name !== '') };
  }
  const text = configuration['delta.dataSkippingNumIndexedCols'];
  return { leaves: text !== undefined && /^-?\d+$/.test(text) ? Number(text) : DEFAULT_INDEXED_COLUMNS };
}
