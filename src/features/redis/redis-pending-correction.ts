import { ENTITY_KINDS } from '../../domain/entity-keys.ts';
import type { KindEvents } from '../engine/event-layout.ts';
import type { FeatureSet } from '../feature-set.ts';
import { ID_BYTES, IN_BASE, packed, tailBytes, VALUE_HEADER_BYTES } from './redis-layout.ts';
import { type PaymentNames, partsOf } from './redis-request.ts';

/*
 * A correction that is under way in a Cluster, as its payment's home partition keeps it: all that it takes to make it, so
 * that whoever finds it can go on with it.
 *
 *   pending = request:id · length:u32 value{length} of the payment as it was · becomes
 *   becomes = length:u32 tail{length} of the payment's value as it is from here on, nothing where it is retracted ·
 *             event{} of each of its kinds
 */

const KINDS = ENTITY_KINDS.length;

/** A correction that is under way. */
export interface PendingCorrection {
  /** The 16 bytes that name its request. */
  readonly request: Buffer;
  /** The first byte of the payment's value. */
  readonly side: string;
  /** Rows of corrections of the payment before this one, and with it. */
  readonly revision: number;
  readonly after: number;
  /** When the event was that is retracted. */
  readonly time: number;
  /** The payment's entities as they were, and as they will be. */
  readonly was: PaymentNames;
  readonly becomes: PaymentNames;
  /** The new event of each kind of `becomes`; nothing elsewhere. */
  readonly events: readonly Buffer[];
  /** The payment's value after its numbers, from here on. */
  readonly tail: Buffer;
}

/** What a correction does in a partition. */
export interface CorrectedPart {
  readonly partition: number;
  /** Places of the kinds whose entity the event is taken out of, and of those whose entity takes the new one. */
  readonly retracts: readonly number[];
  readonly appends: readonly number[];
}

/** Numbers that a correction took so far, by place of the kind; 0 is none. */
export interface TakenNumbers {
  readonly retracted: Float64Array;
  readonly replaced: Float64Array;
}

/** What is known of a correction that was begun. Kept while it goes on: a node that dies takes its own part of it along. */
export interface CorrectionUnderWay {
  readonly pending: PendingCorrection;
  /** For how many milliseconds its home kept it yet when it was read. */
  readonly leftMs: number;
  readonly taken: TakenNumbers;
}

/** Where what is known of a correction is noted while it is on its way. */
export interface CorrectionProgress {
  /** Null until a Cluster has begun it; always in a single server. */
  underWay: CorrectionUnderWay | null;
}

/** No numbers yet. */
export function noneTaken(): TakenNumbers {
  return { retracted: new Float64Array(KINDS), replaced: new Float64Array(KINDS) };
}

/** What a payment becomes, in bytes. @param tail of its value; null where it is retracted. */
export function becomesBytes(tail: Buffer | null, kinds: readonly number[], events: KindEvents): Buffer {
  const parts = [tail ?? Buffer.alloc(0)];
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32LE(tail?.length ?? 0, 0);
  for (const kind of kinds) {
    const { buffer, byteOffset, byteLength } = events[kind] as Float64Array;
    parts.push(Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength));
  }
  return Buffer.concat([length, ...parts]);
}

/** Reads what the home partition keeps of a correction. @param payment the four words that name it. */
export function pendingCorrection(bytes: Buffer, payment: Int32Array, set: FeatureSet): PendingCorrection {
  const valueEnd = ID_BYTES + 4 + bytes.readUInt32LE(ID_BYTES);
  const value = bytes.subarray(ID_BYTES + 4, valueEnd);
  const tailEnd = valueEnd + 4 + bytes.readUInt32LE(valueEnd);
  const tail = bytes.subarray(valueEnd + 4, tailEnd);
  const before = tailOf(value);
  const was = namesIn(before, payment);
  const becomes = namesIn(tail, payment);
  const revision = before.readDoubleLE(was.behind);
  const after = revision + (was.kinds.length > 0 ? 1 : 0) + (becomes.kinds.length > 0 ? 1 : 0);
  const events: Buffer[] = ENTITY_KINDS.map(() => NO_BYTES);
  let at = tailEnd;
  for (const kind of becomes.kinds) {
    const size = set.kinds[ENTITY_KINDS[kind] as keyof FeatureSet['kinds']].layout.stride * 8;
    events[kind] = bytes.subarray(at, at + size);
    at += size;
  }
  // Of a retracted payment is kept when it was and what tiles took in of it; whose it was is not.
  const kept = before.subarray(was.behind + 8, was.behind + tailBytes(set));
  return {
    request: bytes.subarray(0, ID_BYTES),
    side: value.toString('latin1', 0, 1),
    revision,
    after,
    time: before.readDoubleLE(was.behind + 8),
    was,
    becomes,
    events,
    tail:
      tail.length === 0
        ? Buffer.concat([Buffer.from([0]), packed(after), kept])
        : Buffer.concat([tail.subarray(0, becomes.behind), packed(after), tail.subarray(becomes.behind + 8)]),
  };
}

/** The entities of a payment's value. */
export function entitiesInValue(value: Buffer, payment: Int32Array): PaymentNames {
  return namesIn(tailOf(value), payment);
}

/** What a correction does, partition by partition. */
export function correctedParts({ was, becomes }: PendingCorrection, partitions: number): CorrectedPart[] {
  const parts = new Map<number, CorrectedPart>();
  const retracting = partsOf(was, partitions);
  for (const { partition, kinds } of retracting) parts.set(partition, { partition, retracts: kinds, appends: [] });
  for (const { partition, kinds } of partsOf(becomes, partitions)) {
    parts.set(partition, { partition, retracts: parts.get(partition)?.retracts ?? [], appends: kinds });
  }
  return [...parts.values()];
}

const NO_BYTES = Buffer.alloc(0);

function tailOf(value: Buffer): Buffer {
  const count = value[1] as number;
  return value.subarray(VALUE_HEADER_BYTES + (count === IN_BASE ? 0 : count * 8));
}

/** The entities that a value's tail names, and where it goes on behind their ids. */
function namesIn(tail: Buffer, payment: Int32Array): PaymentNames & { readonly behind: number } {
  const words = new Int32Array(KINDS * 4 + 4);
  words.set(payment, KINDS * 4);
  const kinds: number[] = [];
  const mask = tail[0] ?? 0;
  let at = 1;
  for (let kind = 0; kind < KINDS; kind += 1) {
    if (((mask >> kind) & 1) === 0) continue;
    kinds.push(kind);
    for (let word = 0; word < 4; word += 1) words[kind * 4 + word] = tail.readInt32LE(at + word * 4);
    at += ID_BYTES;
  }
  return { words, kinds, behind: at };
}
