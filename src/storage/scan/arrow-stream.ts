import { makeData, RecordBatch, RecordBatchStreamWriter, Schema, Struct } from 'apache-arrow';
import { columnBuilder } from '../parquet/column-builder.ts';
import { arrowFieldOf } from '../types/arrow-types.ts';
import type { CellRow } from '../types/cell.ts';
import { type DeltaType, type StructField, type StructType, structOf } from '../types/delta-type.ts';
import { ByteSink } from './byte-sink.ts';

/** Rows as an Arrow IPC stream, whose bytes are taken bit by bit. */
export interface ArrowStream {
  add(rows: readonly CellRow[]): void;
  /** The bytes since the last call; rows of a batch that is not full yet come later. */
  take(): readonly Uint8Array[];
  /** The last bytes: what is left, and the end of the stream. */
  finish(): readonly Uint8Array[];
}

/** Rows of a batch: enough for whoever reads columns, a few megabytes. */
const BATCH_ROWS = 16_384;

/** Starts one. Variants are their JSON as texts, and so are the nulls of a `void` column. */
export function arrowStream(schema: StructType): ArrowStream {
  const { fields } = shownStruct(schema);
  const arrowSchema = new Schema(fields.map(arrowFieldOf));
  const columns = fields.map(({ name, type }) => ({ name, builder: columnBuilder(name, type, true, false) }));
  const sink = new ByteSink();
  // A writer that destroys itself ends its stream after the first batch.
  const writer = new RecordBatchStreamWriter({ autoDestroy: false });
  writer.reset(sink, arrowSchema);
  let rows = 0;
  const flush = (): void => {
    const children = columns.map(({ builder }) => builder.take());
    const data = makeData({ type: new Struct(arrowSchema.fields), length: rows, nullCount: 0, children });
    writer.write(new RecordBatch(arrowSchema, data));
    rows = 0;
  };
  return {
    add(added) {
      for (const row of added) {
        for (const { name, builder } of columns) builder.append(row[name]);
        rows += 1;
        if (rows === BATCH_ROWS) flush();
      }
    },
    take: () => sink.take(),
    finish() {
      if (rows > 0) flush();
      writer.finish();
      return sink.take();
    },
  };
}

function shownStruct({ fields }: StructType): StructType {
  // Ids of fields are of Parquet, and every field may be null: a query's result has no constraints.
  return structOf(
    fields.map(({ name, type }): StructField => ({ name, type: shownType(type), nullable: true, metadata: {} })),
  );
}

function shownType(type: DeltaType): DeltaType {
  if (type === 'variant' || type === 'void') return 'string';
  if (typeof type === 'string' || type.type === 'decimal') return type;
  switch (type.type) {
    case 'struct':
      return shownStruct(type);
    case 'array':
      return { ...type, elementType: shownType(type.elementType), containsNull: true };
    case 'map':
      return {
        ...type,
        keyType: shownType(type.keyType),
        valueType: shownType(type.valueType),
        valueContainsNull: true,
      };
  }
}
