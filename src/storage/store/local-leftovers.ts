import { readdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { ignoreMissing } from './local-files.ts';
import { TEMPORARY_PREFIX } from './local-listing.ts';

/**
 * Deletes what writers that crashed left below a folder: files that were being written, last touched before an
 * instant. Listings leave them out, so that nobody else finds them.
 *
 * @returns how many went.
 */
export async function discardLeftovers(base: string, prefix: string, olderThanMs: number): Promise<number> {
  const folder = join(base, prefix);
  const entries = (await readdir(folder, { withFileTypes: true }).catch(ignoreMissing)) ?? [];
  let discarded = 0;
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      discarded += await discardLeftovers(folder, entry.name, olderThanMs);
    } else if (entry.name.startsWith(TEMPORARY_PREFIX)) {
      const found = await stat(path).catch(ignoreMissing);
      if (found === undefined || found.mtimeMs >= olderThanMs) continue;
      await unlink(path).catch(ignoreMissing);
      discarded += 1;
    }
  }
  return discarded;
}
