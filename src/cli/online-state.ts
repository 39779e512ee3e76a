import type { Clock } from '../base/clock.ts';
import type { AnswerIndex } from '../events/answer-index.ts';
import type { Journal } from '../events/journal.ts';
import type { OnlineStore } from '../features/online-store.ts';
import type { CommitQueue } from '../scoring/commit-queue.ts';
import type { ScoringParts } from '../scoring/payment-scoring.ts';
import type { MetricSources } from '../server/metrics.ts';

/** The instance's journal, and what is told of its groups. */
export interface OpenedJournal {
  readonly journal: Journal;
  /** Set once the store is there; nothing is appended before. */
  onDurable: (mark: number) => void;
  onLost: () => void;
}

/** An online store that stands, whichever it is, with what goes with it. */
export interface OnlineState {
  readonly store: OnlineStore;
  readonly durability: ScoringParts['durability'];
  readonly queue: CommitQueue;
  readonly index: AnswerIndex;
  /** Never before what an earlier process told. */
  readonly clock: Clock;
  readonly gauges: MetricSources['gauges'];
  /** Event time of the newest event in the state as it was opened; −Infinity where it is not known. */
  readonly newestMicros: number;
  /** Lets go of what is outside the process; the journal is still open. */
  close(): Promise<void>;
  /** Called last, once the journal is closed: everything that was answered is durable. */
  save(): Promise<void>;
}
