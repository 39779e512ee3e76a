import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../../../src/base/limits.ts';
import {
  HistoryBlock,
  historyWidth,
  outputsOfKind,
  placesOfKinds,
} from '../../../../src/features/engine/history-block.ts';
import { featureOutput } from '../../../../src/features/engine/vector-engine.ts';
import { compileFeatureSet } from '../../../../src/features/feature-set.ts';
import { OWN_MEMORY } from '../../../../src/features/replay/replay-memory.ts';
import { kindChunks, kindSpill } from '../../../../src/features/spill/kind-spill.ts';
import { MEMORY_SPILL } from '../../../../src/features/spill/memory-spill.ts';
import { chunkLayout } from '../../../../src/features/spill/spill-chunk.ts';
import { SpillReader } from '../../../../src/features/spill/spill-reader.ts';
import { SpillWriter } from '../../../../src/features/spill/spill-writer.ts';
import { testSet } from '../streams.ts';

const set = compileFeatureSet(testSet(9));
const KIND = 'payee';
const outputs = outputsOfKind(set.kinds[KIND]);
const width = outputs.length;

/** A value that no other place has; now and then none, or a negative zero. */
function valueAt(read: number, at: number): number {
  const odd = (read * 7 + at) % 11;
  return odd === 0 ? Number.NaN : odd === 1 ? -0 : read + at / 1024;
}

describe('spilled values', () => {
  it('come back where they belong, whoever wrote them and in what order', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 25 }),
        fc.integer({ min: 1, max: 7 }),
        fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 60, maxLength: 60 }),
        fc.integer({ min: 1, max: 1000 }),
        (reads, pieceReads, records, writerOf, seed) => {
          const cut = { reads, pieceReads, threads: 3 };
          const layout = chunkLayout(width, records * (9 * width + 4));
          expect(layout.records).toBe(records);
          const most = Math.ceil(reads / records) + Math.ceil(reads / pieceReads) * 3;
          const room = MEMORY_SPILL.open(64 + most * layout.sizeBytes);
          const spill = kindSpill(room.handle, 64, { layout, most }, cut, OWN_MEMORY);
          const writers = Array.from({ length: 3 }, () => new SpillWriter(spill, outputs, room));
          const out = featureOutput(set);
          const order = Array.from({ length: reads }, (_, read) => read);
          order.sort((a, b) => ((a * seed) % 61) - ((b * seed) % 61));
          for (const read of order) {
            for (const [at, output] of outputs.entries()) {
              out.values[output] = valueAt(read, at);
              out.status[output] = (read + at) % 8;
            }
            writers[writerOf[read] as number]?.store(read, out);
          }
          for (const writer of writers) writer.flush();
          expect(spill.taken[0]).toBeLessThanOrEqual(most);
          const reader = new SpillReader(spill, room);
          for (let piece = 0; piece * pieceReads < reads; piece += 1) {
            const count = Math.min(pieceReads, reads - piece * pieceReads);
            const [values, status] = [
              new Float64Array(count * historyWidth(set)),
              new Uint8Array(count * historyWidth(set)),
            ];
            const block = new HistoryBlock(set, values, status);
            reader.load(piece, block, placesOfKinds(set)[KIND]);
            for (let at = 0; at < count; at += 1) {
              block.load(at, out);
              const read = piece * pieceReads + at;
              expect(Array.from(outputs, (output) => out.values[output])).toEqual(
                Array.from(outputs, (_, place) => valueAt(read, place)),
              );
              expect(Array.from(outputs, (output) => out.status[output])).toEqual(
                Array.from(outputs, (_, place) => (read + place) % 8),
              );
            }
          }
        },
      ),
    );
  });

  it('take bounded memory: chunks become smaller where there are many pieces', () => {
    const few = kindChunks(30, { reads: 1_000_000, pieceReads: 65_536, threads: 4 });
    expect(few.layout.sizeBytes).toBeLessThanOrEqual(LIMITS.spillChunkBytes);
    expect(few.layout.sizeBytes).toBeGreaterThan(LIMITS.spillChunkBytes - 500);
    const many = kindChunks(30, { reads: 100_000_000, pieceReads: 10_000, threads: 4 });
    expect(many.layout.sizeBytes * 10_000).toBeLessThanOrEqual(LIMITS.spillBufferBytes);
    expect(many.most * many.layout.records).toBeGreaterThanOrEqual(100_000_000);
  });

  it('have a record in a chunk at least', () => {
    expect(chunkLayout(1000, 64)).toEqual({ width: 1000, records: 1, sizeBytes: 9008 });
  });
});
