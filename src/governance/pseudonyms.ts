import { createHmac } from 'node:crypto';
import { boundedMemo } from '../base/bounded-memo.ts';
import { LIMITS } from '../base/limits.ts';

/** Names for ids that say nothing of them without the key, and are the same wherever the id stands. */
export interface Pseudonyms {
  /** Names the key without telling it, so that two exports can be seen to join. */
  readonly keyId: string;
  /** @param kind what the id is: ids of two kinds never meet. */
  of(kind: string, id: string): string;
}

/** Length of a key: that of the sum. */
export const PSEUDONYM_KEY_BYTES = 32;

/** Hex digits of a pseudonym: 128 bits, so that two of 10^9 ids meet once in 10^20 lakes. */
const DIGITS = 32;

/**
 * Pseudonyms by HMAC-SHA-256 of the kind and the id. An id has little room (there are 10^9 CPFs), so
 * without a key a hash of it is undone by trying all of them; whoever has the key can do that.
 *
 * @param key {@link PSEUDONYM_KEY_BYTES} bytes.
 */
export function pseudonymsOf(key: Uint8Array): Pseudonyms {
  const sum = (text: string): string => createHmac('sha256', key).update(text).digest('hex');
  // An export asks for the ids of each of its rows, and busy ones come again and again.
  const nameOf = boundedMemo(LIMITS.rememberedIds, (text) => sum(text).slice(0, DIGITS));
  return { keyId: sum('key id').slice(0, 12), of: (kind, id) => nameOf(`${kind}:${id}`) };
}
