import { AppError } from '../../base/errors.ts';
import type { Action } from '../log/actions.ts';
import { fileTimes, versionAt } from '../log/commit-time.ts';
import { tablePrefix } from '../log/log-names.ts';
import { inCommitTimestamp } from '../log/read-commit.ts';
import type { TableLog } from '../log/table-log.ts';
import { isEnabled } from '../log/table-properties.ts';
import type { TableState } from '../log/table-state.ts';
import { readLastVacuum } from './last-vacuum.ts';
import { vectorKey } from './named-objects.ts';
import type { VacuumRules } from './vacuum-plan.ts';

/** An object that no version needs which may still be read. */
export interface UnneededFile {
  readonly key: string;
  readonly sizeBytes: number;
}

/**
 * What a full vacuum takes: every object of the table that is older than the cut-off, not hidden and not
 * kept, nor behind a link. Nothing but the listing's page is in memory.
 */
export async function* unneededOfListing({ store, table }: TableLog, rules: VacuumRules): AsyncGenerator<UnneededFile> {
  for await (const { key, sizeBytes, modifiedMs, isBehindLink } of store.listFrom(tablePrefix(table))) {
    // It may be a live file of the table under another name, or of another table.
    if (isBehindLink === true) continue;
    // A file of a commit under way is in no version yet: only its age tells that it is not garbage (delta-rs 3645).
    if (modifiedMs >= rules.cutOffMs || rules.isHidden(key) || rules.isKept(key)) continue;
    yield { key, sizeBytes };
  }
}

/** Commits that a lite vacuum looks into; undefined where there are none. */
export interface CommitRange {
  readonly from: number;
  readonly through: number;
}

/**
 * Commits that made their tombstones before the cut-off and that no vacuum has looked into yet.
 *
 * @param expired as {@link newestExpired} gives it.
 * @throws AppError invalid_request where some of them were cleaned up: a full vacuum must be run.
 */
export async function commitsToVacuum(
  log: TableLog,
  state: TableState,
  expired: number | undefined,
): Promise<CommitRange | undefined> {
  const last = await readLastVacuum(log.store, log.table);
  const earliest = await earliestCommit(log, state);
  if (expired === undefined || earliest === undefined) return undefined;
  if (earliest > 0 && (last === undefined || last + 1 < earliest)) {
    throw new AppError(
      'invalid_request',
      `A lite vacuum of ${log.table} cannot see the commits before ${earliest}, which were cleaned up; run a full one`,
      { table: log.table },
    );
  }
  const from = last === undefined ? earliest : last + 1;
  return from > expired ? undefined : { from, through: expired };
}

async function earliestCommit(log: TableLog, { version }: TableState): Promise<number | undefined> {
  for await (const commit of fileTimes(log, version)) return commit.version;
  return undefined;
}

/** The newest commit that is older than the cut-off; undefined where none is. */
export async function newestExpired(log: TableLog, state: TableState, cutOffMs: number): Promise<number | undefined> {
  if (isEnabled(state.metadata, 'delta.enableInCommitTimestamps')) return await newestByOwnTime(log, state, cutOffMs);
  let newest: number | undefined;
  for await (const { version, timestampMs } of fileTimes(log, state.version)) {
    if (timestampMs >= cutOffMs) break;
    newest = version;
  }
  return newest;
}

/** Times that commits hold themselves are searched, not read one by one. */
async function newestByOwnTime(log: TableLog, state: TableState, cutOffMs: number): Promise<number | undefined> {
  const own = inCommitTimestamp(state.commitInfo);
  if (own !== undefined && own < cutOffMs) return state.version;
  try {
    return await versionAt(log, state, cutOffMs - 1);
  } catch (error) {
    if (error instanceof AppError && error.code === 'version_not_found') return undefined;
    throw error;
  }
}

/**
 * What a lite vacuum takes: files that the commits removed, their vectors and their change files. Nothing is
 * listed, so files that never were committed stay, and nothing outside of the table's folder is taken, whatever
 * path an action has: the files of a shallow clone are its source's.
 */
export async function* unneededOfLog(
  log: TableLog,
  range: CommitRange | undefined,
  rules: VacuumRules,
): AsyncGenerator<UnneededFile> {
  if (range === undefined) return;
  const prefix = tablePrefix(log.table);
  for (let version = range.from; version <= range.through; version += 1) {
    const seen = new Set<string>();
    for (const action of (await log.commit(version)) ?? []) {
      for (const file of removedBy(log, action, rules.cutOffMs)) {
        if (seen.has(file.key) || !file.key.startsWith(prefix)) continue;
        seen.add(file.key);
        if (!rules.isHidden(file.key) && !rules.isKept(file.key)) yield file;
      }
    }
  }
}

function removedBy({ store, table, keyOf }: TableLog, action: Action, cutOffMs: number): UnneededFile[] {
  if ('cdc' in action) return [{ key: keyOf(action.cdc.path), sizeBytes: Number(action.cdc.size) }];
  if (!('remove' in action) || Number(action.remove.deletionTimestamp ?? 0) >= cutOffMs) return [];
  const { path, size = 0, deletionVector } = action.remove;
  const vector = vectorKey(store, table, deletionVector);
  const data = { key: keyOf(path), sizeBytes: Number(size) };
  return vector === undefined ? [data] : [data, { key: vector, sizeBytes: deletionVector?.sizeInBytes ?? 0 }];
}
