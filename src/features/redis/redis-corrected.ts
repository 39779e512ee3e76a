import {
  ENTITY_KINDS,
  type EntityKind,
  type EntityNumber,
  type EntityNumbers,
  NO_NUMBERS,
} from '../../domain/entity-keys.ts';
import type { CorrectionObservation } from '../online-store.ts';
import { CORRECTED } from './redis-correction-script.ts';
import { packed } from './redis-layout.ts';
import type { TakenNumbers } from './redis-pending-correction.ts';

/** What became of a correction that Redis took. */
export type MadeCorrection = Omit<CorrectionObservation, 'mark'> & { readonly revision: number };

const NOTHING: MadeCorrection = { isApplied: false, retracted: NO_NUMBERS, replaced: NO_NUMBERS, revision: 0 };

/** Reads what the correction script keeps of a correction; null where it was given up. @param epoch of its numbers. */
export function madeCorrection(kept: Buffer, epoch: number): MadeCorrection | null {
  const outcome = kept.toString('latin1', 0, 1);
  if (outcome === CORRECTED.void) return null;
  if (outcome === CORRECTED.unknown) return NOTHING;
  const numbersAt = (start: number): EntityNumbers => {
    const numbers: Record<EntityKind, EntityNumber | null> = { ...NO_NUMBERS };
    for (const [at, kind] of ENTITY_KINDS.entries()) {
      const seq = kept.readDoubleLE(start + at * 8);
      if (seq > 0) numbers[kind] = { epoch, seq };
    }
    return numbers;
  };
  return {
    isApplied: true,
    retracted: numbersAt(9),
    replaced: numbersAt(9 + ENTITY_KINDS.length * 8),
    revision: kept.readDoubleLE(1),
  };
}

/** What is kept of a correction that was made, as the correction script writes it. @param revision rows of corrections before it. */
export function madeBytes(revision: number, { retracted, replaced }: TakenNumbers): Buffer {
  return Buffer.concat([Buffer.from(CORRECTED.made), packed(revision, ...retracted, ...replaced)]);
}
