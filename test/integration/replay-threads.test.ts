import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { replayThreads } from '../../src/cli/replay-threads.ts';
import { byKind } from '../../src/domain/entity-keys.ts';
import { compileFeatureSet } from '../../src/features/feature-set.ts';
import { replay, replayPieces } from '../../src/features/replay/replay.ts';
import type { ReplayReads } from '../../src/features/replay/replay-input.ts';
import type { ReplayThreads } from '../../src/features/replay/replay-threads.ts';
import { memoryObjectStore } from '../../src/storage/store/memory-object-store.ts';
import { compareServed } from '../../src/training-export/compare-served.ts';
import { createExport } from '../../src/training-export/create-export.ts';
import { checkVectors, inputOf, JOURNALS, START, World, worldOf } from '../unit/features/replay-world.ts';
import { plainSet, rowOf, stream, testSet } from '../unit/features/streams.ts';
import { silverWorld } from '../unit/training-export/silver-world.ts';

/* Threads run the built program, so build before: `npm run build`. */

const PROGRAM = new URL('../../dist/cli/replay-worker.js', import.meta.url);
const DAY = 86_400_000_000;

function* inPieces({ rows, saw }: ReplayReads, size: number): Generator<ReplayReads> {
  for (let from = 0; from < rows.length; from += size) {
    const some = (column: Float64Array): Float64Array => column.slice(from, from + size);
    yield {
      rows: rows.slice(from, from + size),
      saw: byKind((kind) => ({ epochs: some(saw[kind].epochs), seqs: some(saw[kind].seqs) })),
    };
  }
}

describe('a replay on several threads', () => {
  it('equals what was served, piece by piece, on random streams', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        stream,
        fc.integer({ min: 1, max: 1000 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 3 }),
        async (steps, seed, size, threads) => {
          const set = compileFeatureSet(testSet(9));
          const { world, shuffled } = worldOf(set, steps, seed);
          const { reads, ...records } = inputOf(world, shuffled);
          let done = 0;
          for await (const vectors of replayPieces(
            set,
            records,
            inPieces(reads, size),
            replayThreads(threads, 1, PROGRAM),
          )) {
            checkVectors(set, vectors, shuffled, done);
            done += vectors.count;
          }
          expect(done).toBe(reads.rows.length);
        },
      ),
      { numRuns: 5 },
    );
  });

  it('makes the same export, and finds what was served', async () => {
    const set = compileFeatureSet(plainSet(16));
    const world = await silverWorld(set);
    for (let at = 0; at < 2000; at += 1) {
      const time = START + at * 60_000_000 - (at % 40 === 7 ? DAY : 0);
      const row = rowOf(`E${String(at).padStart(31, '0')}`, time, (at * 7919) % 100_000, at % 97, at % 13);
      world.pay(row, START + at * 60_000_000, 'APPROVE');
      if (at % 7 === 3) world.pay({ ...row, side: 'PAYEE' }, START + at * 60_000_000 + 1, 'ACCEPT');
      if (at % 1500 === 1499) world.restart();
    }
    await world.commit();
    const made = async (threads: ReplayThreads | null) => {
      const files = memoryObjectStore();
      const manifest = await createExport(
        { set, labelsAsOfMicros: START + 200 * DAY },
        { tables: world.tables, files, threads },
      );
      return { manifest, bytes: await files.get('all.parquet') };
    };
    const alone = await made(null);
    expect(alone.manifest.rows).toBe(2286);
    expect(await made(replayThreads(1, 1, PROGRAM))).toEqual(alone);
    expect(await made(replayThreads(3, 1, PROGRAM))).toEqual(alone);
    const { decisions, differingValues } = await compareServed(
      world.tables,
      set,
      {},
      undefined,
      replayThreads(1, 1, PROGRAM),
    );
    expect({ decisions, differingValues }).toEqual({ decisions: 2286, differingValues: 0 });
  });

  it('fails as one thread does', async () => {
    const world = new World(testSet(9));
    world.pay(rowOf(`E${'1'.repeat(31)}`, START, 100, 1, 2), JOURNALS[0] as string, true);
    const set = compileFeatureSet(world.set);
    const input = { ...inputOf(world, world.log), epochs: [] };
    expect(() => replay(set, input)).toThrow('no record opens epoch 1');
    const vectors = replayPieces(set, input, [input.reads], replayThreads(2, 1, PROGRAM));
    await expect(vectors.next()).rejects.toMatchObject({ code: 'table_corrupt' });
  });

  it('says so where a thread ends, and waits no longer', async () => {
    const world = new World(testSet(9));
    world.pay(rowOf(`E${'1'.repeat(31)}`, START, 100, 1, 2), JOURNALS[0] as string, true);
    const input = inputOf(world, world.log);
    const dying = replayThreads(1, 1, new URL('data:text/javascript,process.exit(3)'));
    const vectors = replayPieces(compileFeatureSet(world.set), input, [input.reads], dying);
    await expect(vectors.next()).rejects.toMatchObject({ code: 'internal', message: expect.stringContaining('ended') });
  });
});
