import { randomUUID } from 'node:crypto';
import { AppError } from '../base/errors.ts';
import { openJournal } from '../events/journal.ts';
import { folderHolder, lockFolder } from '../events/journal-lock.ts';
import { localJournalFiles } from '../events/local-journal-files.ts';
import { drainJournals, openLakeOf } from './lake-access.ts';
import type { OpenedJournal } from './online-state.ts';
import { openRedisState } from './redis-state.ts';
import type { MaterializeRequest } from './state-materialize.ts';

/** An epoch that was opened in Redis. */
export interface MaterializedEpoch {
  readonly featureSet: string;
  readonly instance: string;
  readonly epoch: number;
  readonly elapsedMs: number;
}

/**
 * Opens a new epoch of a set in Redis and fills it from silver and the journals of all servers of the data folder, none of
 * which may run: what one recorded meanwhile would not be in it. Until the epoch is whole none is open; one that is
 * killed leaves it so, and the next run, or a server's start, builds it.
 *
 * @throws AppError `locked` where a server runs; `store_unavailable`; those of storage.
 */
export async function materializeInRedis(request: MaterializeRequest, redisUrl: string): Promise<MaterializedEpoch> {
  const { set, dataDir, instance, logger } = request;
  const started = performance.now();
  const access = await openLakeOf(dataDir);
  const { folders, ports } = access;
  const journalFolder = folders.journal(instance);
  const others = await drainJournals(access, 'refuse');
  // It is among them unless this server never ran.
  const own = (await folderHolder(journalFolder)) === undefined ? await lockFolder(journalFolder) : undefined;
  try {
    const files = localJournalFiles();
    const ignored = { onDurable: () => {}, onLost: () => {}, onFatal: () => {} };
    const journal = await openJournal({ files, folder: journalFolder, newId: randomUUID, ...ignored });
    const opened: OpenedJournal = { journal, onDurable: () => {}, onLost: () => {} };
    try {
      const { lake: lakeFolder, journals, epochs } = folders;
      const sources = { ports, files, journalFolder, logger, redisUrl, lakeFolder, journals, epochs };
      const state = await openRedisState(set, opened, sources, { isFresh: true });
      const { epoch } = state.store;
      const isOpen = state.gauges.store_open?.read() === 1;
      await state.close();
      if (!isOpen) {
        throw new AppError(
          'store_unavailable',
          'no epoch was opened: Redis cannot be reached, or the state could not be built there (see the warnings above)',
        );
      }
      const elapsedMs = Math.round(performance.now() - started);
      return { featureSet: `${set.name}@${set.version}`, instance, epoch, elapsedMs };
    } finally {
      await journal.close();
    }
  } finally {
    await own?.release();
    await others.release();
  }
}
