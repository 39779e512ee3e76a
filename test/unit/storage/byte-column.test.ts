import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byteColumn } from '../../../src/storage/parquet/byte-column.ts';

/** Texts with whole and halved surrogate pairs, so that halves meet where texts join. */
const text = fc.option(fc.string({ unit: fc.constantFrom('a', 'é', '€', '😀', '\ud83d', '\ude00') }), { nil: null });
const batches = fc.array(fc.oneof(fc.array(text), fc.uint8Array()), { maxLength: 20 });

describe('a column of bytes', () => {
  it('holds each value as it would be encoded alone, however they come', () => {
    fc.assert(
      fc.property(batches, (added) => {
        const column = byteColumn();
        const wanted: Buffer[] = [];
        for (const batch of added) {
          if (batch instanceof Uint8Array) {
            column.add(batch);
            wanted.push(Buffer.from(batch));
          } else {
            const alone = batch.map((value) => Buffer.from(value ?? '', 'utf8'));
            expect(column.addTexts(batch)).toBe(batch.every((value) => /^[\0-\x7f]*$/.test(value ?? '')));
            wanted.push(...alone);
          }
        }
        const data = column.data();
        const offsets = column.valueOffsets();
        expect(column.rows).toBe(wanted.length);
        expect(offsets.length).toBe(wanted.length + 1);
        expect(wanted.map((_, row) => Buffer.from(data.subarray(offsets[row], offsets[row + 1])))).toEqual(wanted);
      }),
    );
  });

  it('grows past its first room', () => {
    const column = byteColumn();
    for (let row = 0; row < 5000; row += 1) column.addTexts([`row ${row}`, null]);
    expect(column.rows).toBe(10_000);
    const offsets = column.valueOffsets();
    expect(Buffer.from(column.data()).toString('utf8', offsets[9998], offsets[9999])).toBe('row 4999');
  });
});
