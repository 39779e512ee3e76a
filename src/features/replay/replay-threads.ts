import type { FeatureSetDefinition } from '../definition/definition.ts';
import type { ReplayColumns } from './replay-columns.ts';
import type { ReplayPiece } from './replay-piece.ts';

/** Threads that may help with a replay. */
export interface ReplayThreads {
  /** How many. */
  readonly count: number;
  /** They are started for so many tasks and more: below, a replay is over before they are there. */
  readonly fewestTasks: number;
  /** Starts them. It takes them 0.1 s to be there: columns may be made meanwhile. */
  start(definition: FeatureSetDefinition): ReplayCrew;
}

/** Threads at work on one replay. */
export interface ReplayCrew {
  /** Gives every thread what pieces are of, once, before the first. @param columns in shared memory. */
  begin(columns: ReplayColumns): void;
  /**
   * Has every thread take tasks of a piece, in shared memory, until none is left; resolves when all are through.
   *
   * @throws AppError as a replay on one thread; `internal` where a thread ended.
   */
  help(piece: ReplayPiece): Promise<void>;
  /** Ends the threads, at their tasks or not. */
  stop(): Promise<void>;
}
