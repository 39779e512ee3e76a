import {
  Field,
  makeData,
  RecordBatch,
  RecordBatchFileWriter,
  RecordBatchStreamWriter,
  Schema,
  Struct,
} from 'apache-arrow';
import { columnBuilder } from '../storage/parquet/column-builder.ts';
import { ByteSink } from '../storage/scan/byte-sink.ts';
import { arrowFieldOf } from '../storage/types/arrow-types.ts';
import { cellAt, DICTIONARY_KEY, descriptionsOf, type SplitFile, type SplitFileOptions } from './split-file.ts';
import { summedFile } from './summed-file.ts';

/**
 * An Arrow IPC file, which readers map into memory, or a stream, which they read from its start; not
 * compressed, so that every reader takes it. Batches go out as they come. The data dictionary is in the schema's metadata, the
 * meaning of each column in its field's.
 */
export function arrowSplitFile(
  kind: 'file' | 'stream',
  { files, name, schema, dictionary }: SplitFileOptions,
): SplitFile {
  const descriptions = descriptionsOf(schema);
  const fields = schema.fields.map((field) => {
    const { name: column, type, nullable } = arrowFieldOf({ ...field, metadata: {} });
    return new Field(column, type, nullable, new Map([['description', descriptions.get(column) ?? '']]));
  });
  const arrowSchema = new Schema(fields, new Map([[DICTIONARY_KEY, dictionary]]));
  const builders = schema.fields.map((field) => columnBuilder(field.name, field.type, field.nullable, false));
  // A writer that destroys itself ends its stream after the first batch.
  const options = { autoDestroy: false };
  const writer = kind === 'file' ? new RecordBatchFileWriter(options) : new RecordBatchStreamWriter(options);
  const sink = new ByteSink();
  writer.reset(sink, arrowSchema);
  const file = summedFile(files, name);
  const flush = async (): Promise<void> => file.append(Buffer.concat(sink.take()));
  return {
    async write(columns, rows) {
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
      await flush();
    },
    async finish() {
      writer.finish();
      await flush();
      return file.finish();
    },
    abandon: file.abandon,
  };
}
