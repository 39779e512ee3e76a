import { beforeEach, describe, expect, it } from 'vitest';
import { type Journal, openJournal } from '../../../src/events/journal.ts';
import type { JournalFile } from '../../../src/events/journal-files.ts';
import { type ForgetfulFiles, forgetfulFiles } from '../../../src/events/memory-journal-files.ts';

const FOLDER = '/journal/one';
const AHEAD_BYTES = 4096;
const NOT_DURABLE = { code: 'not_durable' };

let files: ForgetfulFiles;
/** What the owner of the journal was told. */
let told: string[];

beforeEach(() => {
  files = forgetfulFiles();
  told = [];
});

/** @param fileOf what a file is opened as. */
function opened(fileOf = (file: JournalFile): JournalFile => file): Promise<Journal> {
  return openJournal({
    files: { ...files, open: async (path, mode) => fileOf(await files.open(path, mode)) },
    folder: FOLDER,
    aheadBytes: AHEAD_BYTES,
    newId: () => '11111111-2222-4333-8444-555555555555',
    onDurable: (mark) => told.push(`durable ${mark}`),
    onLost: () => told.push('lost'),
    onFatal: (error) => told.push(error.message),
  });
}

const eio = (): never => {
  throw Object.assign(new Error('EIO'), { code: 'EIO' });
};

describe('a disk that fails while something is made durable ends the journal', () => {
  it('at a new segment’s entry in the folder', async () => {
    const journal = await opened();
    files.failSyncs('EIO');
    await expect(journal.append(Buffer.from('one'), 1)).rejects.toMatchObject(NOT_DURABLE);
    files.failSyncs(undefined);
    // A second sync that succeeds says nothing of what the first one lost.
    await expect(journal.append(Buffer.from('two'), 1)).rejects.toMatchObject(NOT_DURABLE);
    expect(told).toEqual(['lost', expect.stringMatching(/folder failed: EIO/)]);
    await journal.close();
  });

  it('where a group that had no room is cut', async () => {
    const journal = await opened();
    await journal.append(Buffer.from('one'), 1);
    files.failWrites('ENOSPC');
    files.failSyncs('EIO');
    await expect(journal.append(Buffer.from('two'), 2)).rejects.toMatchObject(NOT_DURABLE);
    expect(told).toEqual(['durable 1', 'lost', expect.stringMatching(/syncing the journal failed: EIO/)]);
    await journal.close();
  });

  it('where segments are removed', async () => {
    const journal = await opened();
    await journal.append(Buffer.from('one'), 1);
    await journal.close();
    const segment = await files.open(`${FOLDER}/0000000000000002.journal`, 'create');
    await segment.close();
    files.failSyncs('EIO');
    await expect(journal.removeThrough(1)).rejects.toThrow('EIO');
    expect(told).toEqual(['durable 1', expect.stringMatching(/folder failed: EIO/)]);
  });

  it('under zeros that are written ahead: the group beside them is not answered', async () => {
    const isAhead = (bytes: Uint8Array): boolean => bytes.length === AHEAD_BYTES && bytes.every((byte) => byte === 0);
    const journal = await opened((file) => ({
      ...file,
      async write(bytes, offset) {
        if (!isAhead(bytes)) return await file.write(bytes, offset);
        await new Promise((resolve) => setImmediate(resolve));
        eio();
      },
    }));
    await journal.append(Buffer.from('one'), 1);
    await expect(journal.append(Buffer.from('two'), 2)).rejects.toMatchObject(NOT_DURABLE);
    expect(told).toEqual(['durable 1', expect.stringMatching(/ahead of the journal failed: EIO/), 'lost']);
    await journal.close();
  });
});

it('a disk without room for zeros ahead, or for a group, is no end: what has room again is durable', async () => {
  const journal = await opened((file) => ({
    ...file,
    write: (bytes, offset) =>
      bytes.length === AHEAD_BYTES
        ? Promise.reject(Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' }))
        : file.write(bytes, offset),
  }));
  await journal.append(Buffer.from('one'), 1);
  files.failWrites('ENOSPC');
  await expect(journal.append(Buffer.from('two'), 2)).rejects.toMatchObject({ code: 'disk_full' });
  files.failWrites(undefined);
  await journal.append(Buffer.from('two'), 2);
  expect(told).toEqual(['durable 1', 'lost', 'durable 2']);
  await journal.close();
});
