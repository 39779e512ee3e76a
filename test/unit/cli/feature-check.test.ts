import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { manualClock } from '../../../src/base/clock.ts';
import { findFeatureSet } from '../../../src/cli/feature-sets.ts';
import { runProgram } from '../../../src/cli/program.ts';
import { readRows } from '../../../src/storage/scan/table-read.ts';
import { localObjectStore } from '../../../src/storage/store/local-object-store.ts';
import { openTable } from '../../../src/storage/table.ts';
import type { CellRow } from '../../../src/storage/types/cell.ts';
import { rowOf } from '../features/streams.ts';
import { type SilverWorld, silverWorld } from '../training-export/silver-world.ts';

const START = 20_000 * 86_400_000_000;
const SET = 'docs/examples/handbook/features.yaml';
const root = mkdtempSync(join(tmpdir(), 'sentinela-check-'));
const lake = localObjectStore(join(root, 'lake'));
let world: SilverWorld;
afterAll(() => rmSync(root, { recursive: true, force: true }));

beforeAll(async () => {
  mkdirSync(join(root, 'lake'));
  world = await silverWorld(await findFeatureSet(SET, root), lake);
  pay(10);
  await world.commit();
});

function pay(count: number): void {
  for (let number = 0; number < count; number += 1) {
    const at = world.rows.length;
    const t = START + at * 60_000_000;
    world.pay(rowOf(`E${String(at).padStart(31, '0')}`, t, 100 + at, 1, 1), t, 'APPROVE');
  }
}

async function check(...args: readonly string[]): Promise<{ exit: number; values: Record<string, unknown>[] }> {
  const written: string[] = [];
  const out = vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  const errors = vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
  try {
    const exit = await runProgram(['features', 'check', '--set', SET, '--data-dir', root, '--json', ...args]);
    return { exit, values: written.map((text) => JSON.parse(text) as Record<string, unknown>) };
  } finally {
    out.mockRestore();
    errors.mockRestore();
  }
}

async function recorded(): Promise<CellRow[]> {
  const rows: CellRow[] = [];
  const table = openTable(lake, 'gold/feature_checks', { clock: manualClock(0) });
  for await (const row of readRows(await table.snapshot())) rows.push(row);
  return rows;
}

describe('features check', () => {
  it('records nothing unless asked to, and with --record also a check that finds differences', async () => {
    expect(await check()).toMatchObject({ exit: 0, values: [{ decisions: 10, recorded: null }] });
    await expect(recorded()).rejects.toMatchObject({ code: 'table_not_found' });
    const { exit, values } = await check('--record');
    expect({ exit, values }).toMatchObject({
      exit: 0,
      values: [{ recorded: { table: 'gold/feature_checks', version: 1 } }],
    });
    expect(await recorded()).toHaveLength(world.set.names.length);
    pay(1);
    const last = world.decisions.at(-1) as Record<string, unknown>;
    last.features = (last.features as (number | null)[]).with(0, 4711);
    await world.commit();
    expect((await check('--record')).exit).toBe(5);
    const differing = (await recorded()).filter((row) => row.differing_count === 1n);
    expect(differing).toMatchObject([{ feature: world.set.names[0], decision_count: 11n }]);
  });
});
