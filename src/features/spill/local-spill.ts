import { randomUUID } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readSync, statfsSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, messageOf, systemErrorCode } from '../../base/errors.ts';
import type { SpillPlace, SpillRoom } from './spill-place.ts';

/**
 * Rooms in files of a folder. A file has no name any more once it is open, so nothing of it is left, however the
 * process ends. Reads and writes are synchronous: threads that compute have nothing else to do meanwhile.
 */
export function localSpill(folder: string): SpillPlace {
  return {
    open(sizeBytes) {
      const path = join(folder, `.sentinela-spill-${randomUUID()}`);
      let file: number;
      try {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        checkFree(folder, sizeBytes);
        file = openSync(path, 'wx+', 0o600);
        unlinkSync(path);
      } catch (error) {
        throw refused(folder, error);
      }
      return localSpillRoom(file, folder);
    },
  };
}

/** The room that is a file which the process has open. @param folder of which messages speak. */
export function localSpillRoom(file: number, folder: string): SpillRoom {
  return {
    handle: { kind: 'file', file, folder },
    write(bytes, offset) {
      try {
        for (let done = 0; done < bytes.length; )
          done += writeSync(file, bytes, done, bytes.length - done, offset + done);
      } catch (error) {
        throw refused(folder, error);
      }
    },
    read(bytes, offset) {
      for (let done = 0; done < bytes.length; ) {
        const read = readSync(file, bytes, done, bytes.length - done, offset + done);
        if (read === 0) throw new AppError('storage_failed', `a temporary file in ${folder} ends before its time`);
        done += read;
      }
    },
    close: () => closeSync(file),
  };
}

/** Room is only taken as values come, so a folder that cannot hold them all is told of before the work begins. */
function checkFree(folder: string, sizeBytes: number): void {
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  if (free >= sizeBytes) return;
  throw new AppError(
    'disk_full',
    `features on their way need ${gigabytes(sizeBytes)} on disk, and ${folder} has ${gigabytes(free)} free: name another folder with --spill-dir, or take fewer rows`,
    { neededBytes: sizeBytes, freeBytes: free },
  );
}

function refused(folder: string, error: unknown): AppError {
  if (error instanceof AppError) return error;
  const isFull = ['ENOSPC', 'EDQUOT'].includes(systemErrorCode(error) ?? '');
  return isFull
    ? new AppError(
        'disk_full',
        `the disk of ${folder} is full, and features on their way need more: free some of it, or name another folder with --spill-dir`,
        {},
        error,
      )
    : new AppError(
        'storage_failed',
        `${folder} cannot hold features on their way (${messageOf(error)}): name another folder with --spill-dir`,
        {},
        error,
      );
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(bytes < 1e8 ? 3 : 1)} GB`;
}
