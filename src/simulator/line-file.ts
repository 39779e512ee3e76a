import { closeSync, fsyncSync, openSync, realpathSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { systemErrorCode } from '../base/errors.ts';

/** A file of lines that takes its place when it is whole. It is readable by its owner only. */
export interface LineFile {
  write(line: string): void;
  /** Bytes so far, those that are still in memory aside. */
  bytes(): number;
  /** Writes what is left. Nothing may be written after it. */
  finish(): void;
  /** Has the finished file take its place. */
  place(): void;
  /** Removes it, unless it has its place. */
  discard(): void;
}

/** Bytes are written in pieces of about this size; a line is far smaller. */
const PIECE = 1024 * 1024;

/**
 * Opens a file under a name of its own beside its place; what a killed process left there goes. A place that is no plain
 * file (a pipe, `/dev/stdout`) is written to straight: nothing can take the place of one.
 */
export function lineFile(path: string): LineFile {
  const found = plainPath(path);
  const written = found === null ? path : `${found}.writing`;
  if (found !== null) rmSync(written, { force: true });
  const file = openSync(written, found === null ? 'w' : 'wx', 0o600);
  const buffer = Buffer.allocUnsafe(2 * PIECE);
  let used = 0;
  let bytes = 0;
  let [isOpen, isPlaced] = [true, found === null];
  const flush = (): void => {
    for (let at = 0; at < used; ) at += writeSync(file, buffer, at, used - at);
    bytes += used;
    used = 0;
  };
  const close = (): void => {
    if (isOpen) closeSync(file);
    isOpen = false;
  };
  return {
    // Line by line into one buffer: 1 MiB of text put together first costs twice the time, in flattening and garbage.
    write(line) {
      used += buffer.write(line, used);
      buffer[used] = 10;
      used += 1;
      if (used > PIECE) flush();
    },
    bytes: () => bytes,
    finish() {
      flush();
      // A renamed file that was not on disk yet is an empty one after a power cut.
      if (found !== null) fsyncSync(file);
      close();
    },
    place() {
      if (!isPlaced && found !== null) renameSync(written, found);
      isPlaced = true;
    },
    discard() {
      close();
      if (!isPlaced) rmSync(written, { force: true });
    },
  };
}

/** Removes what is at a path, where that is a plain file. */
export function removePlain(path: string): void {
  const found = plainPath(path);
  if (found !== null) rmSync(found, { force: true });
}

/** What a process has open, such as `/dev/stdout`, which may well be a plain file. */
const OPEN_FILE = /^\/(dev\/(fd\/)?[^/]+|proc\/.+)$/;

/** Where a plain file lies, or would; null where the path is of something else. */
function plainPath(path: string): string | null {
  if (OPEN_FILE.test(resolve(path))) return null;
  try {
    return statSync(path).isFile() ? realpathSync(path) : null;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return path;
    throw error;
  }
}
