import { crc32c } from '../base/crc32c.ts';
import { AppError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import type { RecordPlace } from './journal.ts';
import type { JournalFile, JournalFiles } from './journal-files.ts';
import {
  decodeGroup,
  decodeSegmentHeader,
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

/**
 * Reads the records after a position, group by group, in order, up to what stands on the disk.
 *
 * @param throughPosition the last position to give: what a live journal's owner says is durable.
 * @throws AppError `journal_corrupt` where a group that should be sound is not, or a position is gone.
 */
export async function* readJournal(
  files: JournalFiles,
  folder: string,
  afterPosition: number,
  throughPosition: number = Number.POSITIVE_INFINITY,
): AsyncGenerator<readonly JournalEntry[]> {
  const segments = await listSegments(files, folder);
  for (const [index, segment] of segments.entries()) {
    const next = segments[index + 1];
    if (next !== undefined && next.firstPosition - 1 <= afterPosition) continue;
    if (segment.firstPosition > throughPosition) return;
    yield* readSegment(files, folder, segment, afterPosition, throughPosition);
  }
}

/** Room for the largest group. */
const CHUNK_BYTES = LIMITS.journalGroupBytes + 2 * LIMITS.journalRecordBytes;

async function* readSegment(
  files: JournalFiles,
  folder: string,
  segment: Segment,
  afterPosition: number,
  throughPosition: number,
): AsyncGenerator<readonly JournalEntry[]> {
  const file = await files.open(`${folder}/${segment.name}`, 'read');
  try {
    let offset = SEGMENT_HEADER_BYTES;
    for (;;) {
      const chunk = await readChunk(file, offset);
      let at = 0;
      while (at < chunk.length) {
        const group = decodeGroup(chunk, at);
        if (group.kind !== 'group') break;
        const base = offset;
        const entries = group.records
          .filter(({ position }) => position > afterPosition && position <= throughPosition)
          .map(({ position, payload, offset: from }) => ({
            position,
            payload,
            segment: segment.firstPosition,
            offset: base + from,
          }));
        if (entries.length > 0) yield entries;
        if (group.lastPosition >= throughPosition) return;
        at = group.endOffset;
      }
      // The rest is a group that is not whole yet: its writer, or recovery, has the say.
      if (at === 0) return;
      offset += at;
    }
  } finally {
    await file.close();
  }
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
  if (!(await files.list(folder)).includes(name)) return undefined;
  const file = await files.open(`${folder}/${name}`, 'read');
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
