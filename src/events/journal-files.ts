/** What the journal asks of a disk. Adapters: `local-journal-files.ts`, `memory-journal-files.ts`. */
export interface JournalFiles {
  /** Makes a folder and its parents; durable when it returns. */
  makeFolder(folder: string): Promise<void>;
  /** Names of the files in a folder, sorted; none where there is no folder. */
  list(folder: string): Promise<string[]>;
  /** Opens a file; `create` fails where it exists, `write` and `read` where it does not. */
  open(path: string, mode: 'create' | 'write' | 'read'): Promise<JournalFile>;
  /** Removes a file. */
  remove(path: string): Promise<void>;
  /** Makes the entries of a folder durable. */
  syncFolder(folder: string): Promise<void>;
}

/** One open file. Errors are thrown as the system gives them, with `code`. */
export interface JournalFile {
  sizeBytes(): Promise<number>;
  /** Writes all bytes at an offset, or throws; they are on the disk when it returns. */
  write(bytes: Uint8Array, offset: number): Promise<void>;
  /** Fills the buffer from an offset; gives how much there was. */
  read(buffer: Uint8Array, offset: number): Promise<number>;
  /** The file's size is on the disk when it returns, after {@link truncate}. */
  sync(): Promise<void>;
  truncate(sizeBytes: number): Promise<void>;
  close(): Promise<void>;
}
