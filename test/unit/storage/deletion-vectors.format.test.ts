import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../../src/base/errors.ts';
import { RowSet } from '../../../src/storage/deletion-vectors/row-set.ts';
import { decodeRowSet, encodeRowSet } from '../../../src/storage/deletion-vectors/row-set-codec.ts';
import { rowLists } from './deletion-vectors-rows.ts';

const MAGIC = 'd1d33964';
const NATIVE_MAGIC = 'd0d33964';

const bytesOf = (...hex: string[]): Buffer => Buffer.from(hex.join('').replaceAll(' ', ''), 'hex');

/** One bitmap of key 0, whose bytes are hex. */
const portable = (...bitmap: string[]): Buffer => bytesOf(MAGIC, '0100000000000000', '00000000', ...bitmap);

const rowsOf = (bytes: Uint8Array): number[] => [...decodeRowSet(bytes)];

function* range(start: number, end: number, step = 1): Generator<number> {
  for (let row = start; row < end; row += step) yield row;
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('the bytes of a set of rows', () => {
  it('are those of the example of RoaringFormatSpec, testdata/bitmapwithruns.bin', () => {
    const set = RowSet.from([...range(0, 100_000, 1000), ...range(300_000, 600_000, 3), ...range(700_000, 800_000)]);
    const bitmap = encodeRowSet(set).subarray(16);
    expect(bitmap.length).toBe(48_056);
    expect(sha256(bitmap)).toBe('1f1909bfdd354fa2f0694fe88b8076833ca5383ad9fc3f68f2709c84a2ab70e3');
  });

  it('are those of its 64-bit example, testdata64/portable_bitmap64.bin', () => {
    const bucket = (base: number): number[] => [
      ...range(base, base + 0x9001),
      ...range(base + 0xa000, base + 0x1_0001),
      ...[base + 0x2_0000, base + 0x2_0005],
      ...range(base + 0x8_0000, base + 0x9_0000, 2),
    ];
    const bitmap = encodeRowSet(RowSet.from([...bucket(0), ...bucket(2 ** 32)])).subarray(4);
    expect(sha256(bitmap)).toBe('b5a553a759167f5f9ccb3fa21552d943b4c73235635b753376f4faf62067d178');
  });

  it('are those that Delta Spark writes', () => {
    const spark = portable('3a300000 01000000 0000 0200 10000000 0000 0100 0200');
    expect(rowsOf(spark)).toEqual([0, 1, 2]);
    expect(encodeRowSet(RowSet.from([3, 4, 7, 11, 18, 29]))).toEqual(
      new Uint8Array(portable('3a300000 01000000 0000 0500 10000000 0300 0400 0700 0b00 1200 1d00')),
    );
  });

  it('of no rows hold no bitmap, and empty bitmaps are read', () => {
    expect(encodeRowSet(RowSet.EMPTY)).toEqual(new Uint8Array(bytesOf(MAGIC, '0000000000000000')));
    expect(rowsOf(portable('3a300000 00000000'))).toEqual([]);
    // Spark writes one for each key below the greatest.
    const gap = bytesOf(
      MAGIC,
      '0200000000000000',
      '00000000 3a300000 00000000',
      '01000000 3a300000 01000000 0000 0000 10000000 0500',
    );
    expect(rowsOf(gap)).toEqual([2 ** 32 + 5]);
  });

  it('are read in the native form, whose bitmaps have sizes for keys', () => {
    const bitmap = '3a300000 01000000 0000 0000 10000000 0500';
    expect(rowsOf(bytesOf(NATIVE_MAGIC, '02000000', '08000000 3a300000 00000000', '12000000', bitmap))).toEqual([
      2 ** 32 + 5,
    ]);
    expect(() => rowsOf(bytesOf(NATIVE_MAGIC, '01000000', '13000000', bitmap))).toThrow('ends at');
  });

  it('are read with runs that touch, which the writer would have joined', () => {
    const set = decodeRowSet(portable('3b300000 01 0000 0300', '0200 0100 0100 0300 0100'));
    expect([...set]).toEqual([1, 2, 3, 4]);
    expect(encodeRowSet(set)).toEqual(encodeRowSet(RowSet.from([1, 2, 3, 4])));
  });
});

describe('bytes that are no set of rows', () => {
  const refused: [string, Buffer][] = [
    ['no bytes', Buffer.alloc(0)],
    ['another magic number', bytesOf('d2d33964', '0000000000000000')],
    ['more bitmaps than bytes', bytesOf(MAGIC, 'ffffffffffffffff')],
    ['more native bitmaps than bytes', bytesOf(NATIVE_MAGIC, 'ffffffff')],
    ['bytes after the end', bytesOf(MAGIC, '0000000000000000', '00')],
    ['bitmaps out of order', bytesOf(MAGIC, '0200000000000000', '00000000 3a300000 00000000'.repeat(2))],
    [
      'a bitmap of rows of 2^53 and more',
      bytesOf(MAGIC, '0100000000000000', '00002000 3a300000 01000000 0000 0000 10000000 0500'),
    ],
    ['another cookie', portable('3c300000 00000000')],
    ['more containers than keys', portable('3a300000 01000100')],
    ['more containers than bytes', portable('3a300000 00000100')],
    ['containers out of order', portable('3a300000 02000000 0100 0000 0100 0000 00000000 00000000 0100 0100')],
    ['an array out of order', portable('3a300000 01000000 0000 0100 10000000 0500 0400')],
    ['an array with a row twice', portable('3a300000 01000000 0000 0100 10000000 0500 0500')],
    ['an array that is cut', portable('3a300000 01000000 0000 0100 10000000 0500 04')],
    ['a bitmap with fewer bits', portable('3a300000 01000000 0000 ffff 10000000', 'ff'.repeat(8191), 'fe')],
    ['runs that overlap', portable('3b300000 01 0000 0300', '0200 0100 0200 0300 0000')],
    ['runs out of order', portable('3b300000 01 0000 0100', '0200 0500 0000 0300 0000')],
    ['a run beyond the chunk', portable('3b300000 01 0000 0100', '0100 ffff 0100')],
    ['runs of another cardinality', portable('3b300000 01 0000 0400', '0100 0100 0100')],
    ['no runs', portable('3b300000 01 0000 0000', '0000')],
  ];

  it.each(refused)('are refused: %s', (_what, bytes) => {
    expect(codeOf(() => decodeRowSet(bytes))).toBe('table_corrupt');
  });

  it('never end otherwise than in a refusal or another set', () => {
    fc.assert(
      fc.property(rowLists, fc.nat(), fc.integer({ min: 1, max: 255 }), fc.boolean(), (rows, where, flip, isCut) => {
        const bytes = encodeRowSet(RowSet.from(rows));
        const at = where % Math.min(bytes.length, 200);
        if (!isCut) bytes[at] = (bytes[at] ?? 0) ^ flip;
        const damaged = isCut ? bytes.subarray(0, at) : bytes;
        const outcome = codeOf(() => {
          const set = decodeRowSet(damaged);
          expect(decodeRowSet(encodeRowSet(set)).equals(set)).toBe(true);
        });
        expect([undefined, 'table_corrupt']).toContain(outcome);
        if (isCut) expect(outcome).toBe('table_corrupt');
      }),
    );
  });
});

function codeOf(action: () => void): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    if (error instanceof AppError) return error.code;
    throw error;
  }
}
