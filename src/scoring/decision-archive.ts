import type { Side } from '../domain/payment.ts';
import type { StoredDecision } from './scoring-port.ts';

/** A decision that an archive gives. */
export interface ArchivedDecision extends StoredDecision {
  /** SHA-256 of the canonical form of the request that it answered: 32 bytes. */
  readonly requestSha256: Uint8Array;
}

/** Decisions that no journal holds any more: the lake, through a port that `cli/compose.ts` wires. */
export interface DecisionArchive {
  /**
   * The decision of a payment's side; undefined where there is none.
   *
   * @param requestSha256 of the request whose answer it is to be. Without it, it is the first decision under the key:
   * after the retry horizon another payment may have been scored under it.
   */
  find(endToEndId: string, side: Side, requestSha256: Uint8Array | null): Promise<ArchivedDecision | undefined>;
}
