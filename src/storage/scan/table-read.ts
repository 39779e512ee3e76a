import { type Data, makeData, RecordBatch, Schema, Struct } from 'apache-arrow';
import { AppError } from '../../base/errors.ts';
import { columnBuilder } from '../parquet/column-builder.ts';
import { decodeParquet, rowsOfBatch } from '../parquet/parquet-read.ts';
import type { CellRow } from '../types/arrow-cells.ts';
import { arrowFieldOf } from '../types/arrow-types.ts';
import type { StructField } from '../types/delta-schema.ts';
import { parsePartitionValue } from '../types/partition-values.ts';
import type { DataFile, Snapshot } from './snapshot.ts';

/** What to read of a table. */
export interface ReadOptions {
  /** Columns by name, in this order; all columns of the schema without it. */
  readonly columns?: readonly string[];
  /** Files to read, of the snapshot; all without it. */
  readonly files?: readonly DataFile[];
}

/**
 * Reads a table batch by batch, in the order of its files: the asked columns of its schema, with
 * partition values filled in and nulls where an old file lacks a column.
 *
 * @throws AppError table_corrupt, table_unsupported.
 */
export async function* readBatches(snapshot: Snapshot, options: ReadOptions = {}): AsyncIterable<RecordBatch> {
  const fields = fieldsToRead(snapshot, options.columns);
  const inFile = fields.map(({ name }) => name).filter((name) => !snapshot.partitionColumns.includes(name));
  const schema = new Schema(fields.map((field) => arrowFieldOf({ ...field, nullable: true })));
  for (const file of options.files ?? snapshot.files) {
    const bytes = await readDataFile(snapshot, file);
    for await (const batch of decodeParquet(bytes, file.key, inFile)) {
      yield completeBatch(snapshot, file, batch, fields, schema);
    }
  }
}

/** Reads a table row by row, as {@link readBatches} does: for small results. Longs and timestamps are bigints, dates days. */
export async function* readRows(snapshot: Snapshot, options: ReadOptions = {}): AsyncIterable<CellRow> {
  for await (const batch of readBatches(snapshot, options)) yield* rowsOfBatch(batch);
}

/** The fields of the schema that are asked for. @throws AppError not_found for a column that is not there. */
export function fieldsToRead(snapshot: Snapshot, columns: readonly string[] | undefined): readonly StructField[] {
  if (columns === undefined) return snapshot.schema.fields;
  return columns.map((name) => {
    const found = snapshot.schema.fields.find((field) => field.name === name);
    if (found === undefined) {
      throw new AppError('not_found', `The table ${snapshot.table} has no column ${name}`, { column: name });
    }
    return found;
  });
}

/** The bytes of a data file. @throws AppError table_corrupt where it is gone. */
export async function readDataFile(snapshot: Snapshot, file: DataFile): Promise<Uint8Array> {
  const bytes = await snapshot.store.get(file.key);
  if (bytes === undefined) {
    throw new AppError('table_corrupt', `The data file ${file.key}, which the log names, is gone`, { key: file.key });
  }
  return bytes;
}

function completeBatch(
  snapshot: Snapshot,
  file: DataFile,
  batch: RecordBatch,
  fields: readonly StructField[],
  schema: Schema,
): RecordBatch {
  const children = fields.map((field) => {
    if (snapshot.partitionColumns.includes(field.name)) {
      const text = file.partitionValues[field.name] ?? null;
      return constantColumn(field, parsePartitionValue(field.type, text, field.name), batch.numRows);
    }
    const at = batch.schema.fields.findIndex(({ name }) => name === field.name);
    return batch.data.children[at] ?? constantColumn(field, null, batch.numRows);
  });
  // The file's own types stay: a file that another engine wrote may hold large strings.
  const actual = new Schema(
    schema.fields.map((field, at) => field.clone({ type: (children[at] as Data).type, nullable: true })),
  );
  const type = new Struct(actual.fields);
  return new RecordBatch(actual, makeData({ type, length: batch.numRows, nullCount: 0, children }));
}

function constantColumn(field: StructField, value: unknown, rows: number): Data {
  const builder = columnBuilder(field.name, field.type, true);
  for (let row = 0; row < rows; row += 1) builder.append(value);
  return builder.take();
}
