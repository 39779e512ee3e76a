import type { Logger } from 'pino';
import { systemClock } from '../base/clock.ts';
import { LIMITS } from '../base/limits.ts';
import { AnswerIndex } from '../events/answer-index.ts';
import type { Journal } from '../events/journal.ts';
import type { JournalFiles } from '../events/journal-files.ts';
import { encodeRecord } from '../events/journal-record.ts';
import { feedJournalTail } from '../events/journal-tail.ts';
import { paymentCodec } from '../events/payment-codec.ts';
import { EmbeddedStore } from '../features/embedded-store.ts';
import type { FeatureSet } from '../features/feature-set.ts';
import { feedAnswers } from '../pipeline/answer-feed.ts';
import { bronzeToSilver } from '../pipeline/bronze-to-silver.ts';
import type { JobPorts } from '../pipeline/job.ts';
import { bronzePositions, silverPositions } from '../pipeline/silver-plan.ts';
import { feedSilver, lastEpochOf } from '../pipeline/state-feed.ts';
import { CommitQueue } from '../scoring/commit-queue.ts';
import type { OnlineState, OpenedJournal } from './online-state.ts';
import { progress } from './progress.ts';

/** Where state is built from. */
export interface StateSources {
  readonly ports: JobPorts;
  readonly files: JournalFiles;
  readonly journalFolder: string;
  readonly logger: Logger;
}

/** What a state was built from. */
interface BuiltState {
  readonly silverVersion: number;
  /** The last position of each journal that the state holds, this one's tail excepted. */
  readonly offsets: Readonly<Record<string, number>>;
  readonly nextEpoch: number;
  /** The clock must not stand before this. */
  readonly lastKnownTimeMicros: number;
}

/**
 * Opens the embedded store: its state is built, the journal's groups settle it or take it back,
 * and a new epoch is open.
 */
export async function openEmbeddedState(
  set: FeatureSet,
  opened: OpenedJournal,
  sources: StateSources,
): Promise<OnlineState> {
  const { journal } = opened;
  const store = new EmbeddedStore(set);
  const index = new AnswerIndex(LIMITS.retryHorizonMicros);
  const built = await buildState(store, index, journal.id, sources);
  const queue = new CommitQueue(journal);
  followJournal(opened, store, queue, sources.logger);
  const clock = systemClock(built.lastKnownTimeMicros);
  await openEpoch(journal, store, built, clock.nowMicros());
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
    close: async () => {},
  };
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
      'the journal could not be written: nothing of the group is answered, state goes back to the last durable record',
    );
    store.rollbackAfter(durableMark);
    queue.reset();
  };
}

/** The opening record is durable before the first number of the epoch is given. */
async function openEpoch(
  journal: Journal,
  store: EmbeddedStore,
  built: BuiltState,
  knownTimeMicros: number,
): Promise<void> {
  const offsets = { ...built.offsets, [journal.id]: journal.durablePosition() };
  const { nextEpoch: epoch, silverVersion } = built;
  store.openEpoch(epoch);
  await journal.append(
    encodeRecord({ kind: 'epoch', knownTimeMicros, epoch, reason: 'start', silverVersion, offsets }),
    0,
  );
}

/**
 * Feeds the store and the index of answers from silver and the journal's tail: 200 k payments in
 * silver and 100 k records in the tail take about 3 s.
 */
async function buildState(
  store: EmbeddedStore,
  index: AnswerIndex,
  journalId: string,
  sources: StateSources,
): Promise<BuiltState> {
  const { ports, files, journalFolder, logger } = sources;
  const { lake, clock } = ports;
  await bringOthersToSilver(ports, journalId, logger);
  const positions = await silverPositions(lake);
  const bar = progress('reading silver');
  const base = await feedSilver(lake, positions, store, (done, total) => bar.update(done, total));
  bar.end();
  await feedAnswers(lake, index, clock.nowMicros() - LIMITS.retryHorizonMicros);
  const tail = await feedJournalTail(files, journalFolder, positions.get(journalId) ?? 0, paymentCodec(), store, index);
  const { payments, labels, silverVersion } = base;
  logger.info({ payments, labels, silverVersion, tail: tail.records }, 'state is built');
  return {
    silverVersion,
    offsets: Object.fromEntries(positions),
    nextEpoch: Math.max(await lastEpochOf(lake), tail.lastEpoch?.epoch ?? 0) + 1,
    lastKnownTimeMicros: tail.lastKnownTimeMicros,
  };
}

/** An import that was cut off between bronze and silver has no journal to read its rest from: silver runs first. */
export async function bringOthersToSilver(ports: JobPorts, journalId: string, logger: Logger): Promise<void> {
  const silver = await silverPositions(ports.lake);
  for (const [id, position] of await bronzePositions(ports.lake)) {
    if (id === journalId || position <= (silver.get(id) ?? 0)) continue;
    logger.info('bronze holds rows of an import that silver lacks: running bronze-to-silver first');
    await bronzeToSilver(ports);
    return;
  }
}
