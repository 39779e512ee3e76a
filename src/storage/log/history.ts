import type { CommitInfo, Metadata } from './actions.ts';
import { commitTimeOf, fileTimes } from './commit-time.ts';
import { commitInfoOf } from './read-commit.ts';
import type { TableLog } from './table-log.ts';

/** Commits that are read at once. */
const PARALLEL_READS = 16;

/** A commit of a table. */
export interface HistoryEntry {
  readonly version: number;
  /** Milliseconds since 1970. */
  readonly timestampMs: number;
  readonly operation: string | undefined;
  readonly commitInfo: CommitInfo;
}

/**
 * What commits said of themselves, the newest first. A few commits are in memory at a time, and of
 * each only its time: 16 bytes.
 */
export async function* readHistory(
  log: TableLog,
  newest: { readonly version: number; readonly metadata: Metadata },
): AsyncGenerator<HistoryEntry> {
  const versions: number[] = [];
  const times: number[] = [];
  for await (const { version, timestampMs } of fileTimes(log, newest.version)) {
    versions.push(version);
    times.push(timestampMs);
  }
  for (let end = versions.length; end > 0; end -= PARALLEL_READS) {
    const first = Math.max(0, end - PARALLEL_READS);
    const read = await Promise.all(versions.slice(first, end).map((version) => log.commit(version)));
    for (let at = end - 1; at >= first; at -= 1) {
      const actions = read[at - first];
      // Cleaned up since it was listed, and so are those before it.
      if (actions === undefined) return;
      yield entryOf(newest.metadata, versions[at] as number, times[at] as number, commitInfoOf(actions) ?? {});
    }
  }
}

function entryOf(metadata: Metadata, version: number, timeMs: number, commitInfo: CommitInfo): HistoryEntry {
  const { operation } = commitInfo;
  return {
    version,
    timestampMs: commitTimeOf(metadata, version, commitInfo, timeMs),
    operation: typeof operation === 'string' ? operation : undefined,
    commitInfo,
  };
}
