import { numberColumns, type ReadSequence } from '../features/replay/replay-input.ts';
import type { SilverSource } from './silver-source.ts';

/**
 * What each row could see when it was scored: what its decision saw; an imported row, and one whose
 * decision was lost, all that lay below its own number (a second side: up to the number that the
 * import gave it).
 *
 * @param rows rows of the payments, in the order in which they are to be read.
 */
export function readsOf(source: SilverSource, rows: Int32Array): ReadSequence {
  const { payments, decisions, decisionOf } = source;
  return {
    rows,
    saw(kind, from, to) {
      const decided = decisions.entityNumbers(kind);
      const own = payments.numbers[kind];
      const saw = numberColumns(to - from);
      for (let at = 0; at < to - from; at += 1) {
        const row = rows[from + at] as number;
        const decision = decisionOf[row] as number;
        if (decision >= 0) {
          saw.epochs[at] = decided.epochs[decision] as number;
          saw.seqs[at] = decided.seqs[decision] as number;
        } else {
          saw.epochs[at] = own.epochs[row] as number;
          saw.seqs[at] = (own.seqs[row] as number) - (payments.isEvent[row] as number);
        }
      }
      return saw;
    },
  };
}
