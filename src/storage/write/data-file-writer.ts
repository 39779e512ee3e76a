import type { AddFile, PartitionValues } from '../log/actions.ts';
import { checksumOfBytes, withChecksum } from '../log/file-checksum.ts';
import { actionPathOfKey, partitionFolder } from '../log/file-path.ts';
import { tablePrefix } from '../log/log-names.ts';
import { type ColumnMappingMode, physicalSchema, storedName } from '../log/physical-schema.ts';
import { type ParquetBuilder, parquetBuilder } from '../parquet/parquet-write.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { isStored } from '../types/arrow-types.ts';
import { cellReader, type Row } from '../types/cell.ts';
import { type StructField, type StructType, structOf } from '../types/delta-type.ts';
import { type IndexedColumns, serializeStatistics } from '../types/statistics.ts';
import { checkPartitionValue, storedPartitionValue } from './partition-cell.ts';
import { storedRow } from './stored-row.ts';

/** What is written, and where. */
export interface DataFileTarget {
  readonly store: ObjectStore;
  readonly table: string;
  readonly schema: StructType;
  readonly partitionColumns: readonly string[];
  /** How its columns are called in its files. */
  readonly mapping: ColumnMappingMode;
  readonly indexedColumns: IndexedColumns;
  /** Rows after which a file is closed and the next one begins. */
  readonly maxFileRows: number;
  readonly nowMs: () => number;
  readonly newUuid: () => string;
}

/** Writes rows as data files; what it returned is durable, but no part of the table before a commit. */
export interface DataFileWriter {
  readonly rows: number;
  /** Files that are closed already. */
  readonly written: readonly AddFile[];
  write(rows: Iterable<Row> | AsyncIterable<Row>): Promise<void>;
  /** Closes all files; in the order in which they were begun. */
  finish(): Promise<AddFile[]>;
}

/** Files that are open at once, one a partition; at the limit the one with the most rows is closed. */
const MAX_OPEN_FILES = 64;

/** Rows are checked for full row groups, and other work let in, this often. */
const ROWS_A_TURN = 4096;

/** Starts writing. */
export function dataFileWriter(target: DataFileTarget): DataFileWriter {
  const { schema, partitionColumns } = target;
  const partitionFields = partitionColumns.map((name) => fieldOf(schema, name));
  const ownSchema = structOf(schema.fields.filter((item) => isStored(item) && !partitionColumns.includes(item.name)));
  const fileSchema = physicalSchema(ownSchema, target.mapping);
  const stored = target.mapping === 'none' ? undefined : storedRow(ownSchema);
  const open = new Map<string, OpenFile>();
  const written: AddFile[] = [];
  let rows = 0;
  const close = async (key: string, file: OpenFile): Promise<void> => {
    open.delete(key);
    written.push(await closeFile(target, file));
  };
  const fileFor = async (row: Row): Promise<{ readonly key: string; readonly file: OpenFile }> => {
    const values = partitionValuesOf(partitionFields, row, target.mapping);
    const key = partitionFields.length === 0 ? '' : JSON.stringify(Object.values(values));
    const found = open.get(key);
    if (found !== undefined) return { key, file: found };
    if (open.size >= MAX_OPEN_FILES) {
      const [fullest] = [...open].sort(([, left], [, right]) => right.builder.rows - left.builder.rows);
      if (fullest !== undefined) await close(...fullest);
    }
    const file = { values, builder: parquetBuilder(fileSchema, target.indexedColumns) };
    open.set(key, file);
    return { key, file };
  };
  // Rows of one partition come in runs: its text, and a promise, are made once a run, which saves 3 µs a row.
  const writeRun = async (batch: readonly Row[], from: number): Promise<number> => {
    const first = batch[from] as Row;
    const { key, file } = await fileFor(first);
    let at = from;
    for (; at < batch.length && !file.builder.isGroupFull && file.builder.rows < target.maxFileRows; at += 1) {
      const row = batch[at] as Row;
      // NaN is the same value as NaN here: a run has its first row at least.
      if (partitionColumns.some((name) => !Object.is(row[name], first[name]))) break;
      file.builder.append(stored === undefined ? row : stored(row));
    }
    if (file.builder.isGroupFull) await file.builder.flush();
    if (file.builder.rows >= target.maxFileRows) await close(key, file);
    return at;
  };
  return {
    get rows() {
      return rows;
    },
    written,
    async write(source) {
      for await (const batch of turnsOf(source)) {
        rows += batch.length;
        for (let at = 0; at < batch.length; ) at = await writeRun(batch, at);
      }
    },
    async finish() {
      for (const [key, file] of [...open]) await close(key, file);
      return written;
    },
  };
}

interface OpenFile {
  readonly values: PartitionValues;
  readonly builder: ParquetBuilder;
}

async function* turnsOf(source: Iterable<Row> | AsyncIterable<Row>): AsyncIterable<readonly Row[]> {
  if (Array.isArray(source) && source.length <= ROWS_A_TURN) {
    yield source;
    return;
  }
  let batch: Row[] = [];
  for await (const row of source) {
    batch.push(row);
    if (batch.length < ROWS_A_TURN) continue;
    yield batch;
    batch = [];
  }
  yield batch;
}

async function closeFile(target: DataFileTarget, { values, builder }: OpenFile): Promise<AddFile> {
  const { bytes, statistics } = await builder.finish();
  const relativeKey = `${partitionFolder(values)}part-${target.newUuid()}.zstd.parquet`;
  await target.store.put(tablePrefix(target.table) + relativeKey, bytes);
  return {
    path: actionPathOfKey(relativeKey),
    partitionValues: values,
    size: bytes.length,
    modificationTime: target.nowMs(),
    dataChange: true,
    stats: serializeStatistics(statistics),
    tags: withChecksum(undefined, checksumOfBytes(bytes)),
  };
}

function partitionValuesOf(fields: readonly StructField[], row: Row, mapping: ColumnMappingMode): PartitionValues {
  const values: Record<string, string | null> = {};
  for (const item of fields) {
    const name = storedName(item, mapping);
    const value = cellReader(item.name)(row) ?? null;
    checkPartitionValue(item, value);
    values[name] = storedPartitionValue(item, value);
  }
  return values;
}

function fieldOf(schema: StructType, name: string): StructField {
  const field = schema.fields.find((candidate) => candidate.name === name);
  if (field === undefined) throw new Error(`assertion failed: the partition column ${name} is not in the schema`);
  return field;
}
