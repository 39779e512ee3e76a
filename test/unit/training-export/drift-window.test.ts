import { beforeAll, describe, expect, it } from 'vitest';
import { compileFeatureSet } from '../../../src/features/feature-set.ts';
import { memoryObjectStore } from '../../../src/storage/store/memory-object-store.ts';
import { createExport } from '../../../src/training-export/create-export.ts';
import { newestKnown, openDriftWindow, type WindowDrift } from '../../../src/training-export/drift-window.ts';
import { featureDrift } from '../../../src/training-export/feature-drift.ts';
import { plainSet, rowOf } from '../features/streams.ts';
import { type SilverWorld, silverWorld } from './silver-world.ts';

const HOUR = 3_600_000_000;
const DAY = 24 * HOUR;
const START = 20_000 * DAY;
const NOW = START + 100 * DAY;
const set = compileFeatureSet(plainSet(16));
const files = memoryObjectStore();
let world: SilverWorld;

async function serve(count: number, at: number, amount: number): Promise<void> {
  for (let number = 0; number < count; number += 1) {
    const id = `E${String(world.rows.length).padStart(31, '0')}`;
    world.pay(
      rowOf(id, at + number * 1_000_000, amount + number, 1 + (number % 3), 1),
      at + number * 1_000_000,
      'HOLD',
    );
  }
  await world.commit();
}

beforeAll(async () => {
  world = await silverWorld(set);
  await serve(100, START, 100);
  await createExport({ set, labelsAsOfMicros: START + DAY, horizonMicros: DAY }, { tables: world.tables, files });
});

const open = (mostDecisions = 1_000_000, ofSet = set) =>
  openDriftWindow(
    { decisions: world.tables.table('silver/decisions'), files, windowMicros: DAY, mostDecisions },
    ofSet,
  );

/** The figures of the command over the same decisions. */
async function whole(sinceMicros: number): Promise<WindowDrift> {
  const { decisions, features } = await featureDrift({ tables: world.tables, files }, sinceMicros);
  const ordered = features.toSorted((a, b) => set.indexOf(a.feature) - set.indexOf(b.feature));
  return { decisions, features: ordered };
}

describe('a window of drift', () => {
  it('counts commit by commit what a look at all of its decisions counts, and forgets what leaves it', async () => {
    const window = await open();
    expect(await window.advance(NOW)).toBeUndefined();
    await serve(20, NOW - 30 * 60_000_000, 150);
    expect(await window.advance(NOW)).toEqual(await whole(NOW - DAY));
    expect(await window.advance(NOW)).toEqual(await whole(NOW - DAY));
    await serve(30, NOW + 2 * HOUR, 5_000);
    const later = NOW + 3 * HOUR;
    const both = await window.advance(later);
    expect(both).toEqual(await whole(later - DAY));
    expect(both?.decisions).toBe(50);
    const next = NOW + DAY + HOUR;
    const rest = await window.advance(next);
    expect(rest).toEqual(await whole(next - DAY));
    expect(rest?.decisions).toBe(30);
    expect(newestKnown(await world.tables.table('silver/decisions').snapshot())).toBe(NOW + 2 * HOUR + 29_000_000);
    // A server that starts now has the same window.
    expect(await (await open()).advance(next)).toEqual(rest);
    expect(await window.advance(NOW + 3 * DAY)).toBeUndefined();
  });

  it('counts the newest files where there are more decisions than its limit', async () => {
    const window = await open(30);
    expect((await window.advance(NOW + 3 * HOUR))?.decisions).toBe(30);
  });

  it('is refused for an export of another set, naming both', async () => {
    const other = compileFeatureSet(plainSet(17));
    await expect(open(9, other)).rejects.toMatchObject({
      code: 'export_mismatch',
      message: expect.stringContaining(`of test@${set.version}, served is test@${other.version}`),
    });
  });
});
