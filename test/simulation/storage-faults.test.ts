import { describe, expect, it } from 'vitest';
import { DUCKDB_SIZE, type PlanSize, planOf, SCRIPT_SIZE } from './storage/plan.ts';
import { describeFailure, shrink } from './storage/shrink.ts';
import { simulate } from './storage/simulate.ts';

/** Seeds of a test: together they take 40 s on one core; `npm run bench storage-simulation` runs as many as one likes. */
const GROUP = 30;
const SCRIPT_SEEDS = 180;
const DUCKDB_SEEDS = 30;

/** Runs that making a failure smaller may take. */
const SHRINK_RUNS = 300;

const first = Number(process.env.SEED ?? 0);

/** Runs seeds one after another; a failure is made smaller and printed. */
async function runSeeds(from: number, count: number, size: PlanSize): Promise<void> {
  for (let seed = from; seed < from + count; seed += 1) {
    const plan = planOf(seed, size);
    const report = await simulate(plan);
    if (report.violations.length > 0) expect.fail(describeFailure(await shrink(plan, report, SHRINK_RUNS)));
  }
}

describe('processes that share a table over a store that fails', () => {
  it.each(groups(SCRIPT_SEEDS))('lose, double and mix up nothing, seeds %i on', (from) =>
    runSeeds(from, GROUP, SCRIPT_SIZE),
  );

  it.each(groups(DUCKDB_SEEDS))('lose nothing where they change rows, seeds %i on', (from) =>
    runSeeds(from, GROUP, DUCKDB_SIZE),
  );

  it('are replayed by their seed, call by call', async () => {
    for (const size of [SCRIPT_SIZE, DUCKDB_SIZE]) {
      const [once, again] = [await simulate(planOf(first, size)), await simulate(planOf(first, size))];
      expect(again.trace).toEqual(once.trace);
    }
  });
});

function groups(seeds: number): number[] {
  return Array.from({ length: seeds / GROUP }, (_, group) => first + group * GROUP);
}
