import { createHash } from 'node:crypto';
import type { ObjectStore } from '../storage/store/object-store.ts';

/** How large a file, or a folder of files, is, and its sum. */
export interface FileSum {
  readonly sizeBytes: number;
  /** SHA-256 in hex. */
  readonly sha256: string;
}

/** Bytes of a file that are in memory at once while it is summed. */
const PIECE_BYTES = 16 * 1024 * 1024;

/**
 * The sum of a folder: of the lines that `sha256sum` prints of its files in the order of their names,
 * named from the folder on.
 */
export async function folderSum(files: ObjectStore, folder: string): Promise<FileSum> {
  const sum = createHash('sha256');
  let sizeBytes = 0;
  for await (const { key } of files.listFrom(`${folder}/`)) {
    const file = await fileSum(files, key);
    if (file === undefined) continue;
    sum.update(`${file.sha256}  ${key.slice(folder.length + 1)}\n`);
    sizeBytes += file.sizeBytes;
  }
  return { sizeBytes, sha256: sum.digest('hex') };
}

/** The sum of a file of an export; undefined where it is missing. */
export async function exportFileSum(files: ObjectStore, name: string, isFolder: boolean): Promise<FileSum | undefined> {
  if (!isFolder) return fileSum(files, name);
  const sum = await folderSum(files, name);
  return sum.sizeBytes === 0 ? undefined : sum;
}

async function fileSum(files: ObjectStore, key: string): Promise<FileSum | undefined> {
  const sum = createHash('sha256');
  for (let sizeBytes = 0; ; ) {
    const piece = await files.get(key, { start: sizeBytes, end: sizeBytes + PIECE_BYTES });
    if (piece === undefined) return undefined;
    sum.update(piece);
    sizeBytes += piece.length;
    if (piece.length < PIECE_BYTES) return { sizeBytes, sha256: sum.digest('hex') };
  }
}
