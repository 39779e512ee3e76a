import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileFeatureSet, type FeatureSet } from '../../../src/features/feature-set.ts';
import { replay } from '../../../src/features/replay/replay.ts';
import { checkVectors, type Entry, inputOf, JOURNALS, START, World, worldOf } from './replay-world.ts';
import { rowOf, STREAMS, type Step, smallShape, stream, testSet, unboundedSet } from './streams.ts';

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

  for (const hot of [2, 9]) {
    it(`equals what was served of a set without a bound, of which ${hot} events are in memory`, () => {
      const set = compileFeatureSet(unboundedSet(), smallShape(hot));
      fc.assert(
        fc.property(stream, fc.integer({ min: 1, max: 1000 }), (steps, seed) => run(set, steps, seed)),
        { numRuns: STREAMS },
      );
    });
  }

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
