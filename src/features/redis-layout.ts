import { hash128 } from '../base/hash128.ts';
import { ENTITY_KINDS, type EntityKind } from '../domain/entity-keys.ts';
import type { FeatureSet } from './feature-set.ts';

/*
 * What a Redis holds for one feature set, all under `sn:<set version>:`
 *
 *   epoch            the number of the epoch that is open
 *   opening:<epoch>  JSON of its opening
 *   lock             token of who builds the next one
 *   last-epoch       the last number that a builder took
 *   <epoch>:e<id>    a payment's event      f64{K} numbers in each kind's entity (0 = none) · f64{K} tokens of
 *                    the entities (−1 = none) · f64 time · f64{N} what tiles took in · side:u8 payee key:text
 *   <epoch>:<k><id>  an entity of a kind    header event{kept}, after `head` dropped ones
 *   <epoch>:t<k><id> an entity's tiles      hash: index → newest, count, f64{8} a group, registers u8{4096}, histograms u32{800}
 *   <epoch>:l<id>    a payee's labels       f64{4} count, head, kept, newest dropped · label{kept}
 *   <epoch>:r<id>    headers below an event, for its retry, 15 minutes
 *   <epoch>:n<id>    a label's number by its request, 15 minutes
 *
 *   header = f64{8}  sequence, count, first, second, newest, newest dropped, head, kept
 *   event  = f64{}   time, identity, and what the kind's layout names
 *   label  = f64{3}  time, identity, state
 *   id     = 16 bytes, the 128-bit hash of a key: Redis holds no account and no document, but for
 *            the payee key of an event, which labels are resolved by
 *
 * Everything is little-endian. Entities never expire within an epoch: one that did would look as if
 * it had never been seen. So Redis must not evict (`maxmemory-policy noeviction`).
 */

/** What the keys of a kind of entity begin with. */
export const KIND_CODES: Readonly<Record<EntityKind, string>> = {
  payer: 'p',
  payee: 'q',
  pair: 'c',
  payer_document: 'd',
  payee_document: 'b',
  pix_key: 'k',
  device: 'v',
};

/** Numbers of an entity's header. */
export const HEADER_NUMBERS = 8;
/** Bytes of an entity's header. */
export const HEADER_BYTES = HEADER_NUMBERS * 8;
/** Bytes of a label. */
export const LABEL_BYTES = 24;
/** Bytes of the header of a list of labels. */
export const LABEL_HEADER_BYTES = 32;

/** Bytes of an event's value before its side. */
export function paymentBytes(set: FeatureSet): number {
  return (ENTITY_KINDS.length * 2 + 1 + set.own.count) * 8;
}

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
export function epochKey(prefix: Buffer, kind: string, id: Buffer | null): Buffer {
  return id === null ? EMPTY : Buffer.concat([prefix, Buffer.from(kind), id]);
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
