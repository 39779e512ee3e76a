import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { afterAll, expect, it } from 'vitest';
import { dataFolders } from '../../../src/cli/data-folders.ts';
import { backfill, materialize } from '../../../src/cli/state-materialize.ts';
import { lockFolder } from '../../../src/events/journal-lock.ts';
import { compileFeatureSet } from '../../../src/features/feature-set.ts';
import { plainSet } from '../features/streams.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'sentinela-materialize-'));
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));
const request = { dataDir, instance: 'main', logger: pino({ level: 'silent' }) };
const setOf = (bound: number) => compileFeatureSet(plainSet(bound));

it('a state that was built before the journal’s first record is gone on from, though the journal has no name yet', async () => {
  const set = setOf(4);
  expect(await materialize({ ...request, set })).toMatchObject({ from: 'silver', journalPosition: 0, payments: 0 });
  expect(await materialize({ ...request, set })).toMatchObject({ from: 'snapshot', journalPosition: 0, payments: 0 });
});

it('snapshots of other sets stay beside it, the newest three', async () => {
  const made = [];
  for (const bound of [5, 6, 7, 8]) made.push(await materialize({ ...request, set: setOf(bound) }));
  const kept = readdirSync(join(dataDir, 'state/main')).sort();
  expect(kept).toEqual([6, 7, 8].map((bound) => `${setOf(bound).version}.snapshot`).sort());
  expect(made.map(({ snapshot }) => snapshot).slice(1)).toEqual(
    [6, 7, 8].map((bound) => dataFolders(dataDir).snapshot('main', setOf(bound).version)),
  );
});

it('a server that runs is told of, with the command that works beside it; one that never ran has nothing to fill from', async () => {
  const lock = await lockFolder(dataFolders(dataDir).journal('main'));
  const locked = { code: 'locked', message: expect.stringContaining(`process ${process.pid}`) };
  await expect(materialize({ ...request, set: setOf(4) })).rejects.toMatchObject(locked);
  await expect(materialize({ ...request, set: setOf(4) })).rejects.toThrow(/features backfill/);
  await lock.release();
  const absent = { ...request, set: setOf(4), instance: 'other' };
  await expect(backfill(absent)).rejects.toMatchObject({ code: 'not_found' });
});
