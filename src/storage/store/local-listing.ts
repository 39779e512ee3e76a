import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, messageOf, systemErrorCode } from '../../base/errors.ts';
import { compareUtf8, type ObjectEntry } from './object-store.ts';

/** What a file is called while it is written; listings leave it out, a crash may leave it behind. */
export const TEMPORARY_PREFIX = '.writing-';

/** Lists a folder as {@link ObjectStore.listFrom} has it; branches that cannot hold a key asked for are not read. */
export async function* listLocal(base: string, prefix: string, startAfter: string): AsyncIterable<ObjectEntry> {
  const slash = prefix.lastIndexOf('/');
  yield* walk(base, slash < 0 ? '' : prefix.slice(0, slash + 1), prefix, startAfter);
}

async function* walk(base: string, folder: string, prefix: string, startAfter: string): AsyncIterable<ObjectEntry> {
  for (const name of await namesIn(join(base, folder))) {
    const key = folder + name;
    const isBranch = name.endsWith('/');
    // A branch is left out when all that it holds lies before `startAfter`, or outside the prefix.
    if (isBranch ? !(key.startsWith(prefix) || prefix.startsWith(key)) : !key.startsWith(prefix)) continue;
    if (compareUtf8(key, startAfter) <= 0 && !(isBranch && startAfter.startsWith(key))) continue;
    if (isBranch) {
      yield* walk(base, key, prefix, startAfter);
      continue;
    }
    const entry = await stat(join(base, key)).catch(unlessMissing);
    if (entry !== undefined) yield { key, sizeBytes: entry.size, modifiedMs: Math.floor(entry.mtimeMs) };
  }
}

/** Names in a folder, those of folders with a closing slash, so that they sort as keys do. */
async function namesIn(path: string): Promise<string[]> {
  const entries = (await readdir(path, { withFileTypes: true }).catch(unlessMissing)) ?? [];
  const names: string[] = [];
  for (const entry of entries) {
    if (entry.isDirectory()) names.push(`${entry.name}/`);
    else if (!entry.name.startsWith(TEMPORARY_PREFIX)) names.push(entry.name);
  }
  return names.sort(compareUtf8);
}

/** What went while the listing came to it is not there. @throws AppError storage_failed. */
function unlessMissing(error: unknown): undefined {
  const code = systemErrorCode(error);
  if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
  throw new AppError('storage_failed', `A folder cannot be listed: ${messageOf(error)}`, {}, error);
}
