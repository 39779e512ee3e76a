import { blobValue, DuckDBBlobValue, DuckDBInstance, DuckDBStructValue } from '@duckdb/node-api';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeVariant } from '../../../src/storage/variant/decode-variant.ts';
import { encodeVariant } from '../../../src/storage/variant/encode-variant.ts';

const THEIRS = `
  SELECT v::JSON::VARCHAR, CAST(variant_to_parquet_variant(v) AS STRUCT(metadata BLOB, value BLOB))
  FROM (SELECT variant_bytes_to_variant($1::BLOB) AS v)`;

/** Texts of JSON; DuckDB's JSON has no NUL. */
const json = fc
  .jsonValue({ maxDepth: 4, stringUnit: 'grapheme' })
  .map((value) => JSON.stringify(value))
  .filter((text) => !text.includes('\\u0000'));

it('a variant means the same to DuckDB, which reads ours and whose own we read', async () => {
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  for (const source of fc.sample(json, { numRuns: 150, seed: 20_260_801 })) {
    const { metadata, value } = encodeVariant(source);
    const reader = await connection.runAndReadAll(THEIRS, [blobValue(Buffer.concat([metadata, value]))]);
    const [text, own] = reader.getRows()[0] ?? [];
    expect(JSON.parse(String(text))).toEqual(JSON.parse(source));
    if (!(own instanceof DuckDBStructValue)) throw new Error('two binaries were expected');
    const bytesOf = (name: string): Uint8Array => {
      const bytes = own.entries[name];
      return bytes instanceof DuckDBBlobValue ? bytes.bytes : new Uint8Array();
    };
    const read = decodeVariant({ metadata: bytesOf('metadata'), value: bytesOf('value') });
    expect(JSON.parse(read)).toEqual(JSON.parse(source));
  }
  connection.closeSync();
});
