import { isJsonObject, parseExactJson } from '../../base/exact-json.ts';
import { logFolder } from '../log/log-names.ts';
import type { ObjectStore } from '../store/object-store.ts';

/*
 * `_delta_log/_last_vacuum_info` (Delta Spark, LastVacuumInfo), one line of JSON:
 *
 *   {"latestCommitVersionOutsideOfRetentionWindow":42}
 *
 * Whatever the commits up to that version removed is gone, so that a lite vacuum goes on after it. It is
 * written over by every vacuum; one that is missing or torn only makes the next one read more.
 */

function lastVacuumKey(table: string): string {
  return `${logFolder(table)}_last_vacuum_info`;
}

/** The version through which removed files are gone; undefined where no vacuum told. */
export async function readLastVacuum(store: ObjectStore, table: string): Promise<number | undefined> {
  const bytes = await store.get(lastVacuumKey(table));
  if (bytes === undefined) return undefined;
  try {
    const json = parseExactJson(new TextDecoder().decode(bytes));
    const version = isJsonObject(json) ? json.latestCommitVersionOutsideOfRetentionWindow : undefined;
    return typeof version === 'number' && Number.isSafeInteger(version) ? version : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps through which version removed files are gone. */
export async function writeLastVacuum(store: ObjectStore, table: string, version: number | undefined): Promise<void> {
  const text = JSON.stringify(version === undefined ? {} : { latestCommitVersionOutsideOfRetentionWindow: version });
  await store.put(lastVacuumKey(table), new TextEncoder().encode(`${text}\n`));
}
