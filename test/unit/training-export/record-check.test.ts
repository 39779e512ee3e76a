import { beforeEach, describe, expect, it } from 'vitest';
import { manualClock } from '../../../src/base/clock.ts';
import { compileFeatureSet } from '../../../src/features/feature-set.ts';
import { FEATURE_STATUS_NAMES } from '../../../src/features/feature-status.ts';
import { readRows } from '../../../src/storage/scan/table-read.ts';
import { memoryObjectStore } from '../../../src/storage/store/memory-object-store.ts';
import type { ObjectStore } from '../../../src/storage/store/object-store.ts';
import { openTable } from '../../../src/storage/table.ts';
import type { CellRow } from '../../../src/storage/types/cell.ts';
import { compareServed } from '../../../src/training-export/compare-served.ts';
import { recordCheck } from '../../../src/training-export/record-check.ts';
import { plainSet, rowOf } from '../features/streams.ts';
import { type SilverWorld, silverWorld } from './silver-world.ts';

const START = 20_000 * 86_400_000_000;
const NOW = START + 86_400_000_000;
const set = compileFeatureSet(plainSet(16));
const clock = manualClock(NOW);
let store: ObjectStore;
let world: SilverWorld;

beforeEach(async () => {
  store = memoryObjectStore();
  world = await silverWorld(set);
  for (let number = 0; number < 40; number += 1) {
    const t = START + number * 30_000_000;
    world.pay(rowOf(`E${String(number).padStart(31, '0')}`, t, 100 + number, 1 + (number % 3), 1), t + 5, 'APPROVE');
  }
});

async function rowsOf(): Promise<CellRow[]> {
  const rows: CellRow[] = [];
  const snapshot = await openTable(store, 'gold/feature_checks', { clock }).snapshot();
  for await (const row of readRows(snapshot)) rows.push(row);
  return rows;
}

/** What was served, counted by a loop over the decisions as they were made. */
function counted(feature: string, why: string, hasValue: boolean): bigint {
  const at = set.names.indexOf(feature);
  const status = FEATURE_STATUS_NAMES.indexOf(why);
  const ours = world.decisions.filter(
    ({ features, feature_status: statuses }) =>
      ((features as unknown[])[at] !== null) === hasValue && (statuses as Uint8Array)[at] === status,
  );
  return BigInt(ours.length);
}

describe('a recorded check', () => {
  it('has a row for each feature, with what a loop over the decisions counts and the versions that were read', async () => {
    await world.commit();
    const recorded = await recordCheck(store, clock, await compareServed(world.tables, set));
    const rows = await rowsOf();
    expect(rows.map(({ feature }) => feature)).toEqual(set.names);
    for (const row of rows) {
      const feature = String(row.feature);
      expect(row, feature).toMatchObject({
        checked_at: BigInt(NOW),
        feature_set: set.name,
        feature_set_version: set.version,
        decision_count: 40n,
        differing_count: 0n,
        null_count: counted(feature, 'null', false),
        not_found_count: counted(feature, 'not_found', false),
        truncated_count: counted(feature, 'truncated', false),
        other_absent_count: 0n,
        defaulted_count: counted(feature, 'not_found', true),
        check_differing_decision_count: 0n,
        check_other_decision_count: 0n,
        newest_decision_at: BigInt(START + 39 * 30_000_000 + 5),
        transactions_version: 1n,
        decisions_version: 1n,
        labels_version: 0n,
        epochs_version: 1n,
        corrections_version: null,
      });
    }
    const seen = (column: string): boolean => rows.some((row) => row[column] !== 0n);
    expect(['null_count', 'not_found_count', 'truncated_count', 'defaulted_count'].filter(seen)).toHaveLength(4);
    expect(recorded).toMatchObject({ table: 'gold/feature_checks', checkedAtMicros: NOW });
  });

  it('names the features that differ, and counts decisions of other sets', async () => {
    const [decision, other] = world.decisions.slice(7, 9) as [Record<string, unknown>, Record<string, unknown>];
    decision.features = (decision.features as (number | null)[]).with(0, 4711);
    decision.feature_status = Uint8Array.from(decision.feature_status as Uint8Array).with(3, 6);
    other.feature_set_version = '000000000000';
    await world.commit();
    await recordCheck(store, clock, await compareServed(world.tables, set));
    const rows = await rowsOf();
    const differing = rows.filter((row) => row.differing_count !== 0n).map(({ feature }) => feature);
    expect(differing).toEqual([set.names[0], set.names[3]]);
    for (const row of rows) {
      expect(row).toMatchObject({
        decision_count: 39n,
        check_differing_decision_count: 1n,
        check_other_decision_count: 1n,
      });
    }
  });

  it('has a time of its own, where clocks stand, go back, or checks are recorded at once', async () => {
    await world.commit();
    const report = await compareServed(world.tables, set);
    const first = await recordCheck(store, clock, report);
    const back = await recordCheck(store, manualClock(NOW - 1000), report);
    const atOnce = await Promise.all([recordCheck(store, clock, report), recordCheck(store, clock, report)]);
    const times = [first, back, ...atOnce].map(({ checkedAtMicros }) => checkedAtMicros);
    expect(times.toSorted((a, b) => a - b)).toEqual([NOW, NOW + 1, NOW + 2, NOW + 3]);
    const rows = await rowsOf();
    expect(rows).toHaveLength(4 * set.names.length);
    expect(new Set(rows.map(({ checked_at: at, feature }) => `${at} ${feature}`)).size).toBe(rows.length);
  });

  it('is one of nothing where there is no decision', async () => {
    const empty = await silverWorld(set);
    await recordCheck(store, clock, await compareServed(empty.tables, set));
    expect((await rowsOf())[0]).toMatchObject({ decision_count: 0n, newest_decision_at: null });
  });
});
