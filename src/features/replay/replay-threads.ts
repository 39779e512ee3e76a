import type { FeatureSetDefinition } from '../definition/definition.ts';
import type { ReplayColumns } from './replay-columns.ts';
import type { ReplayPiece } from './replay-piece.ts';

/** Threads that may help with a replay. */
export interface ReplayThreads {
  /** How many. */
  readonly count: number;
  /** They are started at the first piece of so many tasks: below, a replay is over before they are there. */
  readonly fewestTasks: number;
  /** Starts them. @param columns in shared memory. */
  start(definition: FeatureSetDefinition, columns: ReplayColumns): ReplayCrew;
}

/** Threads at work on one replay. */
export interface ReplayCrew {
  /**
   * Has every thread take tasks of a piece, in shared memory, until none is left; resolves when all are through.
   *
   * @throws AppError as a replay on one thread; `internal` where a thread ended.
   */
  help(piece: ReplayPiece): Promise<void>;
  /** Ends the threads, at their tasks or not. */
  stop(): Promise<void>;
}
