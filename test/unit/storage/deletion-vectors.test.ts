import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../../src/base/errors.ts';
import { decodeBase85, decodeUuid, encodeBase85, encodeUuid } from '../../../src/storage/deletion-vectors/base85.ts';
import {
  deletionVectorFileKey,
  deletionVectorId,
  deletionVectorKey,
  inlineDescriptor,
  readDeletionVector,
  storedDescriptor,
  type VectorDescriptor,
} from '../../../src/storage/deletion-vectors/deletion-vector.ts';
import { RowSet } from '../../../src/storage/deletion-vectors/row-set.ts';
import { encodeDeletionVectorFile } from '../../../src/storage/deletion-vectors/vector-file.ts';
import { rowLists } from './deletion-vectors-rows.ts';

const UUID = 'd2c639aa-8816-431a-aaf6-d3fe2512ff61';

/** Gives ranges of one file, at one key. */
function fetchFrom(bytes: Uint8Array | undefined): Parameters<typeof readDeletionVector>[1] {
  return async (_place, { start, end }) => bytes?.subarray(start, end);
}

const noFile: Parameters<typeof readDeletionVector>[1] = async () => {
  throw new Error('no file is asked for');
};

describe('base 85', () => {
  it('writes the test case of Z85, rfc.zeromq.org/spec/32', () => {
    const bytes = Buffer.from('864fd26fb559f75b', 'hex');
    expect(encodeBase85(bytes)).toBe('HelloWorld');
    expect(Buffer.from(decodeBase85('HelloWorld', 8)).equals(bytes)).toBe(true);
  });

  it.each([
    ['00000000-0000-0000-0000-000000000000', '00000000000000000000'],
    ['80000000-0000-0000-8000-000000000000', 'Fb/MH00000Fb/MH00000'],
    ['ffffffff-ffff-ffff-ffff-ffffffffffff', '%nSc0%nSc0%nSc0%nSc0'],
    ['00000000-0000-0000-7fff-ffffffffffff', '0000000000Fb/MG%nSc0'],
    [UUID, '^-aqEH.-t@S}K{vb[*k^'],
  ])('writes the UUID %s as %s', (uuid, text) => {
    expect(encodeUuid(uuid)).toBe(text);
    expect(decodeUuid(text)).toBe(uuid);
  });

  it('gives back any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
        expect(Buffer.from(decodeBase85(encodeBase85(bytes), bytes.length)).equals(bytes)).toBe(true);
      }),
    );
  });

  it.each([
    ['abc', 3],
    ['abcde', 5],
    ['abcdefghij', 4],
    ['ab"de', 4],
    ['ab\u00eede', 4],
    ['ab\u{1f600}e', 4],
    ['%nSc1', 4],
    ['#####', 4],
  ])('refuses the text %s of %d bytes', (text, sizeBytes) => {
    expect(() => decodeBase85(text, sizeBytes)).toThrow(AppError);
  });
});

describe('a descriptor', () => {
  const descriptor = (pathOrInlineDv: string, offset?: number): VectorDescriptor => ({
    storageType: 'u',
    pathOrInlineDv,
    ...(offset === undefined ? {} : { offset }),
    sizeInBytes: 40,
    cardinality: 6,
  });

  it('names the file of the examples of PROTOCOL.md', () => {
    expect(deletionVectorKey(descriptor('ab^-aqEH.-t@S}K{vb[*k^', 4))).toBe(`ab/deletion_vector_${UUID}.bin`);
    expect(deletionVectorKey(descriptor('^-aqEH.-t@S}K{vb[*k^', 4))).toBe(`deletion_vector_${UUID}.bin`);
  });

  it('has an id with its offset, if it has one', () => {
    expect(deletionVectorId(descriptor('ab^-aqEH.-t@S}K{vb[*k^', 4))).toBe('uab^-aqEH.-t@S}K{vb[*k^@4');
    expect(deletionVectorId(descriptor('ab^-aqEH.-t@S}K{vb[*k^'))).toBe('uab^-aqEH.-t@S}K{vb[*k^');
  });

  it.each(['..', '.', '../..', '/etc', 'a/b', 'a\\b', 'file:', '%2e%2e'])('whose prefix is %s is refused', (prefix) => {
    expect(() => deletionVectorKey(descriptor(`${prefix}^-aqEH.-t@S}K{vb[*k^`))).toThrow('prefix');
  });

  it.each(['', 'short', '"'.repeat(20)])('whose UUID is %s is refused', (text) => {
    expect(() => deletionVectorKey(descriptor(text))).toThrow(AppError);
  });

  it.each([
    { sizeInBytes: -1 },
    { sizeInBytes: 2 ** 31 },
    { sizeInBytes: 1.5 },
    { cardinality: -1 },
    { cardinality: 2 ** 53 },
    { offset: -1 },
    { offset: 2 ** 31 },
    { storageType: 'i' as const, offset: 1 },
    { storageType: 'r' as 'p' },
  ])('with %j is refused', async (wrong) => {
    const read = readDeletionVector({ ...descriptor('^-aqEH.-t@S}K{vb[*k^', 4), ...wrong }, noFile);
    await expect(read).rejects.toMatchObject({ code: 'table_corrupt' });
  });
});

describe('a vector in the log', () => {
  const rows = [3, 4, 7, 11, 18, 29];
  const example: VectorDescriptor = {
    storageType: 'i',
    pathOrInlineDv: '^Bg9^0rr910000000000iXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L',
    sizeInBytes: 44,
    cardinality: 6,
  };

  it('is read and written as delta-kernel-rs does', async () => {
    expect([...(await readDeletionVector(example, noFile))]).toEqual(rows);
    expect(inlineDescriptor(RowSet.from(rows))).toEqual(example);
    await expect(readDeletionVector({ ...example, sizeInBytes: 40 }, noFile)).rejects.toThrow('cannot hold');
    await expect(readDeletionVector({ ...example, cardinality: 5 }, noFile)).rejects.toThrow('the log says 5');
  });

  it('of PROTOCOL.md, JSON Example 3, has its magic number in the wrong order: delta 1905', async () => {
    const wrong = 'wi5b=000010000siXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L';
    const read = readDeletionVector({ ...example, pathOrInlineDv: wrong, sizeInBytes: 40 }, noFile);
    await expect(read).rejects.toThrow('it starts with 3503503716');
  });

  it('gives back the set that was written', async () => {
    await fc.assert(
      fc.asyncProperty(rowLists, async (rows) => {
        const set = RowSet.from(rows);
        expect((await readDeletionVector(inlineDescriptor(set), noFile)).equals(set)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  it('of no rows needs no bytes', async () => {
    const empty = { storageType: 'i', pathOrInlineDv: '', sizeInBytes: 0, cardinality: 0 } as const;
    expect([...(await readDeletionVector(empty, noFile))]).toEqual([]);
  });
});

describe('a file of vectors', () => {
  it('is read where Delta Spark wrote it', async () => {
    const bytes = Buffer.from(
      '0100000026d1d339640100000000000000000000003a300000010000000000020010000000000001000200748ad0d0',
      'hex',
    );
    const spark = {
      storageType: 'u',
      pathOrInlineDv: encodeUuid(UUID),
      offset: 1,
      sizeInBytes: 38,
      cardinality: 3,
    } as const;
    expect([...(await readDeletionVector(spark, fetchFrom(bytes)))]).toEqual([0, 1, 2]);
    const { bytes: ours, vectors } = encodeDeletionVectorFile([RowSet.from([4])]);
    expect(vectors).toEqual([{ offset: 1, sizeInBytes: 34, cardinality: 1 }]);
    expect(ours.length).toBe(1 + 4 + 34 + 4);
  });

  it('holds many, each at its offset', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(rowLists, { minLength: 1, maxLength: 4 }), async (lists) => {
        const sets = lists.map((rows) => RowSet.from(rows));
        const { bytes, vectors } = encodeDeletionVectorFile(sets);
        for (const [at, vector] of vectors.entries()) {
          const asked: unknown[] = [];
          const own = storedDescriptor(vector, UUID);
          const placed = vector.cardinality > 0 ? { ...own, pathOrInlineDv: `ab${own.pathOrInlineDv}` } : own;
          const read = await readDeletionVector(placed, async (place, range) => {
            asked.push(place);
            return bytes.subarray(range.start, range.end);
          });
          expect(read.equals(sets[at] ?? RowSet.EMPTY)).toBe(true);
          if (vector.cardinality > 0) {
            expect(asked).toEqual([{ kind: 'relative', path: deletionVectorFileKey(UUID, 'ab') }]);
          }
        }
      }),
      { numRuns: 30 },
    );
  });

  it('is asked for by the path that the log has', async () => {
    const { bytes, vectors } = encodeDeletionVectorFile([RowSet.from([1, 2])]);
    const path = 's3://mytable/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin';
    const read = await readDeletionVector(
      { storageType: 'p', pathOrInlineDv: path, offset: 1, sizeInBytes: vectors[0]?.sizeInBytes ?? 0, cardinality: 2 },
      async (place, range) => {
        expect(place).toEqual({ kind: 'absolute', path });
        return bytes.subarray(range.start, range.end);
      },
    );
    expect([...read]).toEqual([1, 2]);
  });

  it('is refused where it is gone, another format, or not what the log says', async () => {
    const { bytes, vectors } = encodeDeletionVectorFile([RowSet.from([1]), RowSet.from([2, 9])]);
    const [first, second] = vectors.map((vector) => storedDescriptor(vector, UUID));
    if (first === undefined || second === undefined) throw new Error('two vectors');
    const read = (descriptor: VectorDescriptor, file: Uint8Array | undefined) =>
      readDeletionVector(descriptor, fetchFrom(file));
    await expect(read(first, undefined)).rejects.toThrow('is gone');
    await expect(read(first, Buffer.concat([Buffer.from([2]), bytes.subarray(1)]))).rejects.toThrow('of format 2');
    await expect(read({ ...first, sizeInBytes: 35 }, bytes)).rejects.toThrow('34 bytes and the log 35');
    await expect(read({ ...second, offset: 2 }, bytes)).rejects.toMatchObject({ code: 'table_corrupt' });
    await expect(read({ ...second, cardinality: 3 }, bytes)).rejects.toThrow('the log says 3');
    // Without an offset the size is looked for where the format's byte stands, as Spark does.
    const { offset: _offset, ...without } = first;
    await expect(read(without, bytes)).rejects.toMatchObject({ code: 'table_corrupt' });
  });

  it('is refused when any of its bytes is changed or cut off', async () => {
    const { bytes, vectors } = encodeDeletionVectorFile([RowSet.from([1, 5, 70_000])]);
    const descriptor = storedDescriptor(vectors[0] ?? { offset: 0, sizeInBytes: 0, cardinality: 0 }, UUID);
    for (let at = 0; at < bytes.length; at += 1) {
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
      for (const damaged of [flipped, bytes.subarray(0, at)]) {
        await expect(readDeletionVector(descriptor, fetchFrom(damaged))).rejects.toMatchObject({
          code: 'table_corrupt',
        });
      }
    }
  });
});
