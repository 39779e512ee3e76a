import type { SpillPlace, SpillRoom } from './spill-place.ts';

/** Rooms in memory that threads share: for what is not large, and for tests. */
export const MEMORY_SPILL: SpillPlace = {
  open: (sizeBytes) => memorySpillRoom(new Uint8Array(new SharedArrayBuffer(sizeBytes))),
};

/** The room that lies in shared memory. */
export function memorySpillRoom(room: Uint8Array): SpillRoom {
  return {
    handle: { kind: 'memory', bytes: room },
    write: (bytes, offset) => room.set(bytes, offset),
    read: (bytes, offset) => bytes.set(room.subarray(offset, offset + bytes.length)),
    close() {},
  };
}
