import { styleText } from 'node:util';

/** Writes results and notes: results to stdout, everything else to stderr, colours only on a terminal. */
export interface Terminal {
  /** Whether results are to be JSON, one value a line. */
  readonly json: boolean;
  /** A line of the result, for people; nothing with `--json`. */
  line(text: string): void;
  /** A result, as one line of JSON; only with `--json`. */
  value(value: unknown): void;
  /** Text of the result in either mode, as it is. */
  raw(text: string | Uint8Array): Promise<void>;
  /** A note on stderr. */
  note(text: string): void;
  /** An error on stderr. */
  error(text: string): void;
  bold(text: string): string;
}

/** @param json whether `--json` was given. */
export function systemTerminal(json: boolean): Terminal {
  const colours = process.stdout.isTTY === true && process.env.NO_COLOR === undefined;
  const errorColours = process.stderr.isTTY === true && process.env.NO_COLOR === undefined;
  return {
    json,
    line(text) {
      if (!json) process.stdout.write(`${text}\n`);
    },
    value(value) {
      if (json) process.stdout.write(`${JSON.stringify(value)}\n`);
    },
    raw: (text) =>
      new Promise((resolve, reject) => {
        // Waits for a slow reader, so that a large table does not pile up in memory.
        process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
      }),
    note: (text) => void process.stderr.write(`${text}\n`),
    error: (text) => void process.stderr.write(`${errorColours ? styleText('red', text) : text}\n`),
    bold: (text) => (colours ? styleText('bold', text) : text),
  };
}

/** Columns of text, the first line as a head. */
export function tableLines(rows: readonly (readonly (string | number)[])[]): string[] {
  const texts = rows.map((row) => row.map((cell) => (typeof cell === 'number' ? cell.toLocaleString('en-US') : cell)));
  const widths = (texts[0] ?? []).map((_, column) => Math.max(...texts.map((row) => (row[column] ?? '').length)));
  return texts.map((row, at) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return typeof rows[at]?.[column] === 'number' ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd(),
  );
}
