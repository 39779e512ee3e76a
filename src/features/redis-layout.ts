import { hash128 } from '../base/hash128.ts';
import type { FeatureSet } from './feature-set.ts';

/*
 * What a Redis holds for one feature set, all under `sn:<set version>:`
 *
 *   epoch            the number of the epoch that is open
 *   opening:<epoch>  JSON of its opening
 *   lock             token of who builds the next one
 *   last-epoch       the last number that a builder took
 *   <epoch>:e<id>    a payment's event      f64{7} side:u8 payee key:text
 *                    numbers of payer, payee, pair (0 = none) · tokens of payer and payee (−1 = none) · time · amount
 *   <epoch>:p<id>    a payer's account      header event{kept}, after `head` dropped ones
 *   <epoch>:q<id>    a payee's account      the same
 *   <epoch>:c<id><id> a pair                the same
 *   <epoch>:t<id>    a payee's tiles        hash: index → f64{5} count, sum low, sum high, max, newest
 *   <epoch>:l<id>    a payee's labels       f64{4} count, head, kept, newest dropped · event{kept}
 *   <epoch>:r<id>    headers below an event, for its retry, 15 minutes
 *   <epoch>:k<id>    a label's number by its request, 15 minutes
 *
 *   header = f64{8}  sequence, count, first, second, newest, newest dropped, head, kept
 *   event  = f64{4}  time, amount (a label: state), counterparty (−1 = none), identity
 *   id     = 16 bytes, the 128-bit hash of a key: Redis holds no account and no document, but for
 *            the payee key of an event, which labels are resolved by
 *
 * Everything is little-endian. Entities never expire within an epoch: one that did would look as if
 * it had never been seen. So Redis must not evict (`maxmemory-policy noeviction`).
 */

/** Numbers of an entity's header. */
export const HEADER_NUMBERS = 8;
/** Bytes of an entity's header. */
export const HEADER_BYTES = HEADER_NUMBERS * 8;
/** Bytes of an event. */
export const EVENT_BYTES = 32;
/** Bytes of the header of a list of labels. */
export const LABEL_HEADER_BYTES = 32;
/** Bytes of an event's value before its side. */
export const PAYMENT_BYTES = 56;

/** MED decides a contest by day 91, and its label then finds the payee by the payment. */
export const PAYMENT_TTL_MS = 92 * 86_400_000;
/** A crashed server is back and its clients have retried within this. */
export const RETRY_TTL_MS = 15 * 60_000;

/** Names of keys that do not depend on the epoch. */
export interface SharedKeys {
  readonly epoch: string;
  readonly lock: string;
  readonly lastEpoch: string;
  opening(epoch: number): string;
  /** What the keys of an epoch begin with. */
  epochPrefix(epoch: number): string;
  /** What every key of the set begins with. */
  readonly prefix: string;
}

/** The keys of a set: two sets keep different events, so they share nothing. */
export function sharedKeys(set: FeatureSet): SharedKeys {
  const prefix = `sn:${set.version}:`;
  return {
    prefix,
    epoch: `${prefix}epoch`,
    lock: `${prefix}lock`,
    lastEpoch: `${prefix}last-epoch`,
    opening: (epoch) => `${prefix}opening:${epoch}`,
    epochPrefix: (epoch) => `${prefix}${epoch}:`,
  };
}

const EMPTY = Buffer.alloc(0);
const scratch = new Int32Array(4);
const scratchBytes = new Uint8Array(scratch.buffer);

/** The 16 bytes that name a key. */
export function idOf(text: string): Buffer {
  hash128(text, scratch);
  return Buffer.from(scratchBytes);
}

/** The name as 16 bytes. */
export function idOfName(name: Int32Array): Buffer {
  return Buffer.from(new Uint8Array(name.buffer, name.byteOffset, 16));
}

/** A name's token, as `token53` of the text gives it. */
export function tokenOfName(name: Int32Array): number {
  return ((name[0] as number) & 0x1fffff) * 4294967296 + ((name[1] as number) >>> 0);
}

/** A key of an epoch; empty where there is no such entity, and the script passes over it. */
export function epochKey(prefix: Buffer, kind: string, id: Buffer | null, second: Buffer | null = EMPTY): Buffer {
  if (id === null || second === null) return EMPTY;
  return Buffer.concat([prefix, Buffer.from(kind), id, second]);
}

/** Doubles as bytes. */
export function packed(...numbers: number[]): Buffer {
  return Buffer.from(Float64Array.from(numbers).buffer);
}

/** Doubles from bytes at any offset; `target` is filled from its start. */
export function unpackInto(bytes: Uint8Array, target: Float64Array): number {
  new Uint8Array(target.buffer, target.byteOffset, bytes.length).set(bytes);
  return bytes.length / 8;
}
