import { Field, makeData, RecordBatch, RecordBatchStreamWriter, Schema, Struct } from 'apache-arrow';
import {
  Compression,
  Table,
  transformParquetStream,
  type WriterProperties,
  WriterPropertiesBuilder,
  writeParquet,
} from 'parquet-wasm';
import { assert } from '../../base/assert.ts';
import { arrowFieldOf } from '../types/arrow-types.ts';
import { cellReader } from '../types/cell.ts';
import type { StructType } from '../types/delta-type.ts';
import type { FileStatistics, IndexedColumns } from '../types/statistics.ts';
import { columnBuilder } from './column-builder.ts';
import type { ColumnBuilder, FloatMatrix } from './primitive-column-builder.ts';

/** Rows of a row group: enough for zstd and skipping, few enough for memory: twice as many add 250 MB to a job's peak. */
export const ROW_GROUP_ROWS = 32_768;

/** A Parquet file under way. */
export interface ParquetBuilder {
  readonly rows: number;
  /** Whether {@link flush} is due, to keep memory bounded. */
  readonly isGroupFull: boolean;
  /** Adds a row; columns are its members by name, those that the schema lacks are left out. */
  append(row: Readonly<Record<string, unknown>>): void;
  /**
   * Adds rows by columns, in the schema's order: a list of values a column, or the column of a
   * matrix of floats in which NaN is null.
   */
  appendColumns(columns: readonly WrittenColumn[], rows: number): void;
  /** Closes the row group. */
  flush(): Promise<void>;
  /**
   * Bytes of the file that nothing can change any more, those of earlier calls left out: of row groups that are closed.
   * Who takes them as they come holds a file's last two groups in memory, never the file.
   */
  take(): readonly Uint8Array[];
  /** Closes the file, which must hold a row, and gives the bytes that were not taken. */
  finish(): Promise<{ readonly bytes: Uint8Array; readonly statistics: FileStatistics }>;
}

/** The values of a column: listed, or the floats at `offset`, `offset + stride`, … */
export type WrittenColumn =
  | readonly unknown[]
  | { readonly floats: FloatMatrix; readonly offset: number; readonly stride: number };

/** What a file says besides its rows. */
export interface ParquetNotes {
  /** One key of the file's own metadata: with more of them the encoder's order is another one each time. */
  readonly entry?: readonly [key: string, value: string];
  /** `description` of columns by name, in the metadata of their Arrow fields. */
  readonly descriptions?: ReadonlyMap<string, string>;
}

/**
 * Starts a Parquet file: zstd, timestamps as INT64 microseconds in UTC, dates as INT32 days, lists
 * and maps in their three-level forms.
 *
 * @param indexed which columns get statistics.
 * @param plain columns that are written without a dictionary: floats that seldom repeat take half
 * the time, and less room.
 * @param notes what the file says of itself.
 */
export function parquetBuilder(
  schema: StructType,
  indexed: IndexedColumns,
  plain: readonly string[] = [],
  notes: ParquetNotes = {},
): ParquetBuilder {
  const columns = schema.fields.map((field) => ({
    name: field.name,
    read: cellReader(field.name),
    builder: columnBuilder(field.name, field.type, field.nullable, indexed.only?.includes(field.name) ?? true),
  }));
  const fields = schema.fields.map((field) => described(arrowFieldOf(field), notes));
  // Readers of Arrow look into its schema, others into the file's own metadata.
  const arrowSchema = new Schema(fields, notes.entry === undefined ? undefined : new Map([notes.entry]));
  const encoder = parquetEncoder(() => writerProperties(plain, notes));
  let rows = 0;
  let pending = 0;
  const flush = async (): Promise<void> => {
    if (pending === 0) return;
    const children = columns.map(({ builder }) => builder.take());
    const data = makeData({ type: new Struct(arrowSchema.fields), length: pending, nullCount: 0, children });
    pending = 0;
    await encoder.add(encodeStream(arrowSchema, new RecordBatch(arrowSchema, data)));
  };
  return {
    get rows() {
      return rows;
    },
    get isGroupFull() {
      return pending >= ROW_GROUP_ROWS;
    },
    append(row) {
      for (const { read, builder } of columns) builder.append(read(row));
      rows += 1;
      pending += 1;
    },
    appendColumns(written, count) {
      assert(written.length === columns.length, 'a list of values a column');
      for (const [at, { name, builder }] of columns.entries()) {
        const column = written[at];
        if (column !== undefined && 'floats' in column) {
          assert(builder.appendFloats !== undefined, `column ${name} takes no floats`);
          builder.appendFloats(column.floats, column.offset, column.stride, count);
        } else {
          for (let row = 0; row < count; row += 1) builder.append(column?.[row]);
        }
      }
      rows += count;
      pending += count;
    },
    flush,
    take: encoder.take,
    async finish() {
      await flush();
      return { bytes: await encoder.finish(), statistics: fileStatistics(rows, columns, indexed) };
    },
  };
}

function described(field: Field, { descriptions }: ParquetNotes): Field {
  const description = descriptions?.get(field.name);
  if (description === undefined) return field;
  return new Field(field.name, field.type, field.nullable, new Map([...field.metadata, ['description', description]]));
}

function encodeStream(schema: Schema, batch: RecordBatch): Uint8Array {
  const writer = new RecordBatchStreamWriter({ autoDestroy: false });
  writer.reset(undefined, schema);
  writer.write(batch);
  writer.finish();
  return writer.toUint8Array(true);
}

/** Encodes row groups as they come. A file of one group, which is nearly every file, needs no stream. */
function parquetEncoder(properties: () => WriterProperties): {
  add(group: Uint8Array): Promise<void>;
  take(): Uint8Array[];
  finish(): Promise<Uint8Array>;
} {
  let first: Uint8Array | undefined;
  let stream: { readonly writer: WritableStreamDefaultWriter; readonly encoded: Promise<void> } | undefined;
  let chunks: Uint8Array[] = [];
  const pushTo = async (open: NonNullable<typeof stream>, group: Uint8Array): Promise<void> => {
    // A failing encoder would leave the write waiting for ever; its error comes by `encoded`.
    const table = Table.fromIPCStream(group);
    const batch = table.recordBatch(0);
    // The batch goes to the encoder; the table would hold its memory until some garbage collection.
    table.free();
    await Promise.race([open.writer.write(batch), open.encoded]);
  };
  const take = (): Uint8Array[] => {
    const taken = chunks;
    chunks = [];
    return taken;
  };
  return {
    async add(group) {
      if (first === undefined) {
        first = group;
        return;
      }
      if (stream === undefined) {
        const { readable, writable } = new TransformStream();
        const encoded = collectParquet(readable, properties(), (chunk) => chunks.push(chunk));
        stream = { writer: writable.getWriter(), encoded };
        await pushTo(stream, first);
        first = EMPTY;
      }
      await pushTo(stream, group);
    },
    take,
    async finish() {
      assert(first !== undefined, 'a Parquet file holds a row');
      if (stream === undefined) return writeParquet(Table.fromIPCStream(first), properties());
      await Promise.race([stream.writer.close(), stream.encoded]);
      await stream.encoded;
      return Buffer.concat(take());
    },
  };
}

const EMPTY = new Uint8Array(0);

async function collectParquet(
  batches: ReadableStream,
  properties: WriterProperties,
  collect: (chunk: Uint8Array) => void,
): Promise<void> {
  const encoded = await transformParquetStream(batches, properties);
  const reader = encoded.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) collect(part.value);
}

function writerProperties(plain: readonly string[], { entry }: ParquetNotes): WriterProperties {
  const basic = new WriterPropertiesBuilder()
    .setCompression(Compression.ZSTD)
    .setMaxRowGroupSize(ROW_GROUP_ROWS)
    .setCreatedBy('sentinela');
  const properties = entry === undefined ? basic : basic.setKeyValueMetadata(new Map([entry]));
  return plain.reduce((built, name) => built.setColumnDictionaryEnabled(name, false), properties).build();
}

interface NamedBuilder {
  readonly name: string;
  readonly builder: ColumnBuilder;
}

function fileStatistics(numRecords: number, columns: readonly NamedBuilder[], indexed: IndexedColumns): FileStatistics {
  let left = indexed.leaves < 0 ? Number.POSITIVE_INFINITY : indexed.leaves;
  const collect = (list: readonly NamedBuilder[]): Trees => {
    const trees: Trees = { min: {}, max: {}, nulls: {} };
    for (const { name, builder } of list) {
      if (builder.children !== undefined) {
        const inner = collect(builder.children.map((child) => ({ name: child.field.name, builder: child.builder })));
        if (Object.keys(inner.min).length > 0) trees.min[name] = inner.min;
        if (Object.keys(inner.max).length > 0) trees.max[name] = inner.max;
        if (Object.keys(inner.nulls).length > 0) trees.nulls[name] = inner.nulls;
        continue;
      }
      if (left <= 0) break;
      left -= 1;
      const leaf = builder.statistics(indexed.stringPrefix);
      if (leaf === undefined) continue;
      trees.nulls[name] = leaf.nullCount;
      if (leaf.min !== undefined) trees.min[name] = leaf.min;
      if (leaf.max !== undefined) trees.max[name] = leaf.max;
    }
    return trees;
  };
  const { min, max, nulls } = collect(columns.filter(({ name }) => indexed.only?.includes(name) ?? true));
  return { numRecords, minValues: min, maxValues: max, nullCount: nulls };
}

type Tree = Record<string, FileStatistics['minValues'][string]>;

interface Trees {
  readonly min: Tree;
  readonly max: Tree;
  readonly nulls: Tree;
}
