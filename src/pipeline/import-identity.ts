import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { AppError, messageOf, systemErrorCode } from '../base/errors.ts';

/** What a file is. */
interface FileDigest {
  /** Of its bytes, hex. */
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** Reads a file once for its digest. @throws AppError `invalid_file` where it cannot be read. */
export async function fileDigest(path: string): Promise<FileDigest> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  try {
    for await (const piece of createReadStream(path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>) {
      sizeBytes += piece.length;
      hash.update(piece);
    }
    return { sha256: hash.digest('hex'), sizeBytes };
  } catch (error) {
    const code = systemErrorCode(error) ?? '';
    throw new AppError('invalid_file', `${path} cannot be read (${code}): ${messageOf(error)}`, { path, code }, error);
  }
}

/**
 * The journal that an import is: a UUID (version 8) of what goes in. The same files under the same
 * mapping are the same journal, so that an import which was killed goes on where it was.
 */
export function importJournalId(parts: readonly string[]): string {
  const hash = createHash('sha256')
    .update(`sentinela-import\n${parts.join('\n')}`)
    .digest('hex');
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-a${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
}
