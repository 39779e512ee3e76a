import { appendFileSync, closeSync, openSync, readSync, writeFileSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';

const PIECE_BYTES = 1 << 20;

/** The lines of a text file, read as they are asked for; empty ones are left out. */
export function* linesOf(path: string): Generator<string> {
  const file = openSync(path, 'r');
  try {
    const piece = Buffer.alloc(PIECE_BYTES);
    const decoder = new StringDecoder('utf8');
    let rest = '';
    for (let size = readSync(file, piece); size > 0; size = readSync(file, piece)) {
      const lines = (rest + decoder.write(piece.subarray(0, size))).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line !== '') yield line;
    }
    if (rest !== '') yield rest;
  } finally {
    closeSync(file);
  }
}

/** Writes lines into a file. */
export interface LineWriter {
  write(line: string): void;
  /** Brings the last lines into the file. */
  end(): void;
}

/** Starts an empty file of lines; a megabyte of them waits in memory. */
export function lineWriter(path: string): LineWriter {
  writeFileSync(path, '');
  let lines: string[] = [];
  let length = 0;
  const end = (): void => {
    if (lines.length > 0) appendFileSync(path, `${lines.join('\n')}\n`);
    lines = [];
    length = 0;
  };
  return {
    write(line) {
      lines.push(line);
      length += line.length;
      if (length > PIECE_BYTES) end();
    },
    end,
  };
}
