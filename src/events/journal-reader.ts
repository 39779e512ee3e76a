import { crc32c } from '../base/crc32c.ts';
import { AppError, systemErrorCode } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import type { RecordPlace } from './journal.ts';
import type { JournalFile, JournalFiles } from './journal-files.ts';
import {
  decodeGroup,
  decodeSegmentHeader,
  type GroupRecord,
  hasGroupAfter,
  RECORD_HEADER_BYTES,
  SEGMENT_HEADER_BYTES,
  segmentName,
} from './journal-format.ts';
import { listSegments, type Segment } from './journal-recovery.ts';

/** A record read back. The payload is a view into the reader's buffer of its batch. */
export interface JournalEntry extends RecordPlace {
  readonly payload: Buffer;
}

/** The journal's UUID, or undefined where the folder holds none yet. */
export async function readJournalId(files: JournalFiles, folder: string): Promise<string | undefined> {
  for (const segment of await listSegments(files, folder)) {
    const file = await files.open(`${folder}/${segment.name}`, 'read');
    try {
      const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES);
      await file.read(bytes, 0);
      const header = decodeSegmentHeader(bytes);
      if (header !== undefined) return header.journalId;
    } finally {
      await file.close();
    }
  }
  return undefined;
}

/** The first position that the journal still has; 1 where it holds nothing. What is before it is in silver. */
export async function oldestPosition(files: JournalFiles, folder: string): Promise<number> {
  return (await listSegments(files, folder))[0]?.firstPosition ?? 1;
}

/**
 * Reads the records after a position, group by group, in order, up to what stands on the disk. A
 * segment that is made meanwhile is not read. A journal that holds nothing has nothing after 0.
 *
 * @param throughPosition the last position to give: what a live journal's owner says is durable.
 * @param cursor where an earlier reading of the same journal came to; it is moved on.
 * @throws AppError `journal_corrupt` where a group that should be sound is not, or a position is gone.
 */
export async function* readJournal(
  files: JournalFiles,
  folder: string,
  afterPosition: number,
  throughPosition: number = Number.POSITIVE_INFINITY,
  cursor: JournalCursor = journalCursor(),
): AsyncGenerator<readonly JournalEntry[]> {
  if (throughPosition <= afterPosition) return;
  const segments = await listSegments(files, folder);
  let last = 0;
  let isFirst = true;
  for (const [index, segment] of segments.entries()) {
    const next = segments[index + 1];
    if (next !== undefined && next.firstPosition - 1 <= afterPosition) continue;
    if (isFirst && segment.firstPosition > afterPosition + 1) {
      throw gone(afterPosition + 1, segment.firstPosition - 1);
    }
    isFirst = false;
    last = yield* readSegment(files, folder, segment, next === undefined, { afterPosition, throughPosition }, cursor);
    if (last >= throughPosition) return;
    if (next !== undefined && last !== next.firstPosition - 1) throw unlike(segment, last, next);
  }
  // What its owner says is durable is there, and so is what the lake has taken from it.
  const wanted = Number.isFinite(throughPosition) ? throughPosition : afterPosition;
  if (last < wanted) throw gone(last + 1, wanted);
}

/**
 * The end of the last group that was read. Without it a follower reads the newest segment from its
 * beginning each time: half a segment, 32 MB, for a few new groups.
 */
export interface JournalCursor {
  /** First position of its segment; 0 where nothing was read. */
  segment: number;
  /** Byte after the group, and the group's last position. */
  offset: number;
  position: number;
}

/** A cursor for a journal of which nothing was read. */
export function journalCursor(): JournalCursor {
  return { segment: 0, offset: 0, position: 0 };
}

/** Positions `(afterPosition, throughPosition]`. */
interface PositionRange {
  readonly afterPosition: number;
  readonly throughPosition: number;
}

/** Room for the largest group. */
const CHUNK_BYTES = LIMITS.journalGroupBytes + 2 * LIMITS.journalRecordBytes;

/**
 * Gives the records of a range that a segment holds.
 *
 * @returns its last sound position: whether that is its end is for the caller to see, by the next
 * segment. In the last one nothing sound comes after.
 */
async function* readSegment(
  files: JournalFiles,
  folder: string,
  segment: Segment,
  isLast: boolean,
  range: PositionRange,
  cursor: JournalCursor,
): AsyncGenerator<readonly JournalEntry[], number> {
  const file = await openSegment(files, folder, segment);
  const goesOnFromCursor = cursor.segment === segment.firstPosition && cursor.position <= range.afterPosition;
  let last = goesOnFromCursor ? cursor.position : segment.firstPosition - 1;
  let offset = goesOnFromCursor ? cursor.offset : SEGMENT_HEADER_BYTES;
  try {
    if (!goesOnFromCursor && !(await hasHeader(file, segment, isLast))) return last;
    for (;;) {
      const chunk = await readChunk(file, offset);
      let at = 0;
      for (let group = decodeGroup(chunk, at); group.kind === 'group'; group = decodeGroup(chunk, at)) {
        if (group.lastPosition - group.records.length !== last) throw damaged(segment, offset + at);
        const entries = entriesOf(group.records, segment, offset, range);
        if (entries.length > 0) yield entries;
        last = group.lastPosition;
        at = group.endOffset;
        moveOn(cursor, segment, offset + at, last);
        if (last >= range.throughPosition) return last;
      }
      if (at === 0 && !(isLast && (await goesOn(file, segment, offset)))) return last;
      offset += at;
    }
  } finally {
    await file.close();
  }
}

function moveOn(cursor: JournalCursor, { firstPosition }: Segment, offset: number, position: number): void {
  cursor.segment = firstPosition;
  cursor.offset = offset;
  cursor.position = position;
}

async function openSegment(files: JournalFiles, folder: string, segment: Segment): Promise<JournalFile> {
  const file = await openIfThere(files, `${folder}/${segment.name}`);
  // Removed since it was listed: its journal's owner does so once silver has it.
  if (file === undefined) throw gone(segment.firstPosition);
  return file;
}

async function openIfThere(files: JournalFiles, path: string): Promise<JournalFile | undefined> {
  try {
    return await files.open(path, 'read');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Whether a segment has its header. The last may lack it, and then it holds nothing. */
async function hasHeader(file: JournalFile, segment: Segment, isLast: boolean): Promise<boolean> {
  if (await isHeaderSound(file, segment)) return true;
  if (isLast && !hasGroupAfter(await readFrom(file, 0), 0)) return false;
  // A group is written after the header: where one is seen, another look sees the header as well.
  if (isLast && (await isHeaderSound(file, segment))) return true;
  throw damaged(segment, 0);
}

async function isHeaderSound(file: JournalFile, { firstPosition }: Segment): Promise<boolean> {
  const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES);
  await file.read(bytes, 0);
  return decodeSegmentHeader(bytes)?.firstPosition === firstPosition;
}

/**
 * Whether there is a sound group at an offset of the last segment after all. None was seen there:
 * its writer, or a crash, has left the end torn, or written zeros ahead, and nothing sound follows.
 * Where something does, the writer went on since, and another look sees the group; or it is damaged.
 */
async function goesOn(file: JournalFile, segment: Segment, offset: number): Promise<boolean> {
  if (!hasGroupAfter(await readFrom(file, offset), 1)) return false;
  if (decodeGroup(await readChunk(file, offset), 0).kind === 'group') return true;
  throw damaged(segment, offset);
}

function entriesOf(
  records: readonly GroupRecord[],
  { firstPosition }: Segment,
  base: number,
  { afterPosition, throughPosition }: PositionRange,
): JournalEntry[] {
  return records
    .filter(({ position }) => position > afterPosition && position <= throughPosition)
    .map(({ position, payload, offset }) => ({ position, payload, segment: firstPosition, offset: base + offset }));
}

async function readFrom(file: JournalFile, offset: number): Promise<Buffer> {
  const bytes = Buffer.alloc(Math.max(0, (await file.sizeBytes()) - offset));
  return bytes.subarray(0, await file.read(bytes, offset));
}

async function readChunk(file: JournalFile, offset: number): Promise<Buffer> {
  const left = (await file.sizeBytes()) - offset;
  const bytes = Buffer.allocUnsafe(Math.max(0, Math.min(left, CHUNK_BYTES)));
  return bytes.subarray(0, await file.read(bytes, offset));
}

/**
 * Reads one record where an index says that it lies.
 *
 * @returns its payload; undefined where its segment is gone.
 * @throws AppError `journal_corrupt` where the record is not sound.
 */
export async function readRecord(
  files: JournalFiles,
  folder: string,
  place: Pick<RecordPlace, 'segment' | 'offset'>,
): Promise<Buffer | undefined> {
  const name = segmentName(place.segment);
  // Not listed first: its owner may remove it between the two.
  const file = await openIfThere(files, `${folder}/${name}`);
  if (file === undefined) return undefined;
  try {
    const head = Buffer.alloc(RECORD_HEADER_BYTES);
    await file.read(head, place.offset);
    const sizeBytes = head.readUInt32LE(0);
    const payload = Buffer.alloc(Math.min(sizeBytes, LIMITS.journalRecordBytes));
    const length = await file.read(payload, place.offset + RECORD_HEADER_BYTES);
    if (length !== sizeBytes || crc32c(payload) !== head.readUInt32LE(4)) {
      throw new AppError('journal_corrupt', `the record at byte ${place.offset} of ${name} is damaged`, {
        segment: name,
        offset: place.offset,
      });
    }
    return payload;
  } finally {
    await file.close();
  }
}

const WHAT_TO_DO = 'restore the file, or move the folder away and start from the lake';

function damaged(segment: Segment, offset: number): AppError {
  return new AppError(
    'journal_corrupt',
    `the journal's segment ${segment.name} is damaged at byte ${offset}: ${WHAT_TO_DO}`,
    { segment: segment.name, offset },
  );
}

function unlike(segment: Segment, last: number, next: Segment): AppError {
  return new AppError(
    'journal_corrupt',
    `the journal's segment ${segment.name} is damaged or the one after it is missing: it is sound up to position ${last}, and the next begins at ${next.firstPosition}: ${WHAT_TO_DO}`,
    { segment: segment.name, lastPosition: last, nextPosition: next.firstPosition },
  );
}

function gone(first: number, last?: number): AppError {
  const positions = last === undefined ? `position ${first} and what follows` : `positions ${first} to ${last}`;
  return new AppError(
    'journal_corrupt',
    `the journal does not hold ${positions} any more: what the lake has is read from there, other segments must be restored`,
    last === undefined ? { firstPosition: first } : { firstPosition: first, lastPosition: last },
  );
}
