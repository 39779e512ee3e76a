import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keyOfActionPath } from '../../../src/storage/log/file-path.ts';
import { objectsOf } from '../../../src/storage/maintain/named-objects.ts';
import { type DeltaTable, openTable } from '../../../src/storage/table.ts';
import { DAY_MS, dataKeys, HOUR_MS, idsOf, makeTable, openWorld, rowsOf, type World } from './maintain-world.ts';

/*
 * Random histories: after a vacuum every version that was the newest at some time within the retention
 * reads as it did, and nothing else is left. The twin is naive: it opens all of these versions and takes
 * the union of what they name.
 */

type Step =
  | { readonly do: 'append' | 'overwrite' | 'delete' | 'restore' | 'checkpoint' | 'vacuum' | 'lite' | 'orphan' }
  | { readonly do: 'wait'; readonly hours: number };

const STEP: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Step>({ do: 'append' }) },
  { weight: 3, arbitrary: fc.constant<Step>({ do: 'delete' }) },
  ...(['overwrite', 'restore', 'checkpoint', 'vacuum', 'lite', 'orphan'] as const).map((action) => ({
    weight: 1,
    arbitrary: fc.constant<Step>({ do: action }),
  })),
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 120 }).map((hours): Step => ({ do: 'wait', hours })) },
);

const RETENTION_MS = 7 * DAY_MS;

async function play(steps: readonly Step[], end: 'full' | 'lite'): Promise<void> {
  const world = openWorld('memory');
  const table = await makeTable(world);
  let made = 0;
  for (const step of steps) {
    // No two events fall exactly a retention apart.
    world.wait(step.do === 'wait' ? step.hours * HOUR_MS + 1 : 1);
    made += 1;
    await act(world, table, step, made);
  }
  world.wait(1);
  const since = world.nowMs() - RETENTION_MS;
  const versions = await versionsSince(world, since);
  const before = await readAll(world, versions);
  const needed = await neededBy(world, versions);
  const all = await dataKeys(world.store);
  const young = new Set<string>();
  for await (const { key, modifiedMs } of world.store.listFrom('t/')) if (modifiedMs >= since) young.add(key);
  await table.vacuum({ mode: end });
  const left = await dataKeys(world.store);
  if (end === 'full') expect(left).toEqual(all.filter((key) => young.has(key) || needed.has(key)));
  for (const key of needed) expect(left).toContain(key);
  expect(await readAll(world, versions)).toEqual(before);
}

async function act(world: World, table: DeltaTable, step: Step, made: number): Promise<void> {
  switch (step.do) {
    case 'append':
      await table.append({ rows: rowsOf(made * 10, made * 10 + 5) });
      break;
    case 'overwrite':
      await table.write({ source: { rows: rowsOf(made * 10, made * 10 + 1) }, mode: 'overwrite' });
      break;
    case 'delete':
      await table.delete({ where: `id % 7 = ${made % 7}` });
      break;
    case 'restore': {
      const { version } = await table.snapshot();
      await table.restore({ version: Math.max(0, version - (made % 4)), ignoreMissingFiles: true });
      break;
    }
    case 'checkpoint':
      await table.checkpoint();
      break;
    case 'vacuum':
      await table.vacuum();
      break;
    case 'lite':
      await table.vacuum({ mode: 'lite' });
      break;
    case 'orphan':
      await world.store.put(`t/orphan-${made}.parquet`, new Uint8Array(3));
      break;
    case 'wait':
      break;
  }
}

/** Versions that were the newest at an instant or later: those whose next one is not older. */
async function versionsSince(world: World, since: number): Promise<number[]> {
  const times: number[] = [];
  for await (const { key, modifiedMs } of world.store.listFrom('t/_delta_log/'))
    if (/\d{20}\.json$/.test(key)) times.push(modifiedMs);
  return times.flatMap((_, version) => ((times[version + 1] ?? Number.POSITIVE_INFINITY) >= since ? [version] : []));
}

async function readAll(world: World, versions: readonly number[]): Promise<number[][]> {
  const fresh = openTable(world.store, 't', world.environment);
  const read: number[][] = [];
  for (const version of versions) read.push(await idsOf(await fresh.snapshot(version)));
  return read;
}

async function neededBy(world: World, versions: readonly number[]): Promise<Set<string>> {
  const fresh = openTable(world.store, 't', world.environment);
  const keyOf = (path: string): string => keyOfActionPath(world.store, 't', path);
  const needed = new Set<string>();
  for (const version of versions) {
    for (const { add } of (await fresh.snapshot(version)).files)
      for (const key of objectsOf({ store: world.store, table: 't', keyOf } as never, add)) needed.add(key);
  }
  return needed;
}

describe('any history of a table', () => {
  it.each(['full', 'lite'] as const)(
    'reads as before in every version within the retention after a %s vacuum',
    async (end) => {
      await fc.assert(
        fc.asyncProperty(fc.array(STEP, { minLength: 4, maxLength: 16 }), (steps) => play(steps, end)),
        { numRuns: 6, seed: 20_261_125 },
      );
    },
    120_000,
  );
});
