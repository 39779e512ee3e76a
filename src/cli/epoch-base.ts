import { setTimeout as wait } from 'node:timers/promises';
import type { JournalFiles } from '../events/journal-files.ts';
import { type JournalTail, readJournalTails } from '../events/journal-tail.ts';
import { EmbeddedStore } from '../features/embedded/embedded-store.ts';
import { limitsFor } from '../features/embedded/embedded-tables.ts';
import type { FeatureSet } from '../features/feature-set.ts';
import type { EpochBase } from '../features/redis/redis-epoch.ts';
import type { Lake } from '../pipeline/lake.ts';
import { feedEvents, joinedEvents, paymentsOf, silverEvents } from '../pipeline/recorded-events.ts';
import { silverPositions } from '../pipeline/silver-plan.ts';
import { lastEpochOf } from '../pipeline/state-feed.ts';
import { openIntents, retractedIn, tailEvents } from '../pipeline/tail-events.ts';

/** What the base of an epoch is built from. */
export interface EpochSources {
  readonly lake: Lake;
  readonly files: JournalFiles;
  /** Folder of the journals of every instance: a base holds what stands in all of them. */
  readonly journals: string;
  /** The journal that is open in this process, and up to where it is durable now. */
  own(): Promise<{ readonly journalId: string; readonly through: number }>;
  nowMicros(): number;
}

/** A base, and how much went into it. */
export interface BuiltBase {
  readonly state: EmbeddedStore;
  readonly base: EpochBase;
  /** Payments of silver, and of the journals beyond it. */
  readonly payments: number;
  readonly tailPayments: number;
}

/** A correction is settled within milliseconds; one whose command was lost, 100 ms after Redis answers again. */
const INTENT_WAIT_MICROS = 3_000_000;
const INTENT_LOOK_MS = 50;

/**
 * Builds the state of now: silver, and what the journals hold beyond it, in the order of their numbers.
 *
 * @param onFed told how many of how many events are in it.
 * @throws AppError those of storage and of journals.
 */
export async function buildEpochBase(
  set: FeatureSet,
  sources: EpochSources,
  reason: string,
  onFed: (done: number, total: number) => void,
): Promise<BuiltBase> {
  const { lake } = sources;
  const positions = await silverPositions(lake);
  const { silverVersion, ...inSilver } = await silverEvents(lake, set.columns, positions);
  const tails = await settledTails(sources, positions);
  const beyond = tailEvents(tails, paymentsOf(inSilver, retractedIn(tails)));
  const events = joinedEvents(inSilver, beyond);
  const state = new EmbeddedStore(set, limitsFor(events.payments.count + events.labels.count));
  await feedEvents(events, state, onFed);
  const offsets: Record<string, number> = Object.fromEntries(positions);
  for (const { journalId, lastPosition } of tails) offsets[journalId] = lastPosition;
  const base = { reason, silverVersion, offsets };
  return { state, base, payments: inSilver.payments.count, tailPayments: beyond.payments.count };
}

/** The last epoch that the lake or a journal knows of, of whichever set; 0 before the first. */
export async function lastKnownEpoch(sources: EpochSources): Promise<number> {
  const { lake } = sources;
  let last = await lastEpochOf(lake);
  for (const { entries } of await tailsOf(sources, await silverPositions(lake))) {
    for (const { record } of entries) if (record.kind === 'epoch') last = Math.max(last, record.epoch);
  }
  return last;
}

/**
 * Tails in which no correction is on its way: the store may have made it, and its record would come behind this base.
 * A server that has not settled one within its time is not waited for: it is gone, and asks when it is back.
 */
async function settledTails(sources: EpochSources, after: ReadonlyMap<string, number>): Promise<JournalTail[]> {
  const end = sources.nowMicros() + INTENT_WAIT_MICROS;
  for (;;) {
    const tails = await tailsOf(sources, after);
    const now = sources.nowMicros();
    const since = now - INTENT_WAIT_MICROS;
    if (now > end || !openIntents(tails).some(({ knownTimeMicros }) => knownTimeMicros > since)) return tails;
    await wait(INTENT_LOOK_MS);
  }
}

/** What every instance's journal holds after a position; of our own only what is durable. */
async function tailsOf(
  { files, journals, own }: EpochSources,
  after: ReadonlyMap<string, number>,
): Promise<JournalTail[]> {
  return readJournalTails(files, journals, after, await own());
}
