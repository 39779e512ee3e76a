import { beforeEach, describe, expect, it } from 'vitest';
import { manualClock } from '../../../src/base/clock.ts';
import { sidecarKey } from '../../../src/storage/log/checkpoint-read.ts';
import { checkpointStatistics } from '../../../src/storage/log/checkpoint-schema.ts';
import { writeCheckpoint } from '../../../src/storage/log/checkpoint-write.ts';
import { versionAt } from '../../../src/storage/log/commit-time.ts';
import { checkpointKey, commitKey } from '../../../src/storage/log/log-names.ts';
import { checkWritable } from '../../../src/storage/log/table-features.ts';
import { tableLog } from '../../../src/storage/log/table-log.ts';
import { decodeParquet } from '../../../src/storage/parquet/parquet-read.ts';
import { memoryObjectStore } from '../../../src/storage/store/memory-object-store.ts';
import type { ObjectStore } from '../../../src/storage/store/object-store.ts';
import { createTable, type DeltaTable } from '../../../src/storage/table.ts';
import { type DeltaType, field, structOf } from '../../../src/storage/types/delta-type.ts';

// What stands at the edge of the log's rules: letters, paths that are none, commits that are gone.

const START_MS = Date.UTC(2026, 0, 1);
const HOUR_MS = 3_600_000;
const clock = manualClock(START_MS * 1000);
let store: ObjectStore;
beforeEach(() => {
  store = memoryObjectStore();
});

function tableOf(configuration: Record<string, string>, types: Record<string, DeltaType>): Promise<DeltaTable> {
  const schema = structOf(Object.entries(types).map(([name, type]) => field(name, type)));
  const partitionColumns = Object.keys(types).slice(1);
  return createTable(store, { path: 't', schema, configuration, partitionColumns }, { clock });
}

describe('a checkpoint', () => {
  it.each(['%zz.parquet', 'a%', 'x/%2F'])('whose sidecar is at %s is broken', (path) => {
    const sidecar = { path, sizeInBytes: 1, modificationTime: 1 };
    expect(() => sidecarKey('t', sidecar)).toThrow(expect.objectContaining({ code: 'table_corrupt' }));
  });

  it('holds partition values in columns by their physical names', async () => {
    const mapped = { 'delta.columnMapping.mode': 'name', 'delta.checkpoint.writeStatsAsStruct': 'true' };
    const table = await tableOf(mapped, { id: 'integer', p: 'string' });
    await table.append({ rows: [{ id: 1, p: 'x' }] });
    const { state, schema } = await table.snapshot();
    const environment = { store, table: 't', nowMs: START_MS, newUuid: () => '0' };
    await writeCheckpoint(environment, state, { policy: 'classic' });
    const physical = String(schema.fields[1]?.metadata['delta.columnMapping.physicalName']);
    const parsed: unknown[] = [];
    const bytes = (await store.get(checkpointKey('t', 1))) ?? new Uint8Array();
    for await (const batch of decodeParquet(bytes, 'checkpoint')) {
      for (const { add } of batch.toArray())
        if (add !== null) parsed.push(add.toJSON().partitionValues_parsed.toJSON());
    }
    expect(parsed).toEqual([{ [physical]: 'x' }]);
  });
});

describe('a property', () => {
  it('is true and false in letters of any case', async () => {
    const { state } = await (await tableOf({}, { id: 'integer' })).snapshot();
    const statisticsOf = (configuration: Record<string, string>): unknown => {
      const { asJson, asStruct } = checkpointStatistics({ ...state, metadata: { ...state.metadata, configuration } });
      return [asJson, asStruct !== undefined];
    };
    const [asJson, asStruct] = ['delta.checkpoint.writeStatsAsJson', 'delta.checkpoint.writeStatsAsStruct'];
    expect(statisticsOf({})).toEqual([true, false]);
    expect(statisticsOf({ [asJson]: 'False', [asStruct]: ' TRUE' })).toEqual([false, true]);
    const protocol = { minReaderVersion: 2, minWriterVersion: 7, writerFeatures: ['columnMapping', 'icebergCompatV2'] };
    const writable = (value: string) => (): void =>
      checkWritable('t', protocol, {
        ...state.metadata,
        configuration: { 'delta.enableIcebergCompatV2': value },
      });
    expect(writable('FALSE')).not.toThrow();
    expect(writable('TRUE')).toThrow(expect.objectContaining({ code: 'table_unsupported' }));
  });
});

describe('an instant before the commits that are there', () => {
  it('is refused with the time of the first that is there', async () => {
    const table = await tableOf({ 'delta.enableInCommitTimestamps': 'true' }, { id: 'integer' });
    for (let id = 1; id <= 4; id += 1) {
      clock.advanceTo((START_MS + id * HOUR_MS) * 1000);
      await table.append({ rows: [{ id }] });
    }
    const { version, metadata } = await table.snapshot();
    const at = (hours: number): Promise<number> =>
      versionAt(tableLog(store, 't'), { version, metadata }, START_MS + hours * HOUR_MS);
    expect(await at(1.5)).toBe(1);
    await expect(at(-1)).rejects.toThrow(/before the first commit, which is of 2026-01-01T00:00:00/);
    for (const gone of [0, 1]) await store.delete(commitKey('t', gone));
    await expect(at(1.5)).rejects.toThrow(/before the first commit, which is of 2026-01-01T02:00:00/);
    expect(await at(2.5)).toBe(2);
  });
});
