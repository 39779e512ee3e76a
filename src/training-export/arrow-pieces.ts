import { Field, makeData, RecordBatch, RecordBatchStreamWriter, Schema, Struct } from 'apache-arrow';
import { columnBuilder } from '../storage/parquet/column-builder.ts';
import { ByteSink } from '../storage/scan/byte-sink.ts';
import { arrowFieldOf } from '../storage/types/arrow-types.ts';
import type { StructType } from '../storage/types/delta-type.ts';
import type { HistoryPiece } from './read-history.ts';
import { cellAt, DICTIONARY_KEY, descriptionsOf } from './split-file.ts';

/**
 * An Arrow IPC stream, `schema batch* end`, bytes piece by piece: a reader that is slow holds nothing up but its own
 * next piece. A stream that lacks its end was cut off.
 */
export async function* arrowPieces(
  schema: StructType,
  dictionary: string,
  pieces: Iterable<HistoryPiece> | AsyncIterable<HistoryPiece>,
): AsyncGenerator<Uint8Array> {
  const descriptions = descriptionsOf(schema);
  const fields = schema.fields.map((one) => {
    const { name, type, nullable } = arrowFieldOf({ ...one, metadata: {} });
    return new Field(name, type, nullable, new Map([['description', descriptions.get(name) ?? '']]));
  });
  const arrowSchema = new Schema(fields, new Map([[DICTIONARY_KEY, dictionary]]));
  const builders = schema.fields.map((one) => columnBuilder(one.name, one.type, one.nullable, false));
  const sink = new ByteSink();
  // A writer that destroys itself ends its stream after the first batch.
  const writer = new RecordBatchStreamWriter({ autoDestroy: false });
  writer.reset(sink, arrowSchema);
  yield Buffer.concat(sink.take());
  for await (const { columns, rows } of pieces) {
    const children = builders.map((builder, at) => {
      const column = columns[at];
      if (column !== undefined && 'floats' in column) {
        builder.appendFloats?.(column.floats, column.offset, column.stride, rows);
      } else {
        for (let row = 0; row < rows; row += 1) builder.append(cellAt(column, row));
      }
      return builder.take();
    });
    const data = makeData({ type: new Struct(fields), length: rows, nullCount: 0, children });
    writer.write(new RecordBatch(arrowSchema, data));
    yield Buffer.concat(sink.take());
  }
  writer.finish();
  yield Buffer.concat(sink.take());
}
