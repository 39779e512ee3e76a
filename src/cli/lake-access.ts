import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../base/clock.ts';
import { AppError, systemErrorCode } from '../base/errors.ts';
import { openJournal } from '../events/journal.ts';
import { folderHolder, lockFolder } from '../events/journal-lock.ts';
import { localJournalFiles } from '../events/local-journal-files.ts';
import { paymentCodec } from '../events/payment-codec.ts';
import type { ProcessLock } from '../events/process-lock.ts';
import { runBronzeConsumer } from '../pipeline/bronze-consumer.ts';
import type { JobPorts } from '../pipeline/job.ts';
import { ensureLake } from '../pipeline/lake.ts';
import { localObjectStore } from '../storage/store/local-object-store.ts';
import { type DataFolders, dataFolders } from './data-folders.ts';

/** The lake of a data folder, opened by a command. */
export interface LakeAccess {
  readonly folders: DataFolders;
  readonly ports: JobPorts;
}

/** Opens the lake of a data folder, making what it lacks. */
export async function openLakeOf(dataDir: string): Promise<LakeAccess> {
  const folders = dataFolders(dataDir);
  const clock = systemClock();
  const temporaryFolder = join(folders.root, 'tmp');
  await mkdir(temporaryFolder, { recursive: true, mode: 0o700 });
  const lake = await ensureLake(localObjectStore(folders.lake), { clock });
  return { folders, ports: { lake, clock, temporaryFolder } };
}

/**
 * Keeps servers and other imports from starting: what they recorded meanwhile, and what is imported, would not know of
 * each other. Taken before journals are looked at, as servers look for it once they have theirs.
 *
 * @throws AppError `locked` where another import runs.
 */
export function lockImports({ importing }: DataFolders): Promise<ProcessLock> {
  return lockFolder(importing, 'an import is under way: wait until it is done');
}

/** Called by a server that has its journal. @throws AppError `locked` where an import runs. */
export async function requireNoImport({ importing }: DataFolders): Promise<void> {
  const holder = await folderHolder(importing);
  if (holder === undefined) return;
  const problem = `an import is under way in process ${holder}: wait until it is done; where it ran on a machine that is gone, remove ${importing}`;
  throw new AppError('locked', problem, { pid: holder });
}

/** The journals of a data folder that no server uses, locked until `release` is called. */
export interface IdleJournals {
  release(): Promise<void>;
}

/**
 * Locks every journal of a data folder and puts what a killed server left in them into bronze.
 *
 * @param busy what to do with a journal whose server runs: `refuse` or pass it `by`.
 * @throws AppError `locked` where a server runs and it is refused.
 */
export async function drainJournals({ folders, ports }: LakeAccess, busy: 'refuse' | 'by'): Promise<IdleJournals> {
  const locks: ProcessLock[] = [];
  const release = async (): Promise<void> => {
    for (const lock of locks.splice(0)) await lock.release();
  };
  try {
    for (const instance of await instancesOf(folders.journals)) {
      const folder = folders.journal(instance);
      if (busy === 'by' && (await folderHolder(folder)) !== undefined) continue;
      locks.push(await lockFolder(folder));
      await drain(folder, ports);
    }
  } catch (error) {
    await release();
    throw error;
  }
  return { release };
}

async function instancesOf(journals: string): Promise<string[]> {
  try {
    const entries = await readdir(journals, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw error;
  }
}

async function drain(folder: string, { lake, clock }: JobPorts): Promise<void> {
  const files = localJournalFiles();
  const noId = (): string => '';
  const journal = await openJournal({
    files,
    folder,
    newId: noId,
    onDurable: () => {},
    onLost: () => {},
    onFatal: () => {},
  });
  const last = journal.durablePosition();
  await journal.close();
  if (last === 0) return;
  let failure: Error | undefined;
  await runBronzeConsumer({
    files,
    folder,
    journalId: journal.id,
    lake,
    codec: paymentCodec(),
    clock,
    durablePosition: () => last,
    onCommitted: () => {},
    onFailure: (error) => {
      failure = error;
    },
    signal: AbortSignal.abort(),
  });
  if (failure !== undefined) throw failure;
}
