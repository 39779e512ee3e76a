import { tmpdir } from 'node:os';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { replayThreads } from '../../src/cli/replay-threads.ts';
import { compileFeatureSet } from '../../src/features/feature-set.ts';
import { type ReplayPorts, replay, replayPieces } from '../../src/features/replay/replay.ts';
import { sequenceOf } from '../../src/features/replay/replay-input.ts';
import { localSpill } from '../../src/features/spill/local-spill.ts';
import { MEMORY_SPILL } from '../../src/features/spill/memory-spill.ts';
import { memoryObjectStore } from '../../src/storage/store/memory-object-store.ts';
import { compareServed } from '../../src/training-export/compare-served.ts';
import { createExport } from '../../src/training-export/create-export.ts';
import { checkVectors, inputOf, JOURNALS, START, World, worldOf } from '../unit/features/replay-world.ts';
import { plainSet, rowOf, stream, testSet } from '../unit/features/streams.ts';
import { silverWorld } from '../unit/training-export/silver-world.ts';

/* Threads run the built program, so build before: `npm run build`. */

const PROGRAM = new URL('../../dist/cli/replay-worker.js', import.meta.url);
const DAY = 86_400_000_000;

describe('a replay on several threads', () => {
  it('equals what was served, piece by piece, on random streams', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        stream,
        fc.integer({ min: 1, max: 1000 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 3 }),
        fc.boolean(),
        async (steps, seed, size, threads, onDisk) => {
          const set = compileFeatureSet(testSet(9));
          const { world, shuffled } = worldOf(set, steps, seed);
          const { reads, ...records } = inputOf(world, shuffled);
          let done = 0;
          const place = onDisk ? localSpill(tmpdir()) : MEMORY_SPILL;
          const ports = { threads: replayThreads(threads, 1, PROGRAM), pieceReads: size, spill: place };
          for await (const vectors of replayPieces(set, records, sequenceOf(reads), ports)) {
            checkVectors(set, vectors, shuffled, done);
            done += vectors.count;
          }
          expect(done).toBe(reads.rows.length);
        },
      ),
      // Shrinking starts threads anew for each try, and would end in the timeout instead of the example.
      { numRuns: 5, endOnFailure: true },
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
    const made = async (ports: ReplayPorts) => {
      const files = memoryObjectStore();
      const manifest = await createExport(
        { set, labelsAsOfMicros: START + 200 * DAY },
        { ...ports, tables: world.tables, files },
      );
      return { manifest, bytes: await files.get('all.parquet') };
    };
    const alone = await made({});
    expect(alone.manifest.rows).toBe(2286);
    expect(await made({ threads: replayThreads(1, 1, PROGRAM) })).toEqual(alone);
    for (const threads of [null, replayThreads(1, 1, PROGRAM), replayThreads(3, 1, PROGRAM)]) {
      expect(await made({ threads, pieceReads: 500, spill: localSpill(tmpdir()) })).toEqual(alone);
    }
    const { decisions, differingValues } = await compareServed(world.tables, set, {}, undefined, {
      threads: replayThreads(1, 1, PROGRAM),
      pieceReads: 500,
    });
    expect({ decisions, differingValues }).toEqual({ decisions: 2286, differingValues: 0 });
  });

  it('fails as one thread does', async () => {
    const world = new World(testSet(9));
    world.pay(rowOf(`E${'1'.repeat(31)}`, START, 100, 1, 2), JOURNALS[0] as string, true);
    const set = compileFeatureSet(world.set);
    const input = { ...inputOf(world, world.log), epochs: [] };
    expect(() => replay(set, input)).toThrow('no record opens epoch 1');
    const vectors = replayPieces(set, input, sequenceOf(input.reads), { threads: replayThreads(2, 1, PROGRAM) });
    await expect(vectors.next()).rejects.toMatchObject({ code: 'table_corrupt' });
  });

  it('says so where a thread ends, and waits no longer', async () => {
    const world = new World(testSet(9));
    world.pay(rowOf(`E${'1'.repeat(31)}`, START, 100, 1, 2), JOURNALS[0] as string, true);
    const input = inputOf(world, world.log);
    const dying = replayThreads(1, 1, new URL('data:text/javascript,process.exit(3)'));
    const vectors = replayPieces(compileFeatureSet(world.set), input, sequenceOf(input.reads), { threads: dying });
    await expect(vectors.next()).rejects.toMatchObject({ code: 'internal', message: expect.stringContaining('ended') });
  });
});
