import { parquetBuilder } from '../storage/parquet/parquet-write.ts';
import { DICTIONARY_KEY, descriptionsOf, type SplitFile, type SplitFileOptions } from './split-file.ts';
import { summedFile } from './summed-file.ts';

/**
 * A Parquet file: zstd, row groups of 32,768 rows, the data dictionary in the file's metadata and the
 * meaning of each column in its Arrow field's. Row groups go out as they are closed.
 */
export function parquetSplitFile({ files, name, schema, plain, dictionary }: SplitFileOptions): SplitFile {
  const bare = { ...schema, fields: schema.fields.map((field) => ({ ...field, metadata: {} })) };
  const parquet = parquetBuilder(bare, { leaves: 0 }, plain, {
    entry: [DICTIONARY_KEY, dictionary],
    descriptions: descriptionsOf(schema),
  });
  const file = summedFile(files, name);
  return {
    async write(columns, rows) {
      parquet.appendColumns(columns, rows);
      if (!parquet.isGroupFull) return;
      await parquet.flush();
      for (const bytes of parquet.take()) await file.append(bytes);
    },
    async finish() {
      const { bytes } = await parquet.finish();
      await file.append(bytes);
      return file.finish();
    },
    abandon: file.abandon,
  };
}
