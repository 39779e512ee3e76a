import { createReadStream } from 'node:fs';
import { crc32 } from 'node:zlib';
import type { Tags } from './actions.ts';

/*
 * CRC-32s of files, in places that the specification leaves free: of a data file in the tags of its add, of a sidecar
 * in those of its action, of a checkpoint in those of the hint. Parquet has a place for checksums of pages, but the
 * writers that we use leave it empty: of bits that flip in a file, most would be read as other values.
 */

const TAG = 'sentinela.crc32';

/** What a file must be. */
export interface FileSum {
  readonly sizeBytes: number;
  readonly crc32: number;
}

/** A checksum as files tell it: eight digits. */
export function checksumText(checksum: number): string {
  return checksum.toString(16).padStart(8, '0');
}

/** Tags with a file's checksum. */
export function withChecksum(
  tags: Readonly<Record<string, string>> | undefined,
  checksum: number,
): Readonly<Record<string, string>> {
  return { ...tags, [TAG]: checksumText(checksum) };
}

/** The checksum that an add, or a sidecar, tells; undefined where another writer told none. */
export function checksumOfFile({ tags }: { readonly tags?: Tags | undefined }): number | undefined {
  const text = tags?.[TAG];
  return typeof text === 'string' && /^[0-9a-f]{8}$/.test(text) ? Number.parseInt(text, 16) : undefined;
}

/** The checksum of bytes: 1 GB/s. */
export function checksumOfBytes(bytes: Uint8Array): number {
  return crc32(bytes);
}

/** The checksum of a file of this machine, a piece at a time. */
export async function checksumOfPath(path: string): Promise<number> {
  let sum = 0;
  for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 })) sum = crc32(piece as Buffer, sum);
  return sum;
}
