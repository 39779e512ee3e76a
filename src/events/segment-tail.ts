import { messageOf, systemErrorCode } from '../base/errors.ts';
import type { JournalFile, JournalFiles } from './journal-files.ts';
import { encodeSegmentHeader, SEGMENT_HEADER_BYTES, segmentName } from './journal-format.ts';

/** A place in the segments where the next group goes. */
export interface Tail {
  readonly file: JournalFile;
  readonly firstPosition: number;
  /** Where the next group begins. */
  offset: number;
  /** Where the zeros that were written ahead end. */
  aheadTo: number;
  /** Writing zeros from `aheadTo` on: no group may reach into them before it is done. */
  writingAhead: Promise<void> | undefined;
}

/**
 * What was to be made durable failed with EIO: the kernel may have dropped the pages, of an earlier write as well, and
 * tells of it once only. So no later success can be trusted.
 */
export class SyncFailure extends Error {}

/** @throws SyncFailure where `work` failed with EIO; else what it failed with. */
async function trusted(what: string, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    throw systemErrorCode(error) === 'EIO' ? new SyncFailure(`${what} failed: ${messageOf(error)}`) : error;
  }
}

/** A tail whose segment ends at an offset. */
export function newTail(file: JournalFile, firstPosition: number, offset: number): Tail {
  return { file, firstPosition, offset, aheadTo: offset, writingAhead: undefined };
}

/** Begins a segment. @throws SyncFailure; what the system says of other failures. */
export async function newSegment(
  files: JournalFiles,
  folder: string,
  journalId: string,
  firstPosition: number,
): Promise<Tail> {
  const path = `${folder}/${segmentName(firstPosition)}`;
  let file: JournalFile;
  try {
    file = await files.open(path, 'create');
  } catch (error) {
    // Left by a failed attempt at the same position: it holds no record.
    if (systemErrorCode(error) !== 'EEXIST') throw error;
    file = await files.open(path, 'write');
    await file.truncate(0);
  }
  try {
    await trusted('writing the journal', file.write(encodeSegmentHeader({ journalId, firstPosition }), 0));
    await syncJournalFolder(files, folder);
  } catch (error) {
    await file.close();
    throw error;
  }
  return newTail(file, firstPosition, SEGMENT_HEADER_BYTES);
}

/** Makes the entries of the journal's folder durable. @throws SyncFailure; what the system says of other failures. */
export function syncJournalFolder(files: JournalFiles, folder: string): Promise<void> {
  return trusted('syncing the journal’s folder', files.syncFolder(folder));
}

/** Writes a group where the tail is, or cuts what of it was written. @throws SyncFailure; what the system says of other failures. */
export async function writeGroup(tail: Tail, bytes: Buffer): Promise<void> {
  try {
    await trusted('writing the journal', tail.file.write(bytes, tail.offset));
  } catch (error) {
    if (!(error instanceof SyncFailure)) await cutTorn(tail);
    throw error;
  }
}

/** Cuts a half-written group; where even that fails, the next open does it, unless no open can be trusted. */
async function cutTorn(tail: Tail): Promise<void> {
  await tail.writingAhead;
  tail.aheadTo = tail.offset;
  try {
    await trusted('cutting the journal', tail.file.truncate(tail.offset));
    await trusted('syncing the journal', tail.file.sync());
  } catch (error) {
    if (error instanceof SyncFailure) throw error;
    // The group has no acknowledged record; the next group overwrites it and recovery cuts it.
  }
}

/** Zeros are written in pieces, so that a group's fsync waits for one of them at most. */
const AHEAD_PIECE = new Uint8Array(1024 * 1024);

/**
 * Keeps zeros ahead of the groups. Recovery takes them for the end of the segment. A disk without
 * room for them is no fault: groups then grow the file as they come.
 *
 * @param onFailure told where the disk failed in a way that reaches the groups too.
 */
export function writeAhead(tail: Tail, aheadBytes: number, onFailure: (error: SyncFailure) => void): void {
  if (tail.writingAhead !== undefined || tail.aheadTo - tail.offset > aheadBytes / 2) return;
  const write = async (): Promise<void> => {
    const from = Math.max(tail.aheadTo, tail.offset);
    tail.aheadTo = from;
    try {
      for (let at = from; at < from + aheadBytes; at += AHEAD_PIECE.length) {
        const piece = AHEAD_PIECE.subarray(0, Math.min(AHEAD_PIECE.length, from + aheadBytes - at));
        await trusted('writing ahead of the journal', tail.file.write(piece, at));
        tail.aheadTo = at + piece.length;
      }
    } catch (error) {
      tail.aheadTo = Math.max(tail.aheadTo, tail.offset);
      if (error instanceof SyncFailure) onFailure(error);
    }
    tail.writingAhead = undefined;
  };
  tail.writingAhead = write();
}

/** Ends a segment where its last group does. */
export async function closeTail(tail: Tail): Promise<void> {
  await tail.writingAhead;
  await tail.file.truncate(tail.offset).catch(() => {});
  await tail.file.close();
}
