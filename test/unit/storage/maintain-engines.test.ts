import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { localObjectStore } from '../../../src/storage/store/local-object-store.ts';
import { createTable, type DeltaTable } from '../../../src/storage/table.ts';
import { ENGINES, theirs } from '../../conformance/engine-rows.ts';
import { PYTHON } from '../../python.ts';
import { idsOf, rowsOf, SCHEMA } from './maintain-world.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sentinela-maintain-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function make(path: string, configuration: Readonly<Record<string, string>>, partitionColumns: readonly string[] = []) {
  const environment = { clock: systemClock(), compactionInterval: 2 };
  return createTable(localObjectStore(folder), { path, schema: SCHEMA, configuration, partitionColumns }, environment);
}

/** What every other engine reads of a table. */
async function expectSame(table: DeltaTable): Promise<void> {
  const own = await idsOf(await table.snapshot());
  const read = theirs({ do: 'read', path: join(folder, table.path) });
  for (const engine of ENGINES) {
    const ids = (read[engine] as { id: string }[]).map(({ id }) => Number(id)).sort((left, right) => left - right);
    expect(ids, engine).toEqual(own);
  }
}

describe.skipIf(PYTHON === undefined)('delta-rs, pandas, polars and DuckDB', () => {
  it('read a table that was restored, vacuumed, compacted and checkpointed', async () => {
    const table = await make('t', { 'delta.checkpointInterval': '5' }, ['part']);
    for (let n = 1; n <= 6; n += 1)
      await table.append({ rows: rowsOf(n * 10, n * 10 + 3, n % 2 === 0 ? 'a b/%25' : 'ç') });
    await table.delete({ where: 'id < 40' });
    await table.restore({ version: 5 });
    await table.delete({ where: 'id = 11' });
    await table.vacuum({ retentionMs: 0, allowShortRetention: true });
    await expectSame(table);
    expect((await table.check()).findings).toEqual([]);
  }, 60_000);

  it('read a table whose checkpoint holds domains', async () => {
    const table = await make('t', { 'delta.enableRowTracking': 'true', 'delta.checkpointInterval': '2' });
    for (let n = 1; n <= 3; n += 1) await table.append({ rows: rowsOf(n, n) });
    await expectSame(table);
  }, 60_000);
});
