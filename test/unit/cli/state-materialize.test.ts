import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { afterAll, expect, it } from 'vitest';
import { dataFolders } from '../../../src/cli/data-folders.ts';
import { lockState } from '../../../src/cli/state-lock.ts';
import { backfill, materialize } from '../../../src/cli/state-materialize.ts';
import { openJournal } from '../../../src/events/journal.ts';
import { lockFolder } from '../../../src/events/journal-lock.ts';
import { localJournalFiles } from '../../../src/events/local-journal-files.ts';
import { encodeRecord } from '../../../src/events/record-codec.ts';
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

it('a state that another process has is left to it: a server, or a command that builds it', async () => {
  const folders = dataFolders(dataDir);
  const [set, other] = [setOf(9), setOf(10)];
  // A journal has a name once it has a record.
  const ignored = { onDurable: () => {}, onLost: () => {}, onFatal: () => {} };
  const folder = folders.journal('main');
  const journal = await openJournal({ files: localJournalFiles(), folder, newId: randomUUID, ...ignored });
  const offsets = { [journal.id]: 0 };
  const epoch = { kind: 'epoch', knownTimeMicros: 0, epoch: 1, reason: 'start', silverVersion: 0, offsets } as const;
  await journal.append(encodeRecord(epoch), 0);
  await journal.close();

  const served = await lockState(folders.snapshot('main', set.version), set);
  const locked = { code: 'locked', message: expect.stringContaining(`process ${process.pid}: a server has it`) };
  for (const build of [materialize, backfill]) await expect(build({ ...request, set })).rejects.toMatchObject(locked);
  expect(await backfill({ ...request, set: other })).toMatchObject({ payments: 0 });
  await served.release();

  const twice = await Promise.allSettled([1, 2].map(() => backfill({ ...request, set })));
  expect(twice.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(twice.find(({ status }) => status === 'rejected')).toMatchObject({ reason: locked });
  expect(readdirSync(join(dataDir, 'state/main')).filter((name) => name.includes('lock'))).toEqual([]);
});
