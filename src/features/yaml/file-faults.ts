import type { LineCounter } from 'yaml';
import { AppError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';

/** One thing that is wrong with a file of definitions; line and column count from 1. */
export interface FileFault {
  readonly line: number;
  readonly column: number;
  readonly problem: string;
}

/** A file of definitions that is not taken: `feature_invalid`. Every fault has a line of the message, up to a limit. */
export class DefinitionFileError extends AppError {
  /** All of them, in the order of the file. */
  readonly faults: readonly FileFault[];

  constructor(file: string, faults: readonly FileFault[]) {
    const told = faults
      .slice(0, LIMITS.definitionFileFaults)
      .map(({ line, column, problem }) => `${file}:${line}:${column}: ${problem}`);
    const more = faults.length - told.length;
    const lines = more > 0 ? [...told, `${file}: and ${more} more`] : told;
    const head = faults.length === 1 ? '' : `${file} has ${faults.length} faults, so nothing of it is taken:\n`;
    const [first] = faults;
    const place = first === undefined ? {} : { line: first.line, column: first.column };
    super('feature_invalid', head + lines.join('\n'), { file, faults: faults.length, ...place });
    this.faults = faults;
  }
}

/** Collects what is wrong with one file. The same at one place counts once, however often aliases lead there. */
export class FileFaults {
  readonly #lines: LineCounter;
  readonly #faults = new Map<string, { readonly offset: number; readonly problem: string }>();

  constructor(lines: LineCounter) {
    this.#lines = lines;
  }

  /** How many there are so far. */
  get count(): number {
    return this.#faults.size;
  }

  /** @param offset of the place, UTF-16 units from 0. */
  add(offset: number, problem: string): void {
    this.#faults.set(`${offset}:${problem}`, { offset, problem });
  }

  /** The line of a place, from 1. */
  lineOf(offset: number): number {
    return this.#lines.linePos(offset).line;
  }

  /** @throws DefinitionFileError where there are any. */
  check(file: string): void {
    if (this.#faults.size === 0) return;
    const inOrder = [...this.#faults.values()].sort((a, b) => a.offset - b.offset);
    const faults = inOrder.map(({ offset, problem }) => {
      const { line, col } = this.#lines.linePos(offset);
      return { line: Math.max(1, line), column: Math.max(1, col), problem };
    });
    throw new DefinitionFileError(file, faults);
  }
}
