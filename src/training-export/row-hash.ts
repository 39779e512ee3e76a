import { hash } from 'node:crypto';

/**
 * What rows are drawn and grouped by: the first 48 bits of the SHA-256 of a text, so that anybody
 * can compute it, in SQL or Python too, and it is the same in every export.
 */
export function hash48(text: string): number {
  return Number.parseInt(hash('sha256', text, 'hex').slice(0, 12), 16);
}

/** {@link hash48} as a share in [0, 1). */
export function hashShare(text: string): number {
  return hash48(text) / 2 ** 48;
}
