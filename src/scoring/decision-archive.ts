import type { Side } from '../domain/payment.ts';
import type { StoredDecision } from './scoring-port.ts';

/** Decisions that no journal holds any more: the lake, through a port that `cli/compose.ts` wires. */
export interface DecisionArchive {
  /** The decision of a payment's side; undefined where there is none. */
  find(endToEndId: string, side: Side): Promise<StoredDecision | undefined>;
}
