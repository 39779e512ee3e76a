import { existsSync } from 'node:fs';
import { systemClock } from '../base/clock.ts';
import { AppError } from '../base/errors.ts';
import { openLake } from '../pipeline/lake.ts';
import { localObjectStore } from '../storage/store/local-object-store.ts';
import type { SourceTables } from '../training-export/source-snapshots.ts';
import { dataFolders } from './data-folders.ts';

/**
 * The tables that an export reads, of a data folder. Makes nothing: a mistyped folder stays away.
 *
 * @throws AppError `not_found` where there is no lake.
 */
export function openSourceTables(dataDir: string): SourceTables {
  const { lake } = dataFolders(dataDir);
  if (!existsSync(lake)) {
    const hint = 'name the folder by --data-dir, or import a file or serve first';
    throw new AppError('not_found', `there is no lake in ${dataDir}: ${hint}`);
  }
  return openLake(localObjectStore(lake), { clock: systemClock() });
}
