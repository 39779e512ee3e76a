import { AppError, messageOf } from '../../base/errors.ts';
import type { AddFile, Metadata, PartitionValues, Protocol } from '../log/actions.ts';
import { columnMappingMode, storedName } from '../log/physical-schema.ts';
import { checkReadable } from '../log/table-features.ts';
import { safeNumber, type TableState } from '../log/table-state.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { StructType } from '../types/delta-type.ts';
import { parseSchema } from '../types/schema-json.ts';
import {
  DEFAULT_INDEXED_COLUMNS,
  type FileStatistics,
  type IndexedColumns,
  parseStatistics,
} from '../types/statistics.ts';

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
  readonly fileCount: number;
  /** All files, in the order in which they were added. Of a large table ask {@link filesWhere}. */
  readonly files: readonly DataFile[];
  /**
   * Files whose partition passes a test, in their order. The test is asked once for each distinct
   * partition.
   */
  filesWhere(isWanted: (values: PartitionValues) => boolean): IterableIterator<DataFile>;
  /** Rows by the files' statistics, deleted ones left out; undefined where a file has none. */
  readonly rowCount: number | undefined;
  /** How far an application has come; undefined where it wrote nothing. */
  transactionVersion(appId: string): number | undefined;
  /** What the snapshot was made from, for commits on it. */
  readonly state: TableState;
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
 * @param keyOf the object's key of a path in an action.
 * @throws AppError table_unsupported, naming the feature, table_corrupt.
 */
export function snapshotOf(
  store: ObjectStore,
  table: string,
  state: TableState,
  keyOf: (path: string) => string,
): Snapshot {
  const { protocol, metadata, version } = state;
  checkReadable(table, protocol, metadata);
  const schema = parseSchema(metadata.schemaString);
  const unknown = metadata.partitionColumns.find((name) => schema.fields.every((item) => item.name !== name));
  if (unknown !== undefined) {
    throw new AppError('table_corrupt', `The table ${table} is partitioned by ${unknown}, which its schema lacks`, {
      table,
    });
  }
  let files: readonly DataFile[] | undefined;
  return {
    store,
    table,
    version,
    protocol,
    metadata,
    schema,
    partitionColumns: metadata.partitionColumns,
    fileCount: state.fileCount,
    get files() {
      files ??= [...liveFiles(state, keyOf, () => true)];
      return files;
    },
    filesWhere: (isWanted) => liveFiles(state, keyOf, isWanted),
    get rowCount() {
      let rows = 0;
      for (const { add, statistics } of this.files) {
        const known = statistics();
        if (known === undefined) return undefined;
        rows += known.numRecords - (add.deletionVector?.cardinality ?? 0);
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

function* liveFiles(
  { files, fileRows, version }: TableState,
  keyOf: (path: string) => string,
  isWanted: (values: PartitionValues) => boolean,
): Generator<DataFile> {
  // Of live files only: values of partitions that are gone may be of a type that the column had before.
  const wanted: (boolean | undefined)[] = [];
  for (let row = 0; row < fileRows; row += 1) {
    if (!files.isLive(row, version)) continue;
    const partition = files.partitionOf(row);
    wanted[partition] ??= isWanted(files.partitionValues[partition] ?? {});
    if (wanted[partition] === true) yield dataFileOf(files.addOf(row), keyOf);
  }
}

/** A file of a log as scans take it. */
export function dataFileOf(add: AddFile, keyOf: (path: string) => string): DataFile {
  const key = keyOf(add.path);
  let parsed: FileStatistics | null | undefined;
  return {
    key,
    partitionValues: add.partitionValues,
    sizeBytes: safeNumber(add.size, 'The size of a file'),
    modifiedMs: safeNumber(add.modificationTime, 'The modification time of a file'),
    statistics() {
      if (parsed === undefined) parsed = add.stats === undefined ? null : (statisticsOf(add.stats, key) ?? null);
      return parsed ?? undefined;
    },
    add,
  };
}

function statisticsOf(stats: string, key: string): FileStatistics | undefined {
  try {
    return parseStatistics(stats);
  } catch (error) {
    const message = `The log's statistics of the file ${key} cannot be read: ${messageOf(error)}`;
    throw new AppError('table_corrupt', message, { key }, error);
  }
}

/**
 * Which columns of a table get statistics, by their names in its files: those that
 * `delta.dataSkippingStatsColumns` names, else the first leaf columns, as many as
 * `delta.dataSkippingNumIndexedCols` says.
 */
export function indexedColumnsOf(snapshot: Pick<Snapshot, 'protocol' | 'metadata' | 'schema'>): IndexedColumns {
  const { configuration } = snapshot.metadata;
  const prefix = Number(configuration['delta.dataSkippingStringPrefixLength'] ?? Number.NaN);
  const texts = Number.isInteger(prefix) && prefix > 0 ? { stringPrefix: prefix } : {};
  const names = configuration['delta.dataSkippingStatsColumns'];
  if (names !== undefined) {
    const wanted = names.split(',').map((name) => name.trim().replace(/^`(.*)`$/, '$1'));
    const mode = columnMappingMode(snapshot);
    const fields = snapshot.schema.fields.filter(({ name }) => wanted.includes(name));
    return { leaves: -1, only: fields.map((item) => storedName(item, mode)), ...texts };
  }
  const text = configuration['delta.dataSkippingNumIndexedCols'];
  const leaves = text !== undefined && /^-?\d+$/.test(text) ? Number(text) : DEFAULT_INDEXED_COLUMNS;
  return { leaves, ...texts };
}
