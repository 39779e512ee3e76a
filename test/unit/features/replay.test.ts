import { tmpdir } from 'node:os';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileFeatureSet, type FeatureSet } from '../../../src/features/feature-set.ts';
import { replay, replayPieces } from '../../../src/features/replay/replay.ts';
import { sequenceOf } from '../../../src/features/replay/replay-input.ts';
import { localSpill } from '../../../src/features/spill/local-spill.ts';
import { MEMORY_SPILL } from '../../../src/features/spill/memory-spill.ts';
import { checkVectors, type Entry, inputOf, JOURNALS, START, World, worldOf } from './replay-world.ts';
import { forgettingSet, rowOf, STREAMS, type Step, smallShape, stream, testSet, unboundedSet } from './streams.ts';

function check(set: FeatureSet, world: World, shuffled: readonly Entry[]): void {
  checkVectors(set, replay(set, inputOf(world, shuffled)), shuffled);
}

function run(set: FeatureSet, steps: readonly Step[], seed: number): void {
  const { world, shuffled } = worldOf(set, steps, seed);
  check(set, world, shuffled);
}

describe('replay', () => {
  for (const bound of [2, 9, 256]) {
    it(`equals what was served, over epochs that forget and events without a number, bound ${bound}`, () => {
      fc.assert(
        fc.property(stream, fc.integer({ min: 1, max: 1000 }), (steps, seed) =>
          run(compileFeatureSet(testSet(bound)), steps, seed),
        ),
        { numRuns: STREAMS },
      );
    });
  }

  for (const [hot, keeps, made] of [
    [2, 'keeps all', unboundedSet],
    [9, 'keeps all', unboundedSet],
    [3, 'soon forgets', forgettingSet],
  ] as const) {
    it(`equals what was served of a set without a bound that ${keeps}, of which ${hot} events are in memory`, () => {
      const set = compileFeatureSet(made(), smallShape(hot));
      fc.assert(
        fc.property(stream, fc.integer({ min: 1, max: 1000 }), (steps, seed) => run(set, steps, seed)),
        { numRuns: STREAMS },
      );
    });
  }

  it('equals itself where values of all but a few reads are spilled, piece by piece', async () => {
    const set = compileFeatureSet(testSet(9));
    await fc.assert(
      fc.asyncProperty(
        stream,
        fc.integer({ min: 1, max: 1000 }),
        fc.integer({ min: 1, max: 40 }),
        fc.constantFrom(MEMORY_SPILL, localSpill(tmpdir())),
        async (steps, seed, pieceReads, spill) => {
          const { world, shuffled } = worldOf(set, steps, seed);
          const input = inputOf(world, shuffled);
          const whole = replay(set, input);
          let done = 0;
          for await (const vectors of replayPieces(set, input, sequenceOf(input.reads), { pieceReads, spill })) {
            expect(vectors.count).toBeLessThanOrEqual(pieceReads);
            for (let read = 0; read < vectors.count; read += 1, done += 1)
              expect(vectors.vector(read)).toEqual(whole.vector(done));
          }
          expect(done).toBe(whole.count);
        },
      ),
      { numRuns: STREAMS },
    );
  });

  it('tells how far it is before the first piece, up to all reads', async () => {
    const set = compileFeatureSet(testSet(9));
    const world = new World(set.definition);
    for (let at = 0; at < 9; at += 1)
      world.pay(rowOf(`E${String(at).padStart(31, '0')}`, START + at, 100, at % 3, 2), JOURNALS[0] as string, true);
    const input = inputOf(world, world.log);
    const told: number[] = [];
    const onComputed = (reads: number, total: number): void => void told.push(reads / total);
    for await (const { count } of replayPieces(set, input, sequenceOf(input.reads), { pieceReads: 4, onComputed })) {
      expect(told.at(-1)).toBe(1);
      expect(count).toBeGreaterThan(0);
    }
    expect(told).toEqual([...told].sort((a, b) => a - b));
  });

  it('takes an event back out once the payment’s earlier event, at another payee, is in the base', () => {
    const world = new World(testSet(9));
    const [a, b] = JOURNALS as [string, string];
    const first = rowOf(`E${'1'.repeat(31)}`, START, 100, 1, 2);
    world.pay(first, a, true);
    world.open([1, 0]);
    // The store has lost the event: the other side, which names another payee, is an event again.
    world.pay({ ...first, side: 'PAYEE', payee_number: '1' }, b, true);
    world.open([1, 0]);
    world.pay(rowOf(`E${'2'.repeat(31)}`, START + 1, 100, 2, 1), b, true);
    world.open([0, 0]);
    world.pay(rowOf(`E${'3'.repeat(31)}`, START + 2, 100, 2, 1), b, true);
    expect(world.log.at(-1)?.expected?.get('payee_count_1m')?.value).toBe(1);
    check(compileFeatureSet(world.set), world, world.log);
  });
});
