import { AppError } from '../base/errors.ts';
import type { JournalFile, JournalFiles } from './journal-files.ts';
import {
  decodeGroup,
  decodeSegmentHeader,
  hasGroupAfter,
  positionOfSegmentName,
  SEGMENT_HEADER_BYTES,
} from './journal-format.ts';

/** A segment as it lies on the disk. */
export interface Segment {
  readonly name: string;
  readonly firstPosition: number;
}

/** The segments of a journal's folder, oldest first. */
export async function listSegments(files: JournalFiles, folder: string): Promise<Segment[]> {
  const segments: Segment[] = [];
  for (const name of await files.list(folder)) {
    const firstPosition = positionOfSegmentName(name);
    if (firstPosition !== undefined) segments.push({ name, firstPosition });
  }
  return segments;
}

/** Where a journal ends after its torn end was cut. */
export interface JournalEnd {
  readonly journalId: string;
  /** The segment to go on with; null where it was empty and is gone. */
  readonly segment: Segment | null;
  /** The next record's position. */
  readonly nextPosition: number;
  /** Where the next group goes in the segment. */
  readonly endOffset: number;
  /** Bytes that were cut off, for the log line. */
  readonly cutBytes: number;
}

/**
 * Reads the last segment and cuts off what a crash left of its last group.
 *
 * @returns undefined where there is no journal yet.
 * @throws AppError `journal_corrupt` where a bad group has a sound one after it.
 */
export async function recoverJournal(files: JournalFiles, folder: string): Promise<JournalEnd | undefined> {
  const segments = await listSegments(files, folder);
  for (let at = segments.length - 1; at >= 0; at -= 1) {
    const segment = segments[at] as Segment;
    const end = await recoverSegment(files, folder, segment);
    if (end !== undefined) return end;
    // A segment whose header never became durable holds nothing that was answered.
    await files.remove(`${folder}/${segment.name}`);
    await files.syncFolder(folder);
  }
  return undefined;
}

async function recoverSegment(files: JournalFiles, folder: string, segment: Segment): Promise<JournalEnd | undefined> {
  const file = await files.open(`${folder}/${segment.name}`, 'write');
  try {
    const bytes = await readWhole(file);
    const header = decodeSegmentHeader(bytes.subarray(0, SEGMENT_HEADER_BYTES));
    if (header === undefined) {
      if (hasGroupAfter(bytes, 0)) throw corrupt(segment, 0);
      return undefined;
    }
    let offset = SEGMENT_HEADER_BYTES;
    let nextPosition = header.firstPosition;
    while (offset < bytes.length) {
      const group = decodeGroup(bytes, offset);
      if (group.kind !== 'group') break;
      offset = group.endOffset;
      nextPosition = group.lastPosition + 1;
    }
    if (offset < bytes.length) {
      if (hasGroupAfter(bytes, offset + 1)) throw corrupt(segment, offset);
      await file.truncate(offset);
      await file.sync();
    }
    return { journalId: header.journalId, segment, nextPosition, endOffset: offset, cutBytes: bytes.length - offset };
  } finally {
    await file.close();
  }
}

async function readWhole(file: JournalFile): Promise<Buffer> {
  const bytes = Buffer.alloc(await file.sizeBytes());
  const length = await file.read(bytes, 0);
  return bytes.subarray(0, length);
}

function corrupt(segment: Segment, offset: number): AppError {
  return new AppError(
    'journal_corrupt',
    `the journal's segment ${segment.name} is damaged at byte ${offset}, before its last group: restore the file, or move the folder away and start from the lake`,
    { segment: segment.name, offset },
  );
}
