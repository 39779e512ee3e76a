/** Where values go that memory has no room for. */
export interface SpillPlace {
  /**
   * Takes a room of so many bytes.
   *
   * @throws AppError `disk_full` where there is not so much, `storage_failed` where the place cannot be written.
   */
  open(sizeBytes: number): SpillRoom;
}

/** Bytes that are written once and then read, by any thread of the process. Nothing of them is left once it is closed. */
export interface SpillRoom {
  /** By what other threads know the room; a message may carry it. */
  readonly handle: SpillHandle;
  /** @throws AppError `disk_full`, `storage_failed`. */
  write(bytes: Uint8Array, offset: number): void;
  /** Fills `bytes` with what was written there. @throws AppError `storage_failed`. */
  read(bytes: Uint8Array, offset: number): void;
  /** Gives the room back; no thread uses it any more. */
  close(): void;
}

/** A room, as a message carries it: a file by the number under which the whole process has it open, or shared memory. */
export type SpillHandle =
  | { readonly kind: 'file'; readonly file: number; readonly folder: string }
  | { readonly kind: 'memory'; readonly bytes: Uint8Array };
