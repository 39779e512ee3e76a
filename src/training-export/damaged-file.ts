import type { ObjectStore } from '../storage/store/object-store.ts';
import { exportFileSum } from './file-sums.ts';
import type { ExportManifest } from './manifest.ts';

/** What is wrong with the first file of an export that is not as its manifest says; null where all are. */
export async function damagedFile(files: ObjectStore, manifest: ExportManifest): Promise<string | null> {
  for (const { name, sha256 } of manifest.files) {
    const actual = await exportFileSum(files, name, manifest.fileFormat === 'delta');
    if (actual === undefined) return `${name} is missing`;
    if (actual.sha256 !== sha256) {
      return `${name} was changed: its SHA-256 is ${actual.sha256}, the manifest says ${sha256}`;
    }
  }
  return null;
}
