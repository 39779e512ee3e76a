import { byKind, ENTITY_KINDS, type EntityKind } from '../domain/entity-keys.ts';
import { type NumberColumns, numberColumns, type ReplayReads } from '../features/replay/replay-input.ts';
import type { SilverSource } from './silver-source.ts';

/**
 * What each row could see when it was scored: what its decision saw; an imported row, and one whose
 * decision was lost, all that lay below its own number (a second side: up to the number that the
 * import gave it).
 *
 * @param rows rows of the payments, in the order in which they are to be read.
 */
export function readsOf(source: SilverSource, rows: Int32Array): ReplayReads {
  const saw: Record<EntityKind, NumberColumns> = byKind(() => numberColumns(rows.length));
  const { payments, decisions, decisionOf } = source;
  for (const kind of ENTITY_KINDS) {
    const decided = decisions.entityNumbers(kind);
    const own = payments.numbers[kind];
    const { epochs, seqs } = saw[kind];
    for (let at = 0; at < rows.length; at += 1) {
      const row = rows[at] as number;
      const decision = decisionOf[row] as number;
      if (decision >= 0) {
        epochs[at] = decided.epochs[decision] as number;
        seqs[at] = decided.seqs[decision] as number;
      } else {
        epochs[at] = own.epochs[row] as number;
        seqs[at] = (own.seqs[row] as number) - (payments.isEvent[row] as number);
      }
    }
  }
  return { rows, saw };
}
