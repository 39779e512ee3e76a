import { createHash } from 'node:crypto';
import type { ObjectStore } from '../storage/store/object-store.ts';

/** How large a file, or a folder of files, is, and its sum. */
export interface FileSum {
  readonly sizeBytes: number;
  /** SHA-256 in hex. */
  readonly sha256: string;
}

/**
 * The sum of a folder: of the lines that `sha256sum` prints of its files in the order of their names,
 * named from the folder on.
 */
export async function folderSum(files: ObjectStore, folder: string): Promise<FileSum> {
  const sum = createHash('sha256');
  let sizeBytes = 0;
  for await (const { key } of files.listFrom(`${folder}/`)) {
    const bytes = (await files.get(key)) ?? new Uint8Array(0);
    const digest = createHash('sha256').update(bytes).digest('hex');
    sum.update(`${digest}  ${key.slice(folder.length + 1)}\n`);
    sizeBytes += bytes.length;
  }
  return { sizeBytes, sha256: sum.digest('hex') };
}

/** The sum of a file of an export; undefined where it is missing. */
export async function exportFileSum(files: ObjectStore, name: string, isFolder: boolean): Promise<FileSum | undefined> {
  if (isFolder) {
    const sum = await folderSum(files, name);
    return sum.sizeBytes === 0 ? undefined : sum;
  }
  const bytes = await files.get(name);
  if (bytes === undefined) return undefined;
  return { sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}
