import type { CommitInfo, Metadata } from './actions.ts';
import { commitTimeOf, fileTimes } from './commit-time.ts';
import { commitInfoOf } from './read-commit.ts';
import type { TableLog } from './table-log.ts';

/** A commit of a table. */
export interface HistoryEntry {
  readonly version: number;
  /** Milliseconds since 1970. */
  readonly timestampMs: number;
  readonly operation: string | undefined;
  readonly commitInfo: CommitInfo;
}

/**
 * What commits said of themselves, the newest first. One commit is in memory at a time, and of each
 * only its time: 16 bytes.
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
  for (let at = versions.length - 1; at >= 0; at -= 1) {
    const version = versions[at] as number;
    const actions = await log.commit(version);
    // Cleaned up since it was listed, and so are those before it.
    if (actions === undefined) return;
    const commitInfo = commitInfoOf(actions) ?? {};
    const { operation } = commitInfo;
    yield {
      version,
      timestampMs: commitTimeOf(newest.metadata, version, commitInfo, times[at] as number),
      operation: typeof operation === 'string' ? operation : undefined,
      commitInfo,
    };
  }
}
