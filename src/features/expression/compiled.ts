import { assert } from '../../base/assert.ts';
import { FEATURE_STATUS } from '../feature-status.ts';

/** Gives the status of a value that is missing; it is asked only then. */
export type ReadStatus = () => number;

/** A compiled part whose value is a number: NaN where it is null, never an infinity. Booleans are 1 or 0. */
export interface CompiledNumber {
  readonly kind: 'number';
  readonly read: () => number;
  readonly status: ReadStatus;
}

/** A compiled part whose value is a text. */
export interface CompiledText {
  readonly kind: 'text';
  readonly read: () => string | null;
  readonly status: ReadStatus;
}

/** A compiled part of an expression. */
export type Compiled = CompiledNumber | CompiledText;

/** A part whose value is a number. */
export function number(read: () => number, status: ReadStatus): CompiledNumber {
  return { kind: 'number', read, status };
}

/** The status of what is missing for no operand's sake. */
export const NULL_STATUS: ReadStatus = () => FEATURE_STATUS.null;

/** The status of the first part, in written order, that has no value; `null` where all have one. */
export function statusOfFirst(parts: readonly Compiled[]): ReadStatus {
  if (parts.every(({ status }) => status === NULL_STATUS)) return NULL_STATUS;
  return () => {
    for (let at = 0; at < parts.length; at += 1) {
      const part = parts[at] as Compiled;
      if (isMissing(part)) return part.status();
    }
    return FEATURE_STATUS.null;
  };
}

/** Whether a part has no value now. */
export function isMissing(part: Compiled): boolean {
  return part.kind === 'text' ? part.read() === null : Number.isNaN(part.read());
}

/** What reads part number `at`; the types were checked. */
export function numberAt(parts: readonly Compiled[], at: number): () => number {
  const part = parts[at];
  assert(part?.kind === 'number', 'the checker gives numbers where numbers are computed with');
  return part.read;
}

/** What reads part number `at`, a text. */
export function textAt(parts: readonly Compiled[], at: number): () => string | null {
  const part = parts[at];
  assert(part?.kind === 'text', 'the checker gives texts where texts are compared');
  return part.read;
}
