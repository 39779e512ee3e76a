import { AppError } from '../../base/errors.ts';
import type { Metadata } from '../log/actions.ts';
import { fileTimes } from '../log/commit-time.ts';
import { partitionFolder } from '../log/file-path.ts';
import { tablePrefix } from '../log/log-names.ts';
import { physicalName } from '../log/physical-schema.ts';
import type { TableLog } from '../log/table-log.ts';
import { deletedFileRetentionMs } from '../log/table-properties.ts';
import type { TableState } from '../log/table-state.ts';
import { parseSchema } from '../types/schema-json.ts';
import { liveFileIndex } from './live-files.ts';
import { objectsOf, vectorKey } from './named-objects.ts';

/** Which files a vacuum may take. */
export interface VacuumRules {
  /** Files written, and tombstones made, at or after it are kept, in milliseconds since 1970. */
  readonly cutOffMs: number;
  /** Whether an object of the table is hidden from it, wherever it is in the table's folder. */
  isHidden(key: string): boolean;
  /** Whether a version that may still be read needs an object. */
  isKept(key: string): boolean;
}

/** How long files are kept: as told, or as the table says. */
export interface Retention {
  readonly retentionMs?: number;
  /** Allows less than the table says: readers and writers under way may lose their files. */
  readonly allowShortRetention?: boolean;
}

/**
 * The time before which what is not needed may go.
 *
 * @throws AppError invalid_request for less than the table keeps, unless that is allowed.
 */
export function cutOffOf(metadata: Metadata, { retentionMs, allowShortRetention }: Retention, nowMs: number): number {
  const ownMs = deletedFileRetentionMs(metadata);
  const wantedMs = retentionMs ?? ownMs;
  if (!Number.isFinite(wantedMs) || wantedMs < 0) {
    throw new AppError('invalid_request', `A vacuum cannot keep files for ${wantedMs} ms`);
  }
  if (wantedMs < ownMs && allowShortRetention !== true) {
    throw new AppError(
      'invalid_request',
      `A vacuum that keeps files for ${hours(wantedMs)} h takes them from readers and writers under way; the table keeps ` +
        `them for ${hours(ownMs)} h (delta.deletedFileRetentionDuration). Keep at least that, or allow it (allowShortRetention)`,
    );
  }
  return nowMs - wantedMs;
}

function hours(durationMs: number): string {
  return String(Math.round(durationMs / 36_000) / 100);
}

/**
 * What to keep: live files, files of tombstones that have not expired, the deletion vectors of both.
 * Live files cost 20 bytes each; the others their names.
 */
export async function vacuumRules(
  log: TableLog,
  state: TableState,
  cutOffMs: number,
  nowMs: number,
): Promise<VacuumRules> {
  const live = liveFileIndex(state);
  const others = new Set<string>();
  for (const row of live.rows) {
    const vector = vectorKey(log.store, log.table, state.files.addOf(row).deletionVector);
    if (vector !== undefined) others.add(vector);
  }
  for (const remove of state.tombstones()) {
    if (Number(remove.deletionTimestamp ?? 0) < cutOffMs) continue;
    for (const key of objectsOf(log, remove)) others.add(key);
  }
  // Checkpoints drop tombstones after the table's own retention: for a longer one the commits are asked.
  if (cutOffMs < nowMs - deletedFileRetentionMs(state.metadata)) await addRemovedSince(log, state, cutOffMs, others);
  const isHidden = hiddenNames(log.table, state.metadata);
  return { cutOffMs, isHidden, isKept: (key) => others.has(key) || live.find(key) >= 0 };
}

async function addRemovedSince(log: TableLog, state: TableState, cutOffMs: number, kept: Set<string>): Promise<void> {
  for await (const { version, timestampMs } of fileTimes(log, state.version)) {
    if (timestampMs < cutOffMs) continue;
    for (const action of (await log.commit(version)) ?? []) {
      if ('remove' in action) for (const key of objectsOf(log, action.remove)) kept.add(key);
    }
  }
}

/**
 * Names that Delta Spark hides from its vacuum (`isHiddenDirectory`): those that begin with `_` or `.`,
 * on whatever level; but not change files, nor folders of partitions by such a column.
 */
function hiddenNames(table: string, metadata: Metadata): (key: string) => boolean {
  const prefix = tablePrefix(table);
  const { fields } = parseSchema(metadata.schemaString);
  const partitions = metadata.partitionColumns.flatMap((name) => {
    const column = fields.find((item) => item.name === name);
    const names = column === undefined ? [name] : [name, physicalName(column)];
    // As it is, and as Hive escapes it.
    return names.flatMap((text) => [`${text}=`, partitionFolder({ [text]: 'x' }).slice(0, -2)]);
  });
  const isHiddenName = (name: string): boolean =>
    (name.startsWith('_') || name.startsWith('.')) &&
    !name.startsWith('_change_data') &&
    !name.startsWith('_delta_index') &&
    !partitions.some((partition) => name.startsWith(partition));
  return (key) => {
    const relative = key.slice(prefix.length);
    if (!relative.startsWith('_') && !relative.startsWith('.') && !/\/[_.]/.test(relative)) return false;
    return relative.split('/').some(isHiddenName);
  };
}
