import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { crc32c } from '../../../src/base/crc32c.ts';
import { openJournal } from '../../../src/events/journal.ts';
import { encodeGroup, encodeSegmentHeader, segmentName } from '../../../src/events/journal-format.ts';
import { journalCursor, oldestPosition, readJournal, readRecord } from '../../../src/events/journal-reader.ts';
import { recoverJournal } from '../../../src/events/journal-recovery.ts';
import { type ForgetfulFiles, forgetfulFiles } from '../../../src/events/memory-journal-files.ts';

const FOLDER = '/journal/one';
const JOURNAL = '11111111-2222-4333-8444-555555555555';

let files: ForgetfulFiles;

beforeEach(() => {
  files = forgetfulFiles();
});

/** Writes a segment with a group for each count, and gives the position after it. */
async function segmentOf(first: number, counts: readonly number[], rest = Buffer.alloc(0)): Promise<number> {
  const groups: Buffer[] = [];
  let next = first;
  for (const count of counts) {
    const texts = Array.from({ length: count }, (_, index) => Buffer.from(`record ${next + index}`));
    groups.push(encodeGroup(next, texts));
    next += count;
  }
  const header = encodeSegmentHeader({ journalId: JOURNAL, firstPosition: first });
  await write(first, 'create', Buffer.concat([header, ...groups, rest]), 0);
  return next;
}

async function write(first: number, mode: 'create' | 'write', bytes: Uint8Array, offset: number): Promise<void> {
  const file = await files.open(pathOf(first), mode);
  await file.write(bytes, offset);
  await file.close();
}

async function sizeOf(first: number): Promise<number> {
  return (await files.open(pathOf(first), 'read')).sizeBytes();
}

async function flip(first: number, offset: number, bits = 0x01): Promise<void> {
  const byte = Buffer.alloc(1);
  await (await files.open(pathOf(first), 'read')).read(byte, offset);
  await write(first, 'write', Buffer.from([(byte[0] ?? 0) ^ bits]), offset);
}

function pathOf(first: number): string {
  return `${FOLDER}/${segmentName(first)}`;
}

/** Three segments: positions 1–5, 6–8 and 9–12. */
async function threeSegments(): Promise<void> {
  await segmentOf(1, [2, 3]);
  await segmentOf(6, [1, 2]);
  await segmentOf(9, [1, 1, 2]);
}

async function read(after: number, through?: number): Promise<string[]> {
  const texts: string[] = [];
  for await (const entries of readJournal(files, FOLDER, after, through)) {
    for (const { position, payload } of entries) {
      expect(payload.toString()).toBe(`record ${position}`);
      texts.push(payload.toString());
    }
  }
  return texts;
}

function records(first: number, last: number): string[] {
  return Array.from({ length: last - first + 1 }, (_, index) => `record ${first + index}`);
}

const CORRUPT = { code: 'journal_corrupt' };

describe('a sound journal', () => {
  beforeEach(threeSegments);

  it('is read from any position through any other', async () => {
    for (let after = 0; after <= 12; after += 1) {
      expect(await read(after)).toEqual(records(after + 1, 12));
      for (let through = after; through <= 12; through += 1) {
        expect(await read(after, through)).toEqual(records(after + 1, through));
      }
    }
  });

  it('is read from a position that it still has once older segments were removed', async () => {
    await files.remove(pathOf(1));
    expect(await oldestPosition(files, FOLDER)).toBe(6);
    expect(await read(5)).toEqual(records(6, 12));
    expect(await read(9)).toEqual(records(10, 12));
  });

  it('ends where the last segment was made and holds no group yet, or not even its header', async () => {
    await segmentOf(13, []);
    expect(await read(0)).toEqual(records(1, 12));
    expect(await read(12)).toEqual([]);
    await (await files.open(pathOf(13), 'write')).truncate(11);
    expect(await read(0)).toEqual(records(1, 12));
  });

  it('may have zeros after the last group of a segment that is not the last', async () => {
    await write(6, 'write', Buffer.alloc(5000), await sizeOf(6));
    expect(await read(0)).toEqual(records(1, 12));
  });
});

it('a journal that holds nothing has nothing after 0, and lacks what is asked for after that', async () => {
  expect(await read(0)).toEqual([]);
  expect(await oldestPosition(files, FOLDER)).toBe(1);
  await expect(read(3)).rejects.toMatchObject(CORRUPT);
  await expect(read(0, 3)).rejects.toMatchObject(CORRUPT);
});

describe('what the end of the last segment may hold', () => {
  beforeEach(async () => {
    await threeSegments();
  });

  it('a torn group, of any length', async () => {
    const group = encodeGroup(13, [Buffer.from('record 13'), Buffer.from('record 14')]);
    const end = await sizeOf(9);
    for (let length = 1; length < group.length; length += 1) {
      await write(9, 'write', group.subarray(0, length), end);
      expect(await read(0), `${length} bytes`).toEqual(records(1, 12));
    }
    await write(9, 'write', group, end);
    expect(await read(0)).toEqual(records(1, 14));
  });

  it('zeros that were written ahead, also after a torn group', async () => {
    const end = await sizeOf(9);
    await write(9, 'write', Buffer.alloc(70_000), end);
    expect(await read(0)).toEqual(records(1, 12));
    await write(9, 'write', encodeGroup(13, [Buffer.from('record 13')]).subarray(0, 30), end);
    expect(await read(3)).toEqual(records(4, 12));
  });

  it('but not a damaged group with a sound one after it', async () => {
    await flip(9, (await sizeOf(9)) - 60);
    await expect(read(0)).rejects.toMatchObject(CORRUPT);
    await expect(read(8)).rejects.toMatchObject(CORRUPT);
  });

  it('nor less than its owner says is durable, nor than the lake has taken from it', async () => {
    await flip(9, (await sizeOf(9)) - 1);
    expect(await read(0)).toEqual(records(1, 10));
    await expect(read(0, 12)).rejects.toMatchObject({ ...CORRUPT, context: { firstPosition: 11, lastPosition: 12 } });
    await expect(read(11)).rejects.toMatchObject(CORRUPT);
  });
});

describe('what is missing or damaged before the last segment', () => {
  beforeEach(async () => {
    await threeSegments();
  });

  it('a flipped byte in a middle segment', async () => {
    await flip(6, (await sizeOf(6)) - 3);
    await expect(read(0)).rejects.toMatchObject({ ...CORRUPT, context: { lastPosition: 6, nextPosition: 9 } });
    await expect(read(6)).rejects.toMatchObject(CORRUPT);
    // What was asked for is all before it, or after it.
    expect(await read(2, 6)).toEqual(records(3, 6));
    expect(await read(8)).toEqual(records(9, 12));
  });

  it('a middle segment that is missing', async () => {
    await files.remove(pathOf(6));
    await expect(read(0)).rejects.toMatchObject({ ...CORRUPT, context: { lastPosition: 5, nextPosition: 9 } });
    await expect(read(5)).rejects.toMatchObject(CORRUPT);
    expect(await read(8)).toEqual(records(9, 12));
  });

  it('a first segment that is missing, or was removed', async () => {
    await files.remove(pathOf(1));
    await expect(read(0)).rejects.toMatchObject({ ...CORRUPT, context: { firstPosition: 1, lastPosition: 5 } });
    await expect(read(4)).rejects.toThrow('the journal does not hold positions 5 to 5 any more');
  });

  it('a segment that was removed since the reader listed it', async () => {
    const reader = readJournal(files, FOLDER, 0);
    await reader.next();
    await files.remove(pathOf(6));
    const rest = async () => {
      for await (const _ of reader);
    };
    await expect(rest()).rejects.toMatchObject({ ...CORRUPT, context: { firstPosition: 6 } });
  });

  it('a group that does not begin after the one before it', async () => {
    await segmentOf(13, [1]);
    const group = encodeGroup(15, [Buffer.from('record 15')]);
    await write(13, 'write', group, await sizeOf(13));
    await expect(read(0)).rejects.toMatchObject(CORRUPT);
  });

  it('any byte that is flipped is told, or changes nothing', async () => {
    const sizes = { 1: await sizeOf(1), 6: await sizeOf(6) };
    const places = [1, 6].flatMap((first) =>
      Array.from({ length: sizes[first as 1 | 6] }, (_, offset) => ({ first, offset })),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...places),
        fc.integer({ min: 1, max: 255 }),
        fc.integer({ min: 0, max: 12 }),
        async ({ first, offset }, bits, after) => {
          await flip(first, offset, bits);
          try {
            expect(await read(after)).toEqual(records(after + 1, 12));
          } catch (error) {
            expect(error).toMatchObject(CORRUPT);
          } finally {
            await flip(first, offset, bits);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('a journal that is written while it is read', () => {
  it('ends for a reader where its list of segments ended, though the writer has gone to the next', async () => {
    await segmentOf(1, [2, 3]);
    const reader = readJournal(files, FOLDER, 0);
    const texts: string[] = [];
    const take = (entries: readonly { readonly payload: Buffer }[]): void => {
      for (const { payload } of entries) texts.push(payload.toString());
    };
    const { value } = await reader.next();
    take(value ?? []);
    await write(1, 'write', encodeGroup(6, [Buffer.from('record 6')]), await sizeOf(1));
    await segmentOf(7, [2]);
    for await (const entries of reader) take(entries);
    const last = texts.length;
    expect([5, 6]).toContain(last);
    expect(texts).toEqual(records(1, last));
    expect(await read(last)).toEqual(records(last + 1, 8));
  });

  it('is followed through many rolls by a reader who goes on from where it was', async () => {
    const journal = await openJournal({
      files,
      folder: FOLDER,
      aheadBytes: 8192,
      newId: () => JOURNAL,
      onDurable: () => {},
      onLost: () => {},
      onFatal: () => {},
    });
    let sent = 0;
    let readSoFar = 0;
    const large = 'x'.repeat(900_000);
    for (let round = 0; round < 40; round += 1) {
      const appends = Array.from({ length: 4 }, () => {
        sent += 1;
        return journal.append(Buffer.from(`${sent} ${large}`), sent);
      });
      if (round % 2 === 0) await Promise.all(appends);
      // Every other round the reader reads what stands there while a group is on its way.
      const through = round % 4 < 2 ? journal.durablePosition() : undefined;
      for await (const entries of readJournal(files, FOLDER, readSoFar, through)) {
        for (const { position, payload } of entries) {
          expect(position).toBe(readSoFar + 1);
          expect(payload.toString('latin1', 0, 8).split(' ')[0]).toBe(String(position));
          readSoFar = position;
        }
      }
      await Promise.all(appends);
      if (round === 25) expect(await journal.removeThrough(readSoFar)).toBe(1);
    }
    await journal.close();
    expect((await files.list(FOLDER)).length).toBe(2);
    for await (const entries of readJournal(files, FOLDER, readSoFar)) readSoFar = entries.at(-1)?.position ?? 0;
    expect(readSoFar).toBe(sent);
  });
});

describe('a segment of another format', () => {
  it('is told as such, and never taken for a torn one', async () => {
    await segmentOf(1, [2]);
    const header = Buffer.alloc(40);
    await (await files.open(pathOf(1), 'read')).read(header, 0);
    header.writeUInt32LE(1, 8);
    header.writeUInt32LE(crc32c(header, 0, 36), 36);
    await write(1, 'write', header, 0);
    await expect(read(0)).rejects.toMatchObject({ ...CORRUPT, message: expect.stringContaining('format 1') });
    await expect(recoverJournal(files, FOLDER)).rejects.toMatchObject(CORRUPT);
  });
});

describe('a cursor', () => {
  it('goes on where the last reading came to, through new groups and segments, and reads nothing twice', async () => {
    const cursor = journalCursor();
    const seen: number[] = [];
    const follow = async (after: number, through: number): Promise<void> => {
      for await (const entries of readJournal(files, FOLDER, after, through, cursor)) {
        seen.push(...entries.map(({ position }) => position));
      }
    };
    await threeSegments();
    await follow(0, 5);
    expect(cursor).toMatchObject({ segment: 1, position: 5 });
    await follow(5, 10);
    expect(cursor).toMatchObject({ segment: 9, position: 10 });
    // What lies before the cursor is not looked at any more, so damage there is not met.
    await flip(9, 60);
    await follow(10, 12);
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  });

  it('is of no account where a reading begins before it', async () => {
    const cursor = journalCursor();
    await threeSegments();
    for await (const _ of readJournal(files, FOLDER, 0, 10, cursor));
    const again: number[] = [];
    for await (const entries of readJournal(files, FOLDER, 8, 12, cursor))
      again.push(...entries.map((e) => e.position));
    expect(again).toEqual([9, 10, 11, 12]);
  });
});

describe('one record', () => {
  beforeEach(threeSegments);

  it('is read where it lies', async () => {
    for await (const entries of readJournal(files, FOLDER, 5)) {
      for (const { position, segment, offset } of entries) {
        expect((await readRecord(files, FOLDER, { segment, offset }))?.toString()).toBe(`record ${position}`);
      }
    }
  });

  it('is not there where its segment is gone, or goes while it is looked for', async () => {
    const place = { segment: 6, offset: 64 };
    // The list is from before the removal.
    const listed = await files.list(FOLDER);
    await files.remove(pathOf(6));
    expect(await readRecord(files, FOLDER, place)).toBeUndefined();
    expect(await readRecord({ ...files, list: async () => listed }, FOLDER, place)).toBeUndefined();
  });

  it('throws what else the disk says', async () => {
    const open = async () => {
      throw Object.assign(new Error('EIO'), { code: 'EIO' });
    };
    await expect(readRecord({ ...files, open }, FOLDER, { segment: 6, offset: 64 })).rejects.toThrow('EIO');
  });
});
