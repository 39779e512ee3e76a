import { systemClock } from '../base/clock.ts';
import { openLake } from '../pipeline/lake.ts';
import { localObjectStore } from '../storage/local-object-store.ts';
import type { SourceTables } from '../training-export/source-snapshots.ts';
import { dataFolders } from './data-folders.ts';

/** The tables that an export reads, of a data folder. Makes nothing: a mistyped folder stays away. */
export function openSourceTables(dataDir: string): SourceTables {
  return openLake(localObjectStore(dataFolders(dataDir).lake), { clock: systemClock() });
}
