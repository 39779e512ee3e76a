import { readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AppError, messageOf, systemErrorCode } from '../../base/errors.ts';
import { compareUtf8, type ObjectEntry } from './object-store.ts';

/** What a file is called while it is written; listings leave it out, a crash may leave it behind. */
export const TEMPORARY_PREFIX = '.writing-';

/**
 * Lists a folder as {@link ObjectStore.listFrom} has it; branches that cannot hold a key asked for are not read.
 * Links are followed, as reading does: a partition may lie on another disk.
 */
export async function* listLocal(base: string, prefix: string, startAfter: string): AsyncIterable<ObjectEntry> {
  const slash = prefix.lastIndexOf('/');
  yield* walk({ base, prefix, startAfter }, slash < 0 ? '' : prefix.slice(0, slash + 1), false);
}

interface Listing {
  readonly base: string;
  readonly prefix: string;
  readonly startAfter: string;
}

async function* walk(listing: Listing, folder: string, isBehindLink: boolean): AsyncIterable<ObjectEntry> {
  const { base, prefix, startAfter } = listing;
  for (const { name, isLink } of await namesIn(base, folder)) {
    const key = folder + name;
    const isBranch = name.endsWith('/');
    // A branch is left out when all that it holds lies before `startAfter`, or outside the prefix.
    if (isBranch ? !(key.startsWith(prefix) || prefix.startsWith(key)) : !key.startsWith(prefix)) continue;
    if (compareUtf8(key, startAfter) <= 0 && !(isBranch && startAfter.startsWith(key))) continue;
    if (isBranch) {
      yield* walk(listing, key, isBehindLink || isLink);
      continue;
    }
    // Exact: as a double the last 0.1 µs of a millisecond are the next one, and commits are timed by their files.
    const entry = await stat(join(base, key), { bigint: true }).catch(unlessMissing);
    if (entry === undefined) continue;
    const found = { key, sizeBytes: Number(entry.size), modifiedMs: Number(entry.mtimeMs) };
    yield isBehindLink ? { ...found, isBehindLink } : found;
  }
}

interface Name {
  /** That of a folder with a closing slash, so that names sort as keys do. */
  readonly name: string;
  readonly isLink: boolean;
}

async function namesIn(base: string, folder: string): Promise<Name[]> {
  const entries = (await readdir(join(base, folder), { withFileTypes: true }).catch(unlessMissing)) ?? [];
  const names: Name[] = [];
  for (const entry of entries) {
    const { name } = entry;
    const isLink = entry.isSymbolicLink();
    const isFolder = isLink ? await leadsToFolder(base, folder + name) : entry.isDirectory();
    if (isFolder === undefined) continue;
    if (isFolder) names.push({ name: `${name}/`, isLink });
    else if (!name.startsWith(TEMPORARY_PREFIX)) names.push({ name, isLink });
  }
  return names.sort((left, right) => compareUtf8(left.name, right.name));
}

/** Whether a link leads to a folder; undefined where it leads nowhere, or back to a folder that it lies in. */
async function leadsToFolder(base: string, key: string): Promise<boolean | undefined> {
  const target = await stat(join(base, key)).catch(unlessMissing);
  if (target?.isDirectory() !== true) return target === undefined ? undefined : false;
  for (let path = key; path !== '.'; ) {
    path = dirname(path);
    const above = await stat(join(base, path)).catch(unlessMissing);
    if (above?.ino === target.ino && above.dev === target.dev) return undefined;
  }
  return true;
}

/** What went while the listing came to it is not there, nor what links lead round to. @throws AppError storage_failed. */
function unlessMissing(error: unknown): undefined {
  const code = systemErrorCode(error);
  if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') return undefined;
  throw new AppError('storage_failed', `A folder cannot be listed: ${messageOf(error)}`, {}, error);
}
