import { expect, it } from 'vitest';
import { manualClock } from '../../src/base/clock.ts';
import { createTable, openTable } from '../../src/storage/table.ts';
import { field, structOf } from '../../src/storage/types/delta-type.ts';
import { directStore } from './storage/process-store.ts';
import { SimulatedObjects } from './storage/simulated-objects.ts';

const DAY_MS = 86_400_000;

// Found by seed 1037 of the simulation: the next commit was absent because a clean-up had deleted it, so the idle
// process took its old state for the newest, and committed, as it was told, where no reader ever looks.
it('a process that was idle for longer than the log is kept sees what others did, and loses no commit', async () => {
  let nowMs = 1_800_000_000_000;
  const clock = manualClock(nowMs * 1000);
  const store = directStore(new SimulatedObjects(() => nowMs));
  const configuration = { 'delta.logRetentionDuration': 'interval 2 days', 'delta.checkpointInterval': '3' };
  const schema = structOf([field('id', 'long')]);
  await createTable(store, { path: 't', schema, configuration }, { clock });
  const [idle, busy] = [openTable(store, 't', { clock }), openTable(store, 't', { clock })];
  await idle.append({ rows: [{ id: 1 }] });
  for (let day = 0; day < 9; day += 1) {
    await busy.append({ rows: [{ id: 10 + day }] });
    nowMs += DAY_MS;
    clock.advanceTo(nowMs * 1000);
  }
  expect(await store.get('t/_delta_log/00000000000000000002.json')).toBeUndefined();
  const outcome = await idle.append({ rows: [{ id: 2 }] });
  expect(outcome).toMatchObject({ kind: 'committed', version: 11 });
  expect((await busy.snapshot()).rowCount).toBe(11);
});
