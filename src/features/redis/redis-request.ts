import { hash128, token53 } from '../../base/hash128.ts';
import { ENTITY_KINDS, type EntityKeys } from '../../domain/entity-keys.ts';
import { LABEL_STATES } from '../../domain/label.ts';
import type { KindEvents } from '../engine/event-layout.ts';
import { hasTiles } from '../engine/tile-pool.ts';
import type { FeatureSet } from '../feature-set.ts';
import type { ObservedLabel } from '../online-store.ts';
import { CallWriter, type ScriptCall } from './redis-command.ts';
import { type EpochKeys, epochKey, KIND_CODES, nameOf, packed, partitionOf, tokenOfName } from './redis-layout.ts';
import type { RedisScript } from './redis-scripts.ts';

/** How a side is written in a payment's value. */
export const SIDE_CODES = { PAYER: 'P', PAYEE: 'R' } as const;

const KINDS = ENTITY_KINDS.length;
/** Where a payment's name lies among its entities'. */
const PAYMENT_NAME = KINDS * 4;
const NO_BYTES = new Uint8Array(0);

/** Names of a payment and its entities, hashed once. */
export interface PaymentNames {
  /** Four words a kind, then the payment's; those of what there is not mean nothing. */
  readonly words: Int32Array;
  /** Places of the kinds that it has, upward. */
  readonly kinds: readonly number[];
  /** The kinds' tokens; −1 where it has none. */
  readonly tokens: readonly number[];
}

/** Entities of one partition. */
export interface Part {
  readonly partition: number;
  /** Places of the kinds, upward. */
  readonly kinds: readonly number[];
}

const scratch = new Int32Array(4);

/** Names a payment and its entities. @param endToEndId null where entities are read for no payment. */
export function paymentNames(endToEndId: string | null, keys: EntityKeys): PaymentNames {
  const words = new Int32Array(PAYMENT_NAME + 4);
  const kinds: number[] = [];
  const tokens: number[] = [];
  for (let at = 0; at < KINDS; at += 1) {
    const key = keys[ENTITY_KINDS[at] as keyof EntityKeys];
    if (key === null) {
      tokens.push(-1);
      continue;
    }
    hash128(key, scratch);
    words.set(scratch, at * 4);
    kinds.push(at);
    tokens.push(tokenOfName(scratch));
  }
  if (endToEndId !== null) {
    hash128(endToEndId, scratch);
    words.set(scratch, PAYMENT_NAME);
  }
  return { words, kinds, tokens };
}

/** The partition of a payment's value. */
export function homeOf({ words }: PaymentNames, partitions: number): number {
  return partitionOf(words, PAYMENT_NAME, partitions);
}

/** Partitions of the entities of a payment. */
export function partsOf({ words, kinds }: PaymentNames, partitions: number): Part[] {
  const parts = new Map<number, number[]>();
  for (const kind of kinds) {
    const partition = partitionOf(words, kind * 4, partitions);
    const part = parts.get(partition);
    if (part === undefined) parts.set(partition, [kind]);
    else part.push(kind);
  }
  return [...parts].map(([partition, ofPart]) => ({ partition, kinds: ofPart }));
}

/** What the observing script is to do with the entities of a partition. */
export interface ObservedPart extends Part {
  /** Whether the payment's value lies there, or a marker of it. */
  readonly payment: 'value' | 'marker';
  /** A code of a side, or one of READ_…. */
  readonly side: string;
  /** The payment's value after its numbers; nothing for a marker. */
  readonly tail?: Uint8Array;
  /** The payment's event of each kind; nothing where it is only read. */
  readonly events?: KindEvents;
}

/** Writes calls of the scripts of a set. */
export class ScriptCalls {
  readonly #script: RedisScript;
  readonly #labelScript: RedisScript;
  readonly #writer = new CallWriter();
  readonly #tiled: readonly boolean[];
  readonly #labelled: readonly boolean[];
  readonly #own: FeatureSet['own'];

  constructor(set: FeatureSet, observe: RedisScript, label: RedisScript) {
    this.#script = observe;
    this.#labelScript = label;
    const plans = ENTITY_KINDS.map((kind) => set.kinds[kind]);
    this.#tiled = plans.map(({ keeping }) => hasTiles(keeping.tiles));
    this.#labelled = plans.map((plan) => plan.labels.length > 0);
    this.#own = set.own;
  }

  /** A call of the observing script. */
  observe(part: ObservedPart, { words }: PaymentNames, epoch: EpochKeys): ScriptCall {
    const { partition, kinds, payment, side, tail, events } = part;
    const prefix = epoch.prefixes[partition] as Buffer;
    const marker = epoch.markers[partition] as Buffer;
    const writer = this.#writer;
    writer.begin(this.#script, this.#keyCount(kinds), 4 + (events === undefined ? 0 : kinds.length));
    writer.bytes(marker);
    writer.key(prefix, payment === 'value' ? 'e' : 'm', words, PAYMENT_NAME);
    writer.key(prefix, 'r', words, PAYMENT_NAME);
    let digits = '';
    for (const kind of kinds) {
      const code = KIND_CODES[ENTITY_KINDS[kind] as keyof typeof KIND_CODES];
      digits += kind;
      writer.key(prefix, code, words, kind * 4);
      if (this.#tiled[kind]) writer.key(prefix, `t${code}`, words, kind * 4);
      if (this.#labelled[kind]) writer.key(prefix, 'l', words, kind * 4);
    }
    writer.text(String(epoch.epoch));
    writer.text(side);
    writer.text(digits);
    writer.bytes(tail ?? NO_BYTES);
    if (events !== undefined) for (const kind of kinds) writer.bytes(bytesOf(events[kind] as Float64Array));
    return { script: this.#script, bytes: writer.finish(), firstKey: marker };
  }

  /** A payment's value after its numbers. */
  tail({ tokens }: PaymentNames, time: number, events: KindEvents, payeeKey: string | null): Buffer {
    return paymentTail(tokens, time, ownNumbersOf(this.#own, events), payeeKey);
  }

  /** The call of the label script. @param request names this request among all, so that its repeat counts once. */
  label(label: ObservedLabel, payeeKey: string, request: string, epoch: EpochKeys): ScriptCall {
    const payee = nameOf(payeeKey);
    const partition = partitionOf(payee, 0, epoch.set.partitions);
    const prefix = epoch.prefixes[partition] as Buffer;
    const marker = epoch.markers[partition] as Buffer;
    const writer = this.#writer;
    writer.begin(this.#labelScript, 4, 2);
    writer.bytes(marker);
    writer.key(prefix, KIND_CODES.payee, payee, 0);
    writer.key(prefix, 'l', payee, 0);
    writer.key(prefix, 'n', nameOf(request), 0);
    writer.text(String(epoch.epoch));
    writer.bytes(packed(label.eventTimeMicros, token53(label.endToEndId), LABEL_STATES.indexOf(label.state)));
    return { script: this.#labelScript, bytes: writer.finish(), firstKey: marker };
  }

  #keyCount(kinds: readonly number[]): number {
    let count = 3;
    for (const kind of kinds) count += 1 + (this.#tiled[kind] ? 1 : 0) + (this.#labelled[kind] ? 1 : 0);
    return count;
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: Float64Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** What tiles of a payment's entities take in of it, in the order of the set. */
function ownNumbersOf({ byKind }: FeatureSet['own'], events: KindEvents): number[] {
  const own: number[] = [];
  for (let at = 0; at < KINDS; at += 1) {
    const event = events[at] as Float64Array;
    for (const slot of byKind[ENTITY_KINDS[at] as keyof typeof byKind].slots) own.push(event[slot] ?? 0);
  }
  return own;
}

/** A payment's value after its numbers. */
export function paymentTail(
  tokens: readonly number[],
  time: number,
  own: readonly number[],
  payeeKey: string | null,
): Buffer {
  const numbers = packed(...tokens, time, ...own);
  return payeeKey === null ? numbers : Buffer.concat([numbers, Buffer.from(payeeKey)]);
}

/** The key of a payment's value. */
export function paymentKey(endToEndId: string, epoch: EpochKeys): Buffer {
  const name = nameOf(endToEndId);
  return epochKey(epoch, partitionOf(name, 0, epoch.set.partitions), 'e', name);
}

/** The key of a payment's marker in a partition. */
export function markerKey({ words }: PaymentNames, partition: number, epoch: EpochKeys): Buffer {
  return epochKey(epoch, partition, 'm', words.subarray(PAYMENT_NAME));
}
