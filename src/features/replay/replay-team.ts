import { assert } from '../../base/assert.ts';
import type { FeatureSet } from '../feature-set.ts';
import type { SpillRoom } from '../spill/spill-place.ts';
import type { ReplayColumns } from './replay-columns.ts';
import type { ReplayPiece } from './replay-piece.ts';
import { ReplayRunner } from './replay-runner.ts';
import { TASK_WEIGHT } from './replay-tasks.ts';
import type { ReplayCrew, ReplayThreads } from './replay-threads.ts';

/**
 * The asking thread and those that help it. Threads take 0.1 s to be there, as long as two cores take for 30,000 payments
 * of 12 values: where there are reads enough for them they are started first, and are there when columns are.
 */
export class ReplayTeam {
  readonly #set: FeatureSet;
  readonly #threads: ReplayThreads | null;
  #begun: { readonly columns: ReplayColumns; readonly runner: ReplayRunner } | null = null;
  #crew: ReplayCrew | null = null;

  /** @param reads how many there will be, each kind of entity's counted. */
  constructor(set: FeatureSet, threads: ReplayThreads | null, reads: number) {
    this.#set = set;
    this.#threads = threads;
    if (threads !== null && reads >= threads.fewestTasks * TASK_WEIGHT) this.#crew = threads.start(set.definition);
  }

  /** Threads at work, this one too. */
  get size(): number {
    return 1 + (this.#threads?.count ?? 0);
  }

  /** Takes what pieces are of; before the first. */
  begin(columns: ReplayColumns): void {
    this.#begun = { columns, runner: new ReplayRunner(this.#set, columns) };
    this.#crew?.begin(columns);
  }

  /** Takes part in a piece until all of it is done; others help where it is worth their start. @throws AppError as {@link ReplayRunner.run}, {@link ReplayCrew.help}. */
  async run(piece: ReplayPiece, room: SpillRoom | null = null, onTask?: (taken: number) => void): Promise<void> {
    assert(this.#begun !== null, 'a team begins before it runs');
    const { columns, runner } = this.#begun;
    if (this.#crew === null && this.#threads !== null && piece.tasks.length / 3 >= this.#threads.fewestTasks) {
      this.#crew = this.#threads.start(this.#set.definition);
      this.#crew.begin(columns);
    }
    const helped = this.#crew?.help(piece) ?? Promise.resolve();
    // It is waited for below; until then its failure is nobody's.
    helped.catch(() => {});
    runner.run(piece, room, onTask);
    await helped;
  }

  /** Ends the threads that help, at their tasks or not. */
  async stop(): Promise<void> {
    await this.#crew?.stop();
    this.#crew = null;
  }
}
