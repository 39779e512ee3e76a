import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { featureWatch } from '../../../src/cli/feature-watch.ts';
import { compileFeatureSet } from '../../../src/features/feature-set.ts';
import { openLake } from '../../../src/pipeline/lake.ts';
import { localObjectStore } from '../../../src/storage/store/local-object-store.ts';
import { createExport } from '../../../src/training-export/create-export.ts';
import { plainSet, rowOf } from '../features/streams.ts';
import { silverWorld } from '../training-export/silver-world.ts';

const DAY = 86_400_000_000;
const START = 20_000 * DAY;
const set = compileFeatureSet(plainSet(16));
const root = mkdtempSync(join(tmpdir(), 'sentinela-watch-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

it('a watch tells freshness, drift and skew of what was served, a broken value included, and goes on from run to run', async () => {
  const store = localObjectStore(join(root, 'lake'));
  const world = await silverWorld(set, store);
  const pay = (count: number): void => {
    for (let number = 0; number < count; number += 1) {
      const t = START + world.rows.length * 1_000_000;
      world.pay(rowOf(`E${String(world.rows.length).padStart(31, '0')}`, t, 100 + number, 1, 1), t, 'APPROVE');
    }
  };
  pay(40);
  await world.commit();
  const driftExport = join(root, 'training');
  await createExport(
    { set, labelsAsOfMicros: START + DAY, horizonMicros: DAY },
    { tables: world.tables, files: localObjectStore(driftExport) },
  );
  world.clock.advanceTo(START + 3_600_000_000);
  const ports = {
    lake: openLake(store, { clock: world.clock }),
    clock: world.clock,
    temporaryFolder: join(root, 'tmp'),
  };
  const watch = featureWatch({ set, ports, driftExport, skewSample: 1 });
  expect(watch.health()).toEqual({});
  await watch.seeFreshness();
  await watch.seeDrift();
  expect(await watch.seeSkew()).toBeNull();
  const { silverNewest, drift, skew } = watch.health();
  expect(silverNewest).toEqual({ transactions: START + 39_000_000, decisions: START + 39_000_000 });
  expect(drift?.features.map(({ psi }) => psi)).toEqual(set.names.map(() => 0));
  expect(skew).toEqual({ compared: 40 * set.names.length, different: new Map(), leftOut: 0 });
  pay(10);
  const broken = world.decisions.at(-1) as { features: (number | null)[] };
  broken.features = broken.features.with(2, 4711);
  await world.commit();
  await watch.seeDrift();
  expect(await watch.seeSkew()).toMatchObject({ feature: set.names[2], served: 4711 });
  expect(watch.health().drift?.decisions).toBe(50);
  expect(watch.health().skew).toEqual({
    compared: 50 * set.names.length,
    different: new Map([[set.names[2], 1]]),
    leftOut: 0,
  });
});
