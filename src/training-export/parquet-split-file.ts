import { createHash } from 'node:crypto';
import { parquetBuilder } from '../storage/parquet/parquet-write.ts';
import { DICTIONARY_KEY, descriptionsOf, type SplitFile, type SplitFileOptions } from './split-file.ts';

/**
 * A Parquet file: zstd, row groups of 32,768 rows, the data dictionary in the file's metadata and the
 * meaning of each column in its Arrow field's.
 */
export function parquetSplitFile({ files, name, schema, plain, dictionary }: SplitFileOptions): SplitFile {
  const bare = { ...schema, fields: schema.fields.map((field) => ({ ...field, metadata: {} })) };
  const parquet = parquetBuilder(bare, { leaves: 0 }, plain, {
    entry: [DICTIONARY_KEY, dictionary],
    descriptions: descriptionsOf(schema),
  });
  return {
    async write(columns, rows) {
      parquet.appendColumns(columns, rows);
      if (parquet.isGroupFull) await parquet.flush();
    },
    async finish() {
      const { bytes } = await parquet.finish();
      await files.put(name, bytes);
      return { sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
    },
  };
}
