import { hash128, token53 } from '../../base/hash128.ts';
import { ENTITY_KINDS, type EntityKeys } from '../../domain/entity-keys.ts';
import { LABEL_STATES } from '../../domain/label.ts';
import type { KindEvents } from '../engine/event-layout.ts';
import { hasTiles } from '../engine/tile-pool.ts';
import type { FeatureSet } from '../feature-set.ts';
import type { ObservedLabel } from '../online-store.ts';
import { CallWriter, type ScriptCall } from './redis-command.ts';
import { correctionScript } from './redis-correction-script.ts';
import { labelPayeeScript } from './redis-label-payee.ts';
import { type EpochKeys, epochKey, ID_BYTES, KIND_CODES, nameOf, packed, partitionOf } from './redis-layout.ts';
import { labelScript, observeScript, type RedisScript } from './redis-scripts.ts';

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
  for (let at = 0; at < KINDS; at += 1) {
    const key = keys[ENTITY_KINDS[at] as keyof EntityKeys];
    if (key === null) continue;
    hash128(key, scratch);
    words.set(scratch, at * 4);
    kinds.push(at);
  }
  if (endToEndId !== null) {
    hash128(endToEndId, scratch);
    words.set(scratch, PAYMENT_NAME);
  }
  return { words, kinds };
}

/** The partition of a payment's value. */
export function homeOf({ words }: PaymentNames, partitions: number): number {
  return partitionOf(words, PAYMENT_NAME, partitions);
}

/** The four words that name a payment. */
export function wordsOfPayment({ words }: PaymentNames): Int32Array {
  return words.subarray(PAYMENT_NAME);
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
  readonly #labelPayeeScript: RedisScript;
  readonly #correctionScript: RedisScript;
  readonly #writer = new CallWriter();
  readonly #tiled: readonly boolean[];
  readonly #labelled: readonly boolean[];
  readonly #own: FeatureSet['own'];

  constructor(set: FeatureSet) {
    this.#script = observeScript(set);
    this.#labelScript = labelScript(set);
    this.#labelPayeeScript = labelPayeeScript(set);
    this.#correctionScript = correctionScript(set);
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
  tail({ words, kinds }: PaymentNames, time: number, events: KindEvents, payeeKey: string | null): Buffer {
    return paymentTail(words, kinds, 0, time, ownNumbersOf(this.#own, events), payeeKey);
  }

  /** A call of the correction script. @param replacement null where the payment is retracted, or the correction is settled. */
  correct(
    request: string,
    mode: string,
    endToEndId: string,
    replacement: { readonly names: PaymentNames; readonly tail: Uint8Array; readonly events: KindEvents } | null,
    epoch: EpochKeys,
  ): ScriptCall {
    const prefix = epoch.prefixes[0] as Buffer;
    const marker = epoch.markers[0] as Buffer;
    const kinds = replacement?.names.kinds ?? [];
    const writer = this.#writer;
    writer.begin(this.#correctionScript, 3, 5 + kinds.length);
    writer.bytes(marker);
    writer.key(prefix, 'e', nameOf(endToEndId), 0);
    writer.key(prefix, 'c', nameOf(request), 0);
    writer.text(String(epoch.epoch));
    writer.text(mode);
    writer.bytes(prefix);
    writer.bytes(packed(token53(endToEndId)));
    writer.bytes(replacement?.tail ?? NO_BYTES);
    for (const kind of kinds) writer.bytes(bytesOf(replacement?.events[kind] as Float64Array));
    return { script: this.#correctionScript, bytes: writer.finish(), firstKey: marker };
  }

  /** The call of the script that resolves a label's payee. @param request as of {@link label}. */
  labelPayee({ endToEndId, payeeAccount }: ObservedLabel, request: string, epoch: EpochKeys): ScriptCall {
    const payment = nameOf(endToEndId);
    const home = partitionOf(payment, 0, epoch.set.partitions);
    const prefix = epoch.prefixes[home] as Buffer;
    const marker = epoch.markers[home] as Buffer;
    const writer = this.#writer;
    writer.begin(this.#labelPayeeScript, 3, 2);
    writer.bytes(marker);
    writer.key(prefix, 'e', payment, 0);
    writer.key(prefix, 'a', nameOf(request), 0);
    writer.text(String(epoch.epoch));
    writer.bytes(Buffer.from(payeeAccount ?? ''));
    return { script: this.#labelPayeeScript, bytes: writer.finish(), firstKey: marker };
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

/**
 * A payment's value after its numbers.
 *
 * @param words names of entities, four a kind. @param kinds places of those that it has, upward.
 * @param revision how many rows corrections of it took so far.
 */
export function paymentTail(
  words: Int32Array,
  kinds: readonly number[],
  revision: number,
  time: number,
  own: readonly number[],
  payeeKey: string | null,
): Buffer {
  const payee = payeeKey === null ? 0 : Buffer.byteLength(payeeKey);
  const tail = Buffer.allocUnsafe(1 + kinds.length * ID_BYTES + (2 + own.length) * 8 + payee);
  let mask = 0;
  let at = 1;
  for (const kind of kinds) {
    mask += 2 ** kind;
    for (let word = kind * 4; word < kind * 4 + 4; word += 1) at = tail.writeInt32LE(words[word] as number, at);
  }
  tail[0] = mask;
  at = tail.writeDoubleLE(revision, at);
  at = tail.writeDoubleLE(time, at);
  for (const number of own) at = tail.writeDoubleLE(number, at);
  if (payeeKey !== null) tail.write(payeeKey, at);
  return tail;
}

/** The key of a payment's value. */
export function paymentKey(endToEndId: string, epoch: EpochKeys): Buffer {
  const name = nameOf(endToEndId);
  return epochKey(epoch, partitionOf(name, 0, epoch.set.partitions), 'e', name);
}

/** The key of what became of a correction in a single server. */
export function correctionKey(request: string, epoch: EpochKeys): Buffer {
  return epochKey(epoch, 0, 'c', nameOf(request));
}

/** The key of a payment's marker in a partition. */
export function markerKey(names: PaymentNames, partition: number, epoch: EpochKeys): Buffer {
  return epochKey(epoch, partition, 'm', wordsOfPayment(names));
}
