import { assert } from '../../base/assert.ts';
import { FEATURE_STATUS } from '../feature-status.ts';
import { NULL_STATUS, type Part, type ReadStatus, type Registers } from './registers.ts';

/** Places of up to three operands; one that is not there has place 0, which no step then reads. */
export type Places = readonly [number, number, number];

/** Adds a step that computes a number. @param stepTo gives the step that writes to a register. */
export function numberStep(registers: Registers, status: ReadStatus, stepTo: (to: number) => () => void): Part {
  const part = registers.takeNumber(status);
  registers.steps.push(stepTo(part.at));
  return part;
}

/** The status of the first part, in written order, that has no value; `null` where all have one. */
export function statusOfFirst(parts: readonly Part[], registers: Registers): ReadStatus {
  if (parts.every(({ status }) => status === NULL_STATUS)) return NULL_STATUS;
  return () => {
    for (let at = 0; at < parts.length; at += 1) {
      const part = parts[at] as Part;
      if (registers.isMissing(part)) return part.status();
    }
    return FEATURE_STATUS.null;
  };
}

/** Where operands that are numbers lie; the types were checked. */
export function numbersOf(parts: readonly Part[]): Places {
  return placesOf(parts, 'number');
}

/** Where operands that are texts lie. */
export function textsOf(parts: readonly Part[]): Places {
  return placesOf(parts, 'text');
}

function placesOf(parts: readonly Part[], kind: Part['kind']): Places {
  for (const part of parts) assert(part.kind === kind, 'operands are of the types that were checked');
  const [a, b, c] = parts;
  return [a?.at ?? 0, b?.at ?? 0, c?.at ?? 0];
}
