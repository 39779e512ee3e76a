import { AppError } from '../../base/errors.ts';
import { readHistory } from '../log/history.ts';
import type { Snapshot } from '../scan/snapshot.ts';
import { type TransactionContext, VACUUM_END, VACUUM_START } from '../transaction/work.ts';

/*
 * RESTORE brings files back that a VACUUM under way may be deleting. Their commits decide between them: a VACUUM
 * looks at the table once more after its VACUUM START, so it keeps what a RESTORE before brought back; a RESTORE
 * waits while a VACUUM START has no VACUUM END, and one that lands in between is a conflict.
 */

const HOUR_MS = 3_600_000;
/** How long a VACUUM may delete. Spark's takes hours on the largest tables; ours gives up before others take it for dead. */
export const LONGEST_DELETING_MS = 23 * HOUR_MS;
/** After it a VACUUM without an end is taken for dead: an hour longer, as clocks of machines differ. */
const DEAD_AFTER_MS = 24 * HOUR_MS;

/**
 * Looks for a VACUUM that began and has not ended.
 *
 * @throws AppError commit_conflict naming its version.
 */
export async function checkNoOpenVacuum(
  { log, nowMs }: TransactionContext,
  newest: Pick<Snapshot, 'version' | 'metadata'>,
): Promise<void> {
  let ended = 0;
  for await (const { version, timestampMs, operation } of readHistory(log, newest)) {
    if (timestampMs < nowMs() - DEAD_AFTER_MS) return;
    if (operation === VACUUM_END) ended += 1;
    if (operation !== VACUUM_START) continue;
    if (ended === 0) throw openVacuum(log.table, version, timestampMs);
    ended -= 1;
  }
}

function openVacuum(table: string, version: number, timestampMs: number): AppError {
  return new AppError(
    'commit_conflict',
    `A VACUUM of ${table} began with version ${version} at ${new Date(timestampMs).toISOString()} and has not ended: ` +
      'it may be deleting what RESTORE would bring back. Run it again after its end; where it died, ' +
      'restore beside it (besideVacuum, --beside-vacuum)',
    { table, version },
  );
}
