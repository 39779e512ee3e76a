import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RowSet } from '../../../src/storage/deletion-vectors/row-set.ts';
import { decodeRowSet, encodeRowSet } from '../../../src/storage/deletion-vectors/row-set-codec.ts';
import { PYTHON, runPython } from '../../python.ts';
import { rowLists } from './deletion-vectors-rows.ts';

/** The magic number, which CRoaring knows nothing of. */
const MAGIC_BYTES = 4;

describe.skipIf(PYTHON === undefined)('CRoaring', () => {
  it('writes the bytes that we write, and reads ours', () => {
    const lists = fc.sample(rowLists, { numRuns: 60, seed: 20_260_801 });
    const sets = lists.map((rows) => RowSet.from(rows));
    const answers = runPython(
      'unit/storage/deletion-vectors-croaring.py',
      sets.map((set) => ({
        rows: [...set],
        bitmap: Buffer.from(encodeRowSet(set).subarray(MAGIC_BYTES)).toString('hex'),
      })),
    ) as { equal: boolean; bitmap: string }[];
    for (const [at, { equal, bitmap }] of answers.entries()) {
      const set = sets[at] ?? RowSet.EMPTY;
      expect(equal).toBe(true);
      const theirs = Buffer.concat([Buffer.from('d1d33964', 'hex'), Buffer.from(bitmap, 'hex')]);
      expect(decodeRowSet(theirs).equals(set)).toBe(true);
      expect(Buffer.from(encodeRowSet(set)).equals(theirs)).toBe(true);
    }
  });
});
