import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Logger } from 'pino';
import { AppError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { AnswerIndex } from '../events/answer-index.ts';
import { openJournal } from '../events/journal.ts';
import { folderHolder, lockFolder } from '../events/journal-lock.ts';
import { readJournalId } from '../events/journal-reader.ts';
import { localJournalFiles } from '../events/local-journal-files.ts';
import type { FeatureSet } from '../features/feature-set.ts';
import { bronzePositions } from '../pipeline/silver-plan.ts';
import { recordedRows } from '../pipeline/state-feed.ts';
import { openLakeOf } from './lake-access.ts';
import { type BuildOptions, buildState, type FollowedJournal, type StateSources } from './state-build.ts';
import { lockState } from './state-lock.ts';
import { type SnapshotBase, servedVersion, storeOfSnapshot, writeSnapshot } from './state-snapshot.ts';

/** Whose state is built: a set's, for one server of a data folder. */
export interface MaterializeRequest {
  readonly set: FeatureSet;
  readonly dataDir: string;
  readonly instance: string;
  readonly logger: Logger;
}

/** A snapshot that the next start of the server takes. */
export interface Materialized {
  readonly featureSet: string;
  readonly instance: string;
  readonly snapshot: string;
  readonly snapshotBytes: number;
  /** `snapshot` where an earlier one of the set was gone on from. */
  readonly from: 'snapshot' | 'silver';
  /** Version of silver.transactions that was read for it, or for the snapshot that was gone on from. */
  readonly silverVersion: number;
  readonly silverRows: number;
  readonly tailRecords: number;
  /** The last position of the server's journal that is in it. */
  readonly journalPosition: number;
  readonly payments: number;
  readonly entities: number;
  readonly elapsedMs: number;
}

/**
 * Builds the state of a set for a server that does not run, and writes its snapshot: from the newest snapshot of the set,
 * else from silver, and all of the server's journal. One that is killed leaves the snapshot as it was, or as it is
 * once silver is read, and the next run goes on from there.
 *
 * @throws AppError `locked` where the server runs, or another command builds the state; `journal_corrupt`; those of storage.
 */
export async function materialize(request: MaterializeRequest): Promise<Materialized> {
  const { folders, ports } = await openLakeOf(request.dataDir);
  const journalFolder = folders.journal(request.instance);
  const lock = await lockFolder(journalFolder).catch((error: unknown) => {
    if (!(error instanceof AppError) || error.code !== 'locked') throw error;
    const hint = 'features backfill builds a state beside it';
    throw new AppError(
      'locked',
      `the server ${request.instance} runs (${error.message}); ${hint}`,
      error.context,
      error,
    );
  });
  try {
    const files = localJournalFiles();
    const ignored = { onDurable: () => {}, onLost: () => {}, onFatal: () => {} };
    const journal = await openJournal({ files, folder: journalFolder, newId: randomUUID, ...ignored });
    try {
      const sources = { ports, files, journalFolder, logger: request.logger };
      return await buildSnapshot(request, journal, sources, folders.snapshot(request.instance, request.set.version));
    } finally {
      await journal.close();
    }
  } finally {
    await lock.release();
  }
}

/**
 * Builds the state of a set beside a server that runs with another one, and writes its snapshot, so that the server's next
 * start with the set reads only what came since. It reads what the lake has of the server's journal and no more, so that
 * it never holds a record that was taken back; the server is not asked, and not held up but for the processor.
 *
 * @throws AppError `not_found` where no server ever ran; `locked` where it runs with this very set, or another
 * command builds the state; those of storage.
 */
export async function backfill(request: MaterializeRequest): Promise<Materialized> {
  const { folders, ports } = await openLakeOf(request.dataDir);
  const { instance, set, logger } = request;
  const journalFolder = folders.journal(instance);
  const files = localJournalFiles();
  const id = existsSync(journalFolder) ? await readJournalId(files, journalFolder) : undefined;
  if (id === undefined) {
    throw new AppError(
      'not_found',
      `no server ${instance} ever ran on ${request.dataDir}: name it by --instance, or use features materialize`,
    );
  }
  const path = folders.snapshot(instance, set.version);
  const holder = await folderHolder(journalFolder);
  if (holder !== undefined && (await servedVersion(path)) === set.version) {
    const held = `the server ${instance} (process ${holder}) serves ${set.name}@${set.version} already`;
    throw new AppError('locked', `${held}: its state needs no backfill`, { pid: holder });
  }
  const through = (await bronzePositions(ports.lake)).get(id) ?? 0;
  const journal: FollowedJournal = { id, durablePosition: () => through };
  const sources = { ports, files, journalFolder, logger };
  return await buildSnapshot(request, journal, sources, path, { through });
}

/** Builds a state and writes its snapshot, which nobody else does meanwhile. */
async function buildSnapshot(
  request: MaterializeRequest,
  journal: FollowedJournal,
  sources: StateSources,
  path: string,
  options: BuildOptions = {},
): Promise<Materialized> {
  // A server that starts with the set meanwhile would write the same pages.
  const lock = await lockState(path, request.set);
  try {
    return await buildLocked(request, journal, sources, path, options);
  } finally {
    await lock.release();
  }
}

async function buildLocked(
  { set, instance }: MaterializeRequest,
  journal: FollowedJournal,
  sources: StateSources,
  path: string,
  options: BuildOptions,
): Promise<Materialized> {
  const started = performance.now();
  const store = storeOfSnapshot(path, set, await recordedRows(sources.ports.lake));
  const index = new AnswerIndex(LIMITS.retryHorizonMicros);
  const write = ({ journalId, offsets, silverVersion, lastEpoch, lastKnownTimeMicros }: SnapshotBase): Promise<void> =>
    writeSnapshot(path, store, index, { journalId, offsets, silverVersion, lastEpoch, lastKnownTimeMicros });
  const built = await buildState(store, index, journal, sources, path, { ...options, onSilverRead: write });
  // What silver gave is written already.
  if (built.tailRecords > 0) await write(built);
  const { payments, entities } = store.stats();
  store.close();
  return {
    featureSet: `${set.name}@${set.version}`,
    instance,
    snapshot: path,
    snapshotBytes: (await stat(path)).size,
    from: built.fromSnapshot ? 'snapshot' : 'silver',
    silverVersion: built.silverVersion,
    silverRows: built.silverRows,
    tailRecords: built.tailRecords,
    journalPosition: built.offsets[journal.id] ?? 0,
    payments,
    entities,
    elapsedMs: Math.round(performance.now() - started),
  };
}
