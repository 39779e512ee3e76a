import { hash128 } from '../../base/hash128.ts';
import type { EntityKind } from '../../domain/entity-keys.ts';
import type { FeatureSet } from '../feature-set.ts';

/*
 * What a Redis holds for one feature set. Its keys lie in partitions: one in a single server, under `sn2:<set version>:`;
 * PARTITIONS in a Cluster, each under `sn2:<set version>:{<partition>}:`, so that a partition's keys have one slot.
 * Entities and payments have their partition by their id.
 *
 *   epoch            in every partition: the number of the epoch whose keys scripts may touch there
 *   open             in partition 0: the number of the epoch that is open
 *   opening:<epoch>  in partition 0: JSON of its opening
 *   lock             in partition 0: token of who builds the next one, for as long as others have to wait
 *   builder          in every partition: token of who builds there; in partition 0 it goes with the opening of the epoch
 *   last-epoch       in partition 0: the last number that a builder took
 *   <epoch>:e<id>    a payment's event      side:u8 count:u8 f64{count} its first event's numbers · kinds:u8 a bit each ·
 *                    id{} of its entities · f64 rows of corrections so far · f64 time · f64{N} what tiles took in ·
 *                    payee key:text; count 255 = in the epoch's base; no kinds = it was retracted; a small letter as its
 *                    side = a correction of it is under way
 *   <epoch>:m<id>    in a Cluster, in each partition of entities that it has or had: side:u8 count:u8 f64{count} its first
 *                    event's numbers there; where it was corrected then f64 rows of corrections by then · f64{} numbers that
 *                    the last of them took there; 24 hours, where it was corrected as long as the payment
 *   <epoch>:w<id>    in a Cluster, beside e: its correction that is under way (redis-pending-correction.ts)
 *   <epoch>:<k><id>  an entity of a kind    header event{kept}, after `head` dropped ones
 *   <epoch>:t<k><id> an entity's tiles      hash: index → newest, count, f64{8} a group, registers u8{4096}, histograms u32{800}
 *   <epoch>:l<id>    a payee's labels       f64{4} count, head, kept, newest dropped · label{kept}
 *   <epoch>:r<id>    beside e or m: headers below the event, and of labels where they are read; for its retry, 15 minutes
 *   <epoch>:a<id>    beside e of its payment: a label's payee key:text by its request, 24 hours
 *   <epoch>:n<id>    in the payee's partition: a label's number by its request, 24 hours
 *   <epoch>:c<id>    what became of a correction by its request, 24 hours; in a Cluster beside e
 *
 * Beside the sets, `sn2:sets` is a hash: a set's version → when a server last said that it serves it, in milliseconds.
 *
 *   header = f64{8}  sequence, count, first, second, newest, newest dropped, head, kept
 *   event  = f64{}   time, identity, and what the kind's layout names
 *   label  = f64{3}  time, identity, state
 *   id     = 16 bytes, the 128-bit hash of a key: Redis holds no account and no document, but for
 *            the payee key of an event, and of a label for a day, which labels are resolved by
 *
 * Numbers of an event are in the order of ENTITY_KINDS, of those that it has there. Everything is little-endian. Entities
 * never expire within an epoch: one that did would look as if it had never been seen. So Redis must not evict
 * (`maxmemory-policy noeviction`).
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

/** Bytes of a payment's value before its numbers: side and count. */
export const VALUE_HEADER_BYTES = 2;
/** Count of numbers of a payment that is in the epoch's base, and has none in the epoch. */
export const IN_BASE = 255;

/** Bytes of an entity's id. */
export const ID_BYTES = 16;

/** Bytes of a payment's value between the ids of its entities and the payee's key. */
export function tailBytes(set: FeatureSet): number {
  return (2 + set.own.count) * 8;
}

/** MED decides a contest by day 91, and its label then finds the payee by the payment. */
export const PAYMENT_TTL_MS = 92 * 86_400_000;
/** A crashed server is back and its clients have retried within this. */
export const RETRY_TTL_MS = 15 * 60_000;
/** An append of unknown outcome is repeated within this, or never: a server that crashed is back in a day. */
export const MARKER_TTL_MS = 86_400_000;

/**
 * Partitions of a set in a Cluster. Each is the hash tag that lies in its own 64 slots, so nodes with equal slots have equal
 * partitions; 256 nodes are more than anybody has, and looking at every partition's epoch, as joining does, takes 5 ms.
 */
const PARTITIONS = 256;
const SLOTS = 16_384;

/** The hash of the sets that are served. */
export const SERVED_SETS = 'sn2:sets';

/** Names of keys that do not depend on the epoch. `sn:` was of values that said nothing of a payment's entities but their tokens. */
export interface SetKeys {
  readonly partitions: number;
  readonly open: string;
  readonly lock: string;
  readonly lastEpoch: string;
  opening(epoch: number): string;
  /** A partition's key `epoch`. */
  marker(partition: number): string;
  /** A partition's key `builder`. */
  builder(partition: number): string;
  /** What the keys of an epoch begin with in a partition. */
  epochPrefix(partition: number, epoch: number): string;
  /** What every key of the set begins with. */
  readonly prefix: string;
}

/** The keys of a set: two sets keep different events, so they share nothing. */
export function setKeys(set: Pick<FeatureSet, 'version'>, isCluster: boolean): SetKeys {
  const prefix = `sn2:${set.version}:`;
  const tags = isCluster ? partitionTags() : [];
  const of = (partition: number): string => (isCluster ? `${prefix}{${tags[partition]}}:` : prefix);
  return {
    partitions: isCluster ? PARTITIONS : 1,
    prefix,
    open: `${of(0)}open`,
    lock: `${of(0)}lock`,
    lastEpoch: `${of(0)}last-epoch`,
    opening: (epoch) => `${of(0)}opening:${epoch}`,
    marker: (partition) => `${of(partition)}epoch`,
    builder: (partition) => `${of(partition)}builder`,
    epochPrefix: (partition, epoch) => `${of(partition)}${epoch}:`,
  };
}

/** The hash tag of each partition: the first number whose slot is one of the partition's. */
function partitionTags(): string[] {
  const tags: string[] = [];
  for (let number = 0, found = 0; found < PARTITIONS; number += 1) {
    const partition = Math.floor((crc16(String(number)) % SLOTS) / (SLOTS / PARTITIONS));
    if (tags[partition] !== undefined) continue;
    tags[partition] = String(number);
    found += 1;
  }
  return tags;
}

/** CRC-16 of ASCII digits as Redis Cluster takes it for slots (XMODEM: polynomial 0x1021, from 0). */
function crc16(text: string): number {
  let crc = 0;
  for (let at = 0; at < text.length; at += 1) {
    crc ^= text.charCodeAt(at) << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
  }
  return crc;
}

/** The epoch that a key belongs to; NaN for keys of no epoch. */
export function epochOfKey(key: Buffer, { prefix }: SetKeys): number {
  const match = /^(?:\{\d+\}:)?(?:opening:)?(\d+)(?::|$)/.exec(key.toString('latin1', prefix.length));
  return match === null ? Number.NaN : Number(match[1]);
}

/** The keys of an epoch. */
export interface EpochKeys {
  readonly epoch: number;
  readonly set: SetKeys;
  /** By partition: its key `epoch`, and what the epoch's keys begin with. */
  readonly markers: readonly Buffer[];
  readonly prefixes: readonly Buffer[];
}

/** The keys of an epoch of a set. */
export function epochKeys(set: SetKeys, epoch: number): EpochKeys {
  const bytes = (name: (partition: number) => string): Buffer[] =>
    Array.from({ length: set.partitions }, (_, partition) => Buffer.from(name(partition)));
  return {
    epoch,
    set,
    markers: bytes((partition) => set.marker(partition)),
    prefixes: bytes((partition) => set.epochPrefix(partition, epoch)),
  };
}

/** The partition of a name of 16 bytes, four words of `names` from `at`. */
export function partitionOf(names: Int32Array, at: number, partitions: number): number {
  return ((names[at] as number) >>> 0) % partitions;
}

const scratch = new Int32Array(4);

/** The four words that name a text. */
export function nameOf(text: string): Int32Array {
  hash128(text, scratch);
  return scratch.slice();
}

/** A name's token, as `token53` of the text gives it. */
export function tokenOfName(names: Int32Array, at = 0): number {
  return ((names[at] as number) & 0x1fffff) * 4294967296 + ((names[at + 1] as number) >>> 0);
}

/** A key of an epoch. @param name its four words. */
export function epochKey({ prefixes }: EpochKeys, partition: number, kind: string, name: Int32Array): Buffer {
  const id = new Uint8Array(name.buffer, name.byteOffset, ID_BYTES);
  return Buffer.concat([prefixes[partition] as Buffer, Buffer.from(kind), id]);
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
