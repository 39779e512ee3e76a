import { chmodSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { localSpill, localSpillRoom } from '../../../../src/features/spill/local-spill.ts';
import { MEMORY_SPILL, memorySpillRoom } from '../../../../src/features/spill/memory-spill.ts';
import type { SpillHandle, SpillPlace, SpillRoom } from '../../../../src/features/spill/spill-place.ts';

const folder = mkdtempSync(join(tmpdir(), 'sentinela-rooms-'));
afterAll(() => rmSync(folder, { recursive: true }));

const PLACES: readonly (readonly [string, SpillPlace])[] = [
  ['memory', MEMORY_SPILL],
  ['a folder', localSpill(folder)],
  ['a folder that is not there yet', localSpill(join(folder, 'new', 'one'))],
];

/** As a thread that was sent the handle knows the room. */
function roomOf(handle: SpillHandle): SpillRoom {
  return handle.kind === 'file' ? localSpillRoom(handle.file, handle.folder) : memorySpillRoom(handle.bytes);
}

describe.each(PLACES)('a room in %s', (_, place) => {
  it('gives back what was written, in any order, by who knows its handle', () => {
    const room = place.open(3000);
    const other = roomOf(room.handle);
    const bytes = (seed: number): Uint8Array => Uint8Array.from({ length: 1000 }, (__, at) => (at * seed) % 251);
    room.write(bytes(3), 2000);
    other.write(bytes(5), 0);
    room.write(bytes(7), 1000);
    for (const [seed, offset] of [
      [5, 0],
      [7, 1000],
      [3, 2000],
    ] as const) {
      const read = new Uint8Array(1000);
      (offset === 1000 ? other : room).read(read, offset);
      expect(read).toEqual(bytes(seed));
    }
    room.close();
  });
});

describe('a room in a folder', () => {
  it('has no name there, so that nothing is left however the process ends', () => {
    const empty = join(folder, 'empty');
    const room = localSpill(empty).open(100);
    room.write(new Uint8Array(100), 0);
    expect(readdirSync(empty)).toEqual([]);
    room.close();
  });

  it('is refused before the work where the disk has no room for it', () => {
    expect(() => localSpill(folder).open(1e17)).toThrow(
      expect.objectContaining({
        code: 'disk_full',
        message: expect.stringMatching(
          /need 100000000\.0 GB on disk, and .* free: name another folder with --spill-dir/,
        ),
      }),
    );
  });

  it('says that the disk is full where it is so in the midst', () => {
    // Linux has a device that is always full.
    const room = localSpillRoom(openSync('/dev/full', 'r+'), '/small');
    expect(() => room.write(new Uint8Array(10), 0)).toThrow(
      expect.objectContaining({ code: 'disk_full', message: expect.stringContaining('the disk of /small is full') }),
    );
    room.close();
  });

  it('says so where a file is shorter than what was written', () => {
    const room = localSpill(folder).open(100);
    room.write(new Uint8Array(10), 0);
    expect(() => room.read(new Uint8Array(20), 0)).toThrow(expect.objectContaining({ code: 'storage_failed' }));
    room.close();
  });

  it('names the folder that cannot be written', () => {
    const file = join(folder, 'closed');
    mkdirSync(file);
    chmodSync(file, 0o500);
    // Whom permissions do not bind (root) meets a folder below a device instead.
    const closed = process.getuid?.() === 0 ? '/dev/null/below' : file;
    expect(() => localSpill(closed).open(1)).toThrow(
      expect.objectContaining({ code: 'storage_failed', message: expect.stringContaining(closed) }),
    );
  });
});
