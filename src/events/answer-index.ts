import { hash128 } from '../base/hash128.ts';
import type { Side } from '../domain/payment.ts';
import type { RecordPlace } from './journal.ts';

/** Where the answer to a scored payment lies. */
export interface AnswerPlace {
  /** First position of its journal segment; 0 says that only the lake has it. */
  readonly segment: number;
  /** Byte of the record in the segment. */
  readonly offset: number;
  /** The first 8 bytes of the request's SHA-256: another payment under the same key has others. */
  readonly fingerprint: bigint;
}

/** Shards keep a growth short: 1/256 of 1 M entries is rehashed in 0.2 ms, all of them in 60 ms. */
const SHARDS = 256;
const FIRST_CAPACITY = 64;
const MAX_LOAD = 0.6;

/**
 * Which payments were answered within the retry horizon, by (endToEndId, side): 44 bytes an entry,
 * hash and place only. Ids are told apart by 128 bits of hash.
 */
export class AnswerIndex {
  readonly #shards: Shard[] = Array.from({ length: SHARDS }, () => newShard(FIRST_CAPACITY));
  readonly #horizonMicros: number;
  readonly #key = new Int32Array(4);
  #size = 0;

  /** @param horizonMicros how long an answer is remembered, from its known time. */
  constructor(horizonMicros: number) {
    this.#horizonMicros = horizonMicros;
  }

  /** Entries that are held, expired ones included until their shard is full: some seven times those alive at most. */
  get size(): number {
    return this.#size;
  }

  /** The place of an answer; undefined where there is none, or it is past the horizon. */
  get(endToEndId: string, side: Side, nowMicros: number): AnswerPlace | undefined {
    const shard = this.#shardOf(endToEndId, side);
    const slot = findSlot(shard, this.#key);
    if (!this.#isAlive(shard.known[slot] as number, nowMicros)) return undefined;
    return {
      segment: shard.segments[slot] as number,
      offset: shard.offsets[slot] as number,
      fingerprint: shard.fingerprints[slot] as bigint,
    };
  }

  /** Remembers an answer; a later one under the same key takes its place. */
  put(
    endToEndId: string,
    side: Side,
    place: Pick<RecordPlace, 'segment' | 'offset'>,
    fingerprint: bigint,
    knownTimeMicros: number,
  ): void {
    const { shard, slot } = this.#slotFor(this.#shardOf(endToEndId, side), knownTimeMicros);
    shard.segments[slot] = place.segment;
    shard.offsets[slot] = place.offset;
    shard.fingerprints[slot] = fingerprint;
    shard.known[slot] = Math.max(1, knownTimeMicros);
  }

  /** Every answer that is not past the horizon, in columns: for a snapshot. */
  columns(nowMicros: number): AnswerColumns {
    const columns = answerColumns(this.#shards.reduce((rows, shard) => rows + this.#aliveIn(shard, nowMicros), 0));
    let row = 0;
    for (const shard of this.#shards) {
      for (let slot = 0; slot < shard.known.length; slot += 1) {
        if (!this.#isAlive(shard.known[slot] as number, nowMicros)) continue;
        columns.keys.set(shard.keys.subarray(slot * 4, slot * 4 + 4), row * 4);
        copyAnswer(shard, slot, columns, row);
        row += 1;
      }
    }
    return columns;
  }

  /** Takes the answers of a snapshot. */
  restore(columns: AnswerColumns): void {
    for (let row = 0; row < columns.known.length; row += 1) {
      this.#key.set(columns.keys.subarray(row * 4, row * 4 + 4));
      const known = columns.known[row] as number;
      const { shard, slot } = this.#slotFor(this.#shards[(this.#key[3] as number) & (SHARDS - 1)] as Shard, known);
      copyAnswer(columns, row, shard, slot);
    }
  }

  #shardOf(endToEndId: string, side: Side): Shard {
    hash128(side === 'PAYER' ? `${endToEndId}>` : `${endToEndId}<`, this.#key);
    return this.#shards[(this.#key[3] as number) & (SHARDS - 1)] as Shard;
  }

  /** The slot of the key, which is taken for it where it has none. */
  #slotFor(own: Shard, nowMicros: number): { readonly shard: Shard; readonly slot: number } {
    const shard = own.used + 1 > own.known.length * MAX_LOAD ? this.#makeRoom(own, nowMicros) : own;
    const slot = findSlot(shard, this.#key);
    if (shard.known[slot] === 0) {
      shard.used += 1;
      this.#size += 1;
      shard.keys.set(this.#key, slot * 4);
    }
    return { shard, slot };
  }

  /** Without what has expired; larger only where what is alive fills half of it, so that a move makes room for many puts. */
  #makeRoom(full: Shard, nowMicros: number): Shard {
    const roomy = newShard(capacityFor(this.#aliveIn(full, nowMicros), full.known.length));
    for (let slot = 0; slot < full.known.length; slot += 1) {
      if (!this.#isAlive(full.known[slot] as number, nowMicros)) continue;
      const key = full.keys.subarray(slot * 4, slot * 4 + 4);
      const to = findSlot(roomy, key);
      roomy.keys.set(key, to * 4);
      copyAnswer(full, slot, roomy, to);
      roomy.used += 1;
    }
    this.#size -= full.used - roomy.used;
    this.#shards[this.#shards.indexOf(full)] = roomy;
    return roomy;
  }

  #aliveIn(shard: Shard, nowMicros: number): number {
    let alive = 0;
    for (const known of shard.known) if (this.#isAlive(known, nowMicros)) alive += 1;
    return alive;
  }

  #isAlive(known: number, nowMicros: number): boolean {
    return known !== 0 && known + this.#horizonMicros > nowMicros;
  }
}

/** The capacity of which `alive` are under half of the load limit: twice the one before, the same, or less. */
function capacityFor(alive: number, before: number): number {
  let capacity = before * 2;
  while (capacity > FIRST_CAPACITY && alive < (capacity / 4) * MAX_LOAD) capacity /= 2;
  return capacity;
}

/** Answers in columns. */
export interface AnswerColumns {
  /** Four lanes of a name each. */
  readonly keys: Int32Array;
  readonly segments: Float64Array;
  readonly offsets: Uint32Array;
  readonly fingerprints: BigInt64Array;
  /** Known time of the answer; 0 is an empty slot. */
  readonly known: Float64Array;
}

interface Shard extends AnswerColumns {
  used: number;
}

function newShard(capacity: number): Shard {
  return { used: 0, ...answerColumns(capacity) };
}

function answerColumns(rows: number): AnswerColumns {
  return {
    keys: new Int32Array(rows * 4),
    segments: new Float64Array(rows),
    offsets: new Uint32Array(rows),
    fingerprints: new BigInt64Array(rows),
    known: new Float64Array(rows),
  };
}

/** Copies an answer, its key excepted. */
function copyAnswer(from: AnswerColumns, row: number, to: AnswerColumns, slot: number): void {
  to.segments[slot] = from.segments[row] as number;
  to.offsets[slot] = from.offsets[row] as number;
  to.fingerprints[slot] = from.fingerprints[row] as bigint;
  to.known[slot] = from.known[row] as number;
}

/** Linear probing; capacities are powers of two. */
function findSlot(shard: Shard, key: Int32Array): number {
  const mask = shard.known.length - 1;
  let slot = (key[0] as number) & mask;
  while (shard.known[slot] !== 0) {
    const at = slot * 4;
    const { keys } = shard;
    if (keys[at] === key[0] && keys[at + 1] === key[1] && keys[at + 2] === key[2] && keys[at + 3] === key[3]) break;
    slot = (slot + 1) & mask;
  }
  return slot;
}

/** The first 8 bytes of a SHA-256, as {@link AnswerIndex} keeps them. */
export function fingerprintOf(sha256: Uint8Array): bigint {
  return new DataView(sha256.buffer, sha256.byteOffset, 8).getBigInt64(0);
}
