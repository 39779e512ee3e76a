import { beforeEach, describe, expect, it } from 'vitest';
import { compileFeatureSet } from '../../../src/features/feature-set.ts';
import { memoryObjectStore } from '../../../src/storage/store/memory-object-store.ts';
import type { ObjectStore } from '../../../src/storage/store/object-store.ts';
import { createExport } from '../../../src/training-export/create-export.ts';
import type { ExportOptions } from '../../../src/training-export/export-options.ts';
import type { ExportManifest } from '../../../src/training-export/manifest.ts';
import { verifyExport } from '../../../src/training-export/verify-export.ts';
import { plainSet, rowOf } from '../features/streams.ts';
import { readParquetFiles } from './export-files.ts';
import { type SilverWorld, silverWorld } from './silver-world.ts';

const DAY = 86_400_000_000;
const START = 20_000 * DAY;
const set = compileFeatureSet(plainSet(16));
const idOf = (number: number): string => `E${String(number).padStart(31, '0')}`;
const OPTIONS: ExportOptions = {
  set,
  labelsAsOfMicros: START + 40 * DAY,
  horizonMicros: 10 * DAY,
  fromDecisions: true,
  doubles: true,
  leakage: 'off',
};

describe('an export of served features', () => {
  let world: SilverWorld;
  let served: Map<string, readonly (number | null)[]>;
  let files: ObjectStore;
  const make = async (options: Partial<ExportOptions> = {}): Promise<ExportManifest> => {
    await world.commit();
    return createExport({ ...OPTIONS, ...options }, { tables: world.tables, files });
  };

  beforeEach(async () => {
    world = await silverWorld(set);
    files = memoryObjectStore();
    served = new Map();
    for (let number = 0; number < 40; number += 1) {
      const t = START + number * 1_000_000_000;
      const row = rowOf(idOf(number), t, 100 + number, 1 + (number % 2), 1);
      if (number % 4 === 3) world.importPayment(row, t);
      else {
        const { values } = world.pay(row, t, 'APPROVE');
        served.set(
          row.end_to_end_id,
          Array.from(values, (value) => (Number.isNaN(value) ? null : value)),
        );
      }
      if (number % 10 === 5) world.label(idOf(number - 1), 'AGREED', t, t);
    }
  });

  it('has the values of decisions, joined to labels, equal to what is recomputed', async () => {
    const manifest = await make();
    const rows = await readParquetFiles(files, ['all.parquet']);
    expect(rows.map((row) => row.end_to_end_id)).toEqual([...served.keys()]);
    for (const row of rows) expect(set.names.map((name) => row[name])).toEqual(served.get(String(row.end_to_end_id)));
    expect(rows.filter((row) => row.label === 1).length).toBe(4);
    expect(manifest.served).toEqual({
      notServed: 10,
      comparedValues: 30 * set.names.length,
      differingValues: 0,
      differingRows: 0,
      byFeature: {},
    });
    expect(manifest.command).toContain('--from-decisions');
    expect(await verifyExport({ tables: world.tables, files })).toMatchObject({ ok: true });
  });

  it('has what was served also where it is not what is recomputed, and says which features differ', async () => {
    const [decision] = world.decisions.slice(8, 9) as [Record<string, unknown>];
    const values = [...(decision.features as (number | null)[])];
    values[0] = 4711;
    const statuses = Uint8Array.from(decision.feature_status as Uint8Array);
    statuses[3] = 6;
    Object.assign(decision, { features: values, feature_status: statuses });
    const manifest = await make();
    expect(manifest.served).toMatchObject({
      differingValues: 2,
      differingRows: 1,
      byFeature: { [set.names[0] ?? '']: 1, [set.names[3] ?? '']: 1 },
    });
    const rows = await readParquetFiles(files, ['all.parquet']);
    const row = rows.find((cells) => cells.end_to_end_id === decision.end_to_end_id);
    expect(row?.[set.names[0] ?? '']).toBe(4711);
  });

  it('leaves out what another version of the set served, and is none where nothing is left', async () => {
    for (const decision of world.decisions.slice(0, 5)) decision.feature_set_version = 'other';
    expect((await make()).served?.notServed).toBe(15);
    const other = compileFeatureSet({ ...plainSet(16), description: 'another' });
    await expect(make({ set: other })).rejects.toMatchObject({
      code: 'not_found',
      message: expect.stringContaining(`has no decision of test@${other.version}`),
    });
  });
});
