import type { Command } from 'commander';
import type { ReplayPorts } from '../../features/replay/replay.ts';
import type { StagedProgress } from '../progress.ts';

/** How commands that compute features again are told to go about it. */
export interface ReplayFlags {
  readonly threads?: string;
  readonly spillDir?: string;
}

/** Adds the options of {@link ReplayFlags}. @param folder what `--spill-dir` is unless told, for `--help`. */
export function addReplayOptions(command: Command, folder: string): Command {
  return command
    .option('--threads <n>', 'threads that compute features; values are the same with any number (default: one a core)')
    .option(
      '--spill-dir <folder>',
      `where features go that memory has no room for, of the shipped set about 1 KB a row, and 1.5 KB a decision where served ones are read (default: ${folder})`,
    );
}

/**
 * What features are computed with, as flags tell.
 *
 * @param folder of features that memory has no room for, unless told. @param bar told of what is computed ahead.
 * @throws AppError `usage`.
 */
export async function replayPortsOf(flags: ReplayFlags, folder: string, bar: StagedProgress): Promise<ReplayPorts> {
  const [{ replayThreadsOf }, { localSpill }] = await Promise.all([
    import('../replay-threads.ts'),
    import('../../features/spill/local-spill.ts'),
  ]);
  return {
    threads: replayThreadsOf(flags.threads),
    spill: localSpill(flags.spillDir ?? folder),
    onComputed: (reads, total) => bar.update('computing features', reads, total),
  };
}
