import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ROW_GROUP_ROWS, type WrittenColumn } from '../../../src/storage/parquet/parquet-write.ts';
import { memoryObjectStore } from '../../../src/storage/store/memory-object-store.ts';
import type { ObjectStore } from '../../../src/storage/store/object-store.ts';
import { field, type StructType } from '../../../src/storage/types/delta-type.ts';
import type { FileFormat } from '../../../src/training-export/file-format.ts';
import { openSplitFile } from '../../../src/training-export/open-split-file.ts';

const SCHEMA: StructType = {
  type: 'struct',
  fields: [field('id', 'string'), field('x', 'float')].map((one) => ({ ...one, metadata: { comment: one.name } })),
};
const PIECE_ROWS = ROW_GROUP_ROWS / 2;
/** So many pieces fill four row groups and a half. */
const PIECES = 9;

/** Values that do not repeat, so that every piece has its size. */
function pieceOf(piece: number): WrittenColumn[] {
  const floats = Float32Array.from({ length: PIECE_ROWS }, (_, row) => Math.fround(Math.sin(piece * PIECE_ROWS + row)));
  return [Array.from(floats, (_, row) => `${piece}/${row}`), { floats, offset: 0, stride: 1 }];
}

/** A store that tells how many bytes of the files under way it was given. */
function watchedStore(): { readonly files: ObjectStore; readonly parts: number[] } {
  const store = memoryObjectStore();
  const parts: number[] = [];
  const files: ObjectStore = {
    ...store,
    async startPut(key) {
      const writer = await store.startPut(key);
      return {
        ...writer,
        append(part) {
          parts.push(part.length);
          return writer.append(part);
        },
      };
    },
  };
  return { files, parts };
}

const open = (format: FileFormat, files: ObjectStore) =>
  openSplitFile(format, { files, name: 'all', schema: SCHEMA, plain: ['x'], dictionary: '{}', asOfMicros: 0 });

describe.each(['parquet', 'arrow', 'arrow-stream', 'csv'] as const)('a file of a split, as %s', (format) => {
  it('goes out while rows come, and is summed as what lies there', async () => {
    const { files, parts } = watchedStore();
    const file = open(format, files);
    for (let piece = 0; piece < PIECES; piece += 1) await file.write(pieceOf(piece), PIECE_ROWS);
    const sum = (): number => parts.reduce((total, size) => total + size, 0);
    const early = sum();
    expect(await files.get('all')).toBeUndefined();
    const { sizeBytes, sha256 } = await file.finish();
    const bytes = (await files.get('all')) ?? new Uint8Array(0);
    expect({ sizeBytes, sha256 }).toEqual({
      sizeBytes: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
    });
    expect(sum()).toBe(sizeBytes);
    // Two groups of Parquet are held, of the four and a half; of the others nothing is.
    expect(early / sizeBytes).toBeGreaterThan(format === 'parquet' ? 0.4 : 0.99);
    expect(Math.max(...parts) / sizeBytes).toBeLessThan(0.7);
  });

  it('leaves nothing where it is given up', async () => {
    const { files } = watchedStore();
    const file = open(format, files);
    for (let piece = 0; piece < PIECES; piece += 1) await file.write(pieceOf(piece), PIECE_ROWS);
    await file.abandon();
    for await (const { key } of files.listFrom('')) expect.fail(`left ${key}`);
  });
});
