import type { Logger } from 'pino';
import { systemClock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { AnswerIndex } from '../events/answer-index.ts';
import type { Journal } from '../events/journal.ts';
import { encodeRecord } from '../events/record-codec.ts';
import type { EmbeddedStore } from '../features/embedded/embedded-store.ts';
import type { FeatureSet } from '../features/feature-set.ts';
import { recordedRows } from '../pipeline/state-feed.ts';
import { CommitQueue } from '../scoring/commit-queue.ts';
import { takeEpoch } from './epoch-numbers.ts';
import type { OnlineState, OpenedJournal } from './online-state.ts';
import { buildState, type StateSources } from './state-build.ts';
import { noteServed, type SnapshotBase, storeOfSnapshot, writeSnapshot } from './state-snapshot.ts';

/**
 * Opens the embedded store: its state is built, the journal's groups settle it or take it back,
 * and a new epoch is open.
 *
 * @param snapshotPath where the instance's snapshot lies: it saves a start from reading every event.
 * @param epochsFolder where the numbers of epochs are taken.
 */
export async function openEmbeddedState(
  set: FeatureSet,
  opened: OpenedJournal,
  sources: StateSources,
  snapshotPath: string,
  epochsFolder: string,
): Promise<OnlineState> {
  const { journal } = opened;
  const { logger, ports } = sources;
  await noteServed(snapshotPath, set);
  const store = storeOfSnapshot(snapshotPath, set, await recordedRows(ports.lake));
  const index = new AnswerIndex(LIMITS.retryHorizonMicros);
  const built = await buildState(store, index, journal, sources, snapshotPath);
  const save = (base: SnapshotBase): Promise<void> => saveSnapshot(snapshotPath, store, index, base, logger);
  if (built.silverRows >= LIMITS.readBeforeSnapshot || built.tailRecords >= LIMITS.replayedBeforeSnapshot) {
    await save(built);
  }
  const queue = new CommitQueue(journal);
  followJournal(opened, store, queue, logger);
  const clock = systemClock(built.lastKnownTimeMicros);
  await openEpoch(journal, store, built, await takeEpoch(epochsFolder, built.lastEpoch), clock.nowMicros());
  return {
    store,
    durability: 'together',
    queue,
    index,
    clock,
    gauges: {
      state_payments: { help: 'Payments that the embedded store knows', read: () => store.stats().payments },
      state_bytes: { help: 'Memory of the embedded store', read: () => store.stats().bytes },
    },
    newestMicros: store.tables.newestMicros,
    close: async () => {},
    async save() {
      // What was touched for a payment that was never durable is in no snapshot.
      if (store.isSettled) {
        await save({
          ...built,
          offsets: { ...built.offsets, [journal.id]: journal.durablePosition() },
          lastEpoch: store.epoch,
          lastKnownTimeMicros: clock.nowMicros(),
        });
      }
      store.close();
    },
  };
}

/** A snapshot that cannot be written costs the next start some seconds, and nothing else. */
async function saveSnapshot(
  path: string,
  store: EmbeddedStore,
  index: AnswerIndex,
  base: SnapshotBase,
  logger: Logger,
): Promise<void> {
  const { journalId, offsets, silverVersion, lastEpoch, lastKnownTimeMicros } = base;
  try {
    await writeSnapshot(path, store, index, { journalId, offsets, silverVersion, lastEpoch, lastKnownTimeMicros });
  } catch (error) {
    logger.warn({ reason: messageOf(error) }, 'the state’s snapshot could not be written: the next start reads more');
  }
}

/** Joins the journal's groups to the state that they make durable, or take back. */
function followJournal(opened: OpenedJournal, store: EmbeddedStore, queue: CommitQueue, logger: Logger): void {
  let durableMark = 0;
  opened.onDurable = (mark) => {
    durableMark = Math.max(durableMark, mark);
    store.settleUpTo(durableMark);
  };
  opened.onLost = () => {
    logger.error(
      'records did not reach the journal: nothing of them is answered, state goes back to the last durable record',
    );
    store.rollbackAfter(durableMark);
    queue.reset();
  };
}

/** The opening record is durable before the first number of the epoch is given. */
async function openEpoch(
  journal: Journal,
  store: EmbeddedStore,
  { offsets, silverVersion }: SnapshotBase,
  epoch: number,
  knownTimeMicros: number,
): Promise<void> {
  store.openEpoch(epoch);
  await journal.append(
    encodeRecord({ kind: 'epoch', knownTimeMicros, epoch, reason: 'start', silverVersion, offsets }),
    0,
  );
}
