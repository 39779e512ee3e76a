import type { FeatureSet } from '../feature-set.ts';
import type { SpillRoom } from '../spill/spill-place.ts';
import type { ReplayColumns } from './replay-columns.ts';
import type { ReplayPiece } from './replay-piece.ts';
import { ReplayRunner } from './replay-runner.ts';
import type { ReplayCrew, ReplayThreads } from './replay-threads.ts';

/** The asking thread and those that help it. */
export class ReplayTeam {
  readonly #set: FeatureSet;
  readonly #columns: ReplayColumns;
  readonly #threads: ReplayThreads | null;
  readonly #runner: ReplayRunner;
  #crew: ReplayCrew | null = null;

  constructor(set: FeatureSet, columns: ReplayColumns, threads: ReplayThreads | null) {
    this.#set = set;
    this.#columns = columns;
    this.#threads = threads;
    this.#runner = new ReplayRunner(set, columns);
  }

  /** Threads at work, this one too. */
  get size(): number {
    return 1 + (this.#threads?.count ?? 0);
  }

  /** Takes part in a piece until all of it is done; others help where it is worth their start. @throws AppError as {@link ReplayRunner.run}, {@link ReplayCrew.help}. */
  async run(piece: ReplayPiece, room: SpillRoom | null = null, onTask?: (taken: number) => void): Promise<void> {
    if (this.#threads !== null && piece.tasks.length / 3 >= this.#threads.fewestTasks) {
      this.#crew ??= this.#threads.start(this.#set.definition, this.#columns);
    }
    const helped = this.#crew?.help(piece) ?? Promise.resolve();
    // It is waited for below; until then its failure is nobody's.
    helped.catch(() => {});
    this.#runner.run(piece, room, onTask);
    await helped;
  }

  /** Ends the threads that help, at their tasks or not. */
  async stop(): Promise<void> {
    await this.#crew?.stop();
    this.#crew = null;
  }
}
