import type { Logger } from 'pino';
import { LIMITS } from '../base/limits.ts';
import type { AnswerIndex } from '../events/answer-index.ts';
import type { Journal } from '../events/journal.ts';
import type { JournalFiles } from '../events/journal-files.ts';
import { oldestPosition } from '../events/journal-reader.ts';
import { feedJournalTail } from '../events/journal-tail.ts';
import type { EmbeddedStore } from '../features/embedded/embedded-store.ts';
import { feedAnswers } from '../pipeline/answer-feed.ts';
import { bronzeToSilver } from '../pipeline/bronze-to-silver.ts';
import type { JobPorts } from '../pipeline/job.ts';
import { bronzePositions, silverPositions } from '../pipeline/silver-plan.ts';
import { feedSilver, lastEpochOf } from '../pipeline/state-feed.ts';
import { progress } from './progress.ts';
import { readSnapshot, type SnapshotBase } from './state-snapshot.ts';

/** Where state is built from. */
export interface StateSources {
  readonly ports: JobPorts;
  readonly files: JournalFiles;
  readonly journalFolder: string;
  readonly logger: Logger;
}

/** A state that was built, and how much had to be read for it. */
export interface BuiltState extends SnapshotBase {
  /** Rows of silver; 0 where a snapshot had them. */
  readonly silverRows: number;
  /** Records of the journal's tail. */
  readonly tailRecords: number;
  /** Whether it went on from a snapshot. */
  readonly fromSnapshot: boolean;
}

/** The journal that a state follows: the server's own, or as much of a running server's as the lake has. */
export type FollowedJournal = Pick<Journal, 'id' | 'durablePosition'>;

/** How a state is built where it is not a server's own. */
export interface BuildOptions {
  /** The last position of the journal that is read; all of it unless told. */
  readonly through?: number;
  /** Told of what is there once silver is read, before the tail is: a snapshot of it saves a build that is cut off from reading silver again. */
  readonly onSilverRead?: (base: SnapshotBase) => Promise<void>;
}

/**
 * Fills a store and the index of answers with what is durable: from the instance's snapshot, else
 * from silver, and then from the journal's tail. 200 k payments in silver and 100 k records in the
 * tail take about 4 s without a snapshot.
 */
export async function buildState(
  store: EmbeddedStore,
  index: AnswerIndex,
  journal: FollowedJournal,
  sources: StateSources,
  snapshotPath: string,
  { through, onSilverRead = async () => {} }: BuildOptions = {},
): Promise<BuiltState> {
  const { ports, files, journalFolder, logger } = sources;
  await bringOthersToSilver(ports, journal.id, logger);
  const positions = await silverPositions(ports.lake);
  const usable = (base: SnapshotBase): Promise<string | undefined> => whyUseless(base, journal, positions, sources);
  const snapshot = await readSnapshot(snapshotPath, store, index, usable);
  if (snapshot.kind === 'refused') logger.info({ reason: snapshot.reason }, 'no snapshot is used: silver is read');
  const from =
    snapshot.kind === 'restored'
      ? { ...snapshot.base, silverRows: 0 }
      : await fromSilver(store, index, journal.id, ports, positions);
  if (snapshot.kind === 'refused') await onSilverRead(from);
  const after = from.offsets[journal.id] ?? 0;
  const bar = progress('reading the journal');
  const onRead = (records: number): void => bar.update(records, journal.durablePosition() - after);
  const tail = await feedJournalTail(files, journalFolder, after, store, index, through, onRead).finally(bar.end);
  const { silverVersion, lastEpoch, lastKnownTimeMicros, silverRows } = from;
  logger.info(
    { snapshot: snapshot.kind === 'restored', events: store.stats().payments, silverVersion, tail: tail.records },
    'state is built',
  );
  return {
    journalId: journal.id,
    silverVersion,
    // Silver may have come further than was to be read.
    offsets: { ...from.offsets, [journal.id]: Math.max(after, journal.durablePosition()) },
    lastEpoch: Math.max(lastEpoch, tail.lastEpoch?.epoch ?? 0),
    lastKnownTimeMicros: Math.max(lastKnownTimeMicros, tail.lastKnownTimeMicros),
    silverRows,
    tailRecords: tail.records,
    fromSnapshot: snapshot.kind === 'restored',
  };
}

/** What keeps a snapshot from being what silver and the journals say up to some positions; undefined where it is. */
async function whyUseless(
  { journalId, offsets }: SnapshotBase,
  journal: FollowedJournal,
  positions: ReadonlyMap<string, number>,
  { files, journalFolder }: StateSources,
): Promise<string | undefined> {
  // A journal has its name from its first record on: a state that was built before it holds nothing of any.
  if (journalId !== journal.id && (offsets[journalId] ?? 0) > 0) return 'it belongs to another journal';
  const own = offsets[journal.id] ?? 0;
  if (own > journal.durablePosition()) return 'it holds more than the journal';
  if (own + 1 < (await oldestPosition(files, journalFolder))) return 'the journal begins after it';
  // An import's events come before later ones of the journal: only silver has them all in their order.
  const others = (entries: Iterable<readonly [string, number]>): string =>
    JSON.stringify([...entries].filter(([id, position]) => id !== journal.id && position > 0).sort());
  return others(positions) === others(Object.entries(offsets)) ? undefined : 'other journals have come to silver since';
}

async function fromSilver(
  store: EmbeddedStore,
  index: AnswerIndex,
  journalId: string,
  { lake, clock }: JobPorts,
  positions: ReadonlyMap<string, number>,
): Promise<SnapshotBase & Pick<BuiltState, 'silverRows'>> {
  const bar = progress('reading silver');
  const base = await feedSilver(lake, store.set.columns, positions, store, journalId, (done, total) =>
    bar.update(done, total),
  );
  bar.end();
  await feedAnswers(lake, index, clock.nowMicros() - LIMITS.retryHorizonMicros);
  return {
    journalId,
    silverVersion: base.silverVersion,
    offsets: Object.fromEntries(positions),
    lastEpoch: await lastEpochOf(lake),
    lastKnownTimeMicros: base.lastKnownTimeMicros,
    silverRows: base.payments + base.labels,
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
