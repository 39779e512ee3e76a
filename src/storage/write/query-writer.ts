import { join } from 'node:path';
import type { AddCdcFile, AddFile, PartitionValues } from '../log/actions.ts';
import { checksumOfPath, withChecksum } from '../log/file-checksum.ts';
import { actionPathOfKey, partitionFolder } from '../log/file-path.ts';
import { tablePrefix } from '../log/log-names.ts';
import { type ColumnMappingMode, columnMappingMode, physicalSchema, storedName } from '../log/physical-schema.ts';
import type { DuckDb } from '../parquet/duckdb.ts';
import { materializedColumn } from '../scan/row-places.ts';
import { indexedColumnsOf, type Snapshot } from '../scan/snapshot.ts';
import type { TransactionContext } from '../transaction/work.ts';
import { isStored } from '../types/arrow-types.ts';
import type { Cell, CellRow } from '../types/cell.ts';
import { type StructField, structOf } from '../types/delta-type.ts';
import { sqlName, sqlText } from '../types/sql-types.ts';
import { serializeStatistics } from '../types/statistics.ts';
import { storedPartitionValue } from './partition-cell.ts';
import { keyedRelation, PARTITION, PARTITION_SQL, textsOfPartitions } from './partition-keys.ts';
import { fieldIdsSql, storedSql } from './stored-columns.ts';
import { type WrittenColumns, writtenStatistics } from './written-statistics.ts';

/** A query whose rows become data files of a table. */
export interface FileQuery {
  /**
   * A relation that has the table's columns by their names; `#row_id` and `#row_version` where
   * `keepsRowIds`, and `_change_type` where the files are of the change data feed.
   */
  readonly sql: string;
  readonly keepsRowIds?: boolean;
  readonly isChangeData?: boolean;
  readonly dataChange?: boolean;
  /** The partition that all rows lie in, where it is known: its files are then of the target size. */
  readonly partition?: PartitionValues;
  /** Bytes after which a new file begins, where it is not what the table asks for. */
  readonly fileBytes?: number;
  /** Kept in the adds. */
  readonly tags?: Readonly<Record<string, string>>;
  readonly clusteringProvider?: string;
}

/** Files that a query was written as. */
export interface WrittenQuery {
  readonly adds: readonly AddFile[];
  readonly cdc: readonly AddCdcFile[];
  readonly rows: number;
}

/** Bytes of a file where `delta.targetFileSize` does not say: few enough to rewrite, many enough to be worth a request. */
const DEFAULT_FILE_BYTES = 128 * 1024 * 1024;

/** Rows of a row group, a multiple of DuckDB's vectors: few enough that a look-up reads little, many enough for zstd. */
const ROW_GROUP_ROWS = 61_440;

/**
 * Writes the rows of a query as data files, in DuckDB from end to end: none passes through
 * JavaScript. What it returned is durable, but no part of the table before a commit.
 *
 * @throws AppError storage_failed, disk_full.
 */
export async function writeQuery(
  context: TransactionContext,
  db: DuckDb,
  snapshot: Snapshot,
  query: FileQuery,
): Promise<WrittenQuery> {
  const layout = layoutOf(snapshot);
  const copied = await db.rows(copySql(join(db.folder(), `out-${context.newUuid()}`), snapshot, query, layout));
  const files = copied.map(writtenFile).filter((file) => file.rows > 0);
  const partitionOf = await partitionsOf(db, query, layout, files);
  const indexed = indexedColumnsOf(snapshot);
  const adds: AddFile[] = [];
  const cdc: AddCdcFile[] = [];
  let rows = 0;
  for (const written of files) {
    rows += written.rows;
    const partitionValues = partitionOf(written);
    const kind = query.isChangeData === true ? { folder: '_change_data/', name: 'cdc' } : { folder: '', name: 'part' };
    const key = `${kind.folder}${partitionFolder(partitionValues)}${kind.name}-${context.newUuid()}.zstd.parquet`;
    await snapshot.store.putFile(tablePrefix(snapshot.table) + key, written.path);
    const placed = { path: actionPathOfKey(key), partitionValues, size: written.bytes };
    if (query.isChangeData === true) {
      cdc.push({ ...placed, dataChange: false });
      continue;
    }
    const schema = physicalSchema(structOf(layout.stored), layout.mode);
    adds.push({
      ...placed,
      modificationTime: context.nowMs(),
      dataChange: query.dataChange ?? true,
      stats: serializeStatistics(writtenStatistics(schema, written.rows, written.columns, indexed)),
      tags: withChecksum(query.tags, await checksumOfPath(written.path)),
      ...(query.clusteringProvider === undefined ? {} : { clusteringProvider: query.clusteringProvider }),
    });
  }
  return { adds, cdc, rows };
}

/** How a table's columns lie: those in its files, and those in its folders. */
interface Layout {
  readonly mode: ColumnMappingMode;
  readonly stored: readonly StructField[];
  readonly partitions: readonly StructField[];
}

function layoutOf(snapshot: Snapshot): Layout {
  const { fields } = snapshot.schema;
  const isPartition = ({ name }: StructField): boolean => snapshot.partitionColumns.includes(name);
  return {
    mode: columnMappingMode(snapshot),
    stored: fields.filter((item) => !isPartition(item) && isStored(item)),
    partitions: snapshot.partitionColumns.flatMap((name) => fields.filter((item) => item.name === name)),
  };
}

function copySql(folder: string, snapshot: Snapshot, query: FileQuery, { mode, stored, partitions }: Layout): string {
  const columns = [
    ...stored.map((item) => {
      const name = storedName(item, mode);
      return `${storedSql(mode, sqlName(item.name), item.type)} AS ${sqlName(name)}`;
    }),
    ...trackingColumns(snapshot, query),
    ...(query.isChangeData === true ? ['_change_type'] : []),
  ];
  const isOne = partitions.length === 0 || query.partition !== undefined;
  if (!isOne) columns.push(PARTITION_SQL);
  const relation = isOne ? query.sql : keyedRelation(query.sql, partitions);
  const ids = mode === 'none' ? undefined : fieldIdsSql(stored);
  const options = [
    `FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${ROW_GROUP_ROWS}, RETURN_STATS`,
    "FILENAME_PATTERN 'part-{uuid}'",
    isOne
      ? `FILE_SIZE_BYTES ${query.fileBytes ?? targetFileBytes(snapshot)}`
      : `PARTITION_BY (${PARTITION}), WRITE_PARTITION_COLUMNS false`,
    ...(ids === undefined ? [] : [`FIELD_IDS ${ids}`]),
  ];
  return `COPY (SELECT ${columns.join(', ')} FROM ${relation}) TO ${sqlText(folder)} (${options.join(', ')})`;
}

/** How many bytes a file of the table should have. */
export function targetFileBytes({ metadata }: Pick<Snapshot, 'metadata'>): number {
  const text = metadata.configuration['delta.targetFileSize']?.trim().toLowerCase();
  const match = text === undefined ? null : /^(\d+)\s*(b|k|kb|m|mb|g|gb)?$/.exec(text);
  if (match === null) return DEFAULT_FILE_BYTES;
  const unit = { b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }[match[2]?.[0] ?? 'b'] ?? 1;
  return Math.max(1, Number(match[1]) * unit);
}

function trackingColumns(snapshot: Snapshot, { keepsRowIds, isChangeData }: FileQuery): string[] {
  if (keepsRowIds !== true || isChangeData === true) return [];
  return (['#row_id', '#row_version'] as const).flatMap((place) => {
    const stored = materializedColumn(snapshot, place);
    return stored === undefined ? [] : [`${sqlName(place)} AS ${sqlName(stored)}`];
  });
}

async function partitionsOf(
  db: DuckDb,
  query: FileQuery,
  layout: Layout,
  files: readonly WrittenFile[],
): Promise<(file: WrittenFile) => PartitionValues> {
  const folders = files.flatMap(({ partition }) => (partition === undefined ? [] : [partition]));
  const textsOf = await textsOfPartitions(db, query.sql, layout.partitions, folders);
  return ({ partition }) =>
    query.partition ?? (partition === undefined ? {} : partitionValuesOf(layout, textsOf(partition)));
}

function partitionValuesOf({ mode, partitions }: Layout, texts: readonly (string | null)[]): PartitionValues {
  const values: Record<string, string | null> = {};
  partitions.forEach((item, at) => {
    const text = texts[at] ?? null;
    const name = storedName(item, mode);
    values[name] = storedPartitionValue(item, text === null ? null : cellOfText(item, text));
  });
  return values;
}

function cellOfText({ type }: StructField, text: string): unknown {
  switch (type) {
    case 'string':
      return text;
    case 'date':
      return Number(text);
    case 'timestamp':
    case 'timestamp_ntz':
      return BigInt(text);
    case 'binary':
      return Uint8Array.from(Buffer.from(text, 'hex'));
    case 'double':
    case 'float':
      // DuckDB writes 1.0 where rows from JavaScript have 1: a partition has one spelling.
      return { inf: 'Infinity', '-inf': '-Infinity', nan: 'NaN' }[text] ?? String(Number(text));
    default:
      return text;
  }
}

interface WrittenFile {
  readonly path: string;
  readonly rows: number;
  readonly bytes: number;
  readonly columns: WrittenColumns;
  /** What DuckDB calls the folder by. */
  readonly partition: string | undefined;
}

/** A row of what `COPY … RETURN_STATS` returns. */
function writtenFile(row: CellRow): WrittenFile {
  const { filename, count, file_size_bytes: bytes, column_statistics: statistics, partition_keys: keys } = row;
  const columns = new Map<string, Record<string, string>>();
  for (const [path, members] of entriesOf(statistics)) {
    const texts = entriesOf(members).map(([name, value]) => [name, String(value)] as const);
    columns.set(path, Object.fromEntries(texts));
  }
  const partition = entriesOf(keys).find(([name]) => sqlName(name) === PARTITION)?.[1];
  return {
    path: String(filename),
    rows: Number(count),
    bytes: Number(bytes),
    columns,
    partition: partition === undefined ? undefined : String(partition),
  };
}

/** A map comes as a list of entries. */
function entriesOf(cell: Cell | undefined): readonly (readonly [string, Cell])[] {
  if (!Array.isArray(cell)) return [];
  return cell.map((entry: Cell) =>
    Array.isArray(entry) ? ([String(entry[0]), entry[1] as Cell] as const) : ['', null],
  );
}
