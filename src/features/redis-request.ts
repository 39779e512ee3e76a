import { token53 } from '../base/hash128.ts';
import { ENTITY_KINDS, type EntityKeys } from '../domain/entity-keys.ts';
import { LABEL_STATES } from '../domain/label.ts';
import type { KindEvents } from './event-layout.ts';
import type { FeatureSet } from './feature-set.ts';
import type { FeatureRead, ObservedLabel, ObservedPayment } from './online-store.ts';
import { epochKey, idOf, KIND_CODES, packed, type SharedKeys } from './redis-layout.ts';

/** What a script is called with. */
export interface ScriptCall {
  readonly keys: readonly (Buffer | string)[];
  readonly args: readonly (Buffer | string)[];
}

/** The keys of an epoch. */
export interface EpochKeys {
  readonly epoch: number;
  readonly shared: SharedKeys;
  readonly prefix: Buffer;
}

/** How a side is written in a payment's value. */
export const SIDE_CODES = { PAYER: 'P', PAYEE: 'R' } as const;

/**
 * The call of the observing script for a payment: keys and arguments that all kinds share, then two
 * keys and an event a kind.
 *
 * @param events the payment's event of each kind; they are sent as they lie and must not change.
 */
export function observeCall(
  set: FeatureSet,
  { row, keys }: ObservedPayment,
  events: KindEvents,
  epoch: EpochKeys,
): ScriptCall {
  const tokens = ENTITY_KINDS.map((kind) => {
    const key = keys[kind];
    return key === null ? -1 : token53(key);
  });
  const side = SIDE_CODES[row.side];
  return {
    keys: keysOf(row.end_to_end_id, keys, epoch),
    args: [
      String(epoch.epoch),
      side,
      paymentTail(tokens, row.event_time, ownNumbersOf(set, events), side, keys.payee),
      ...events.map(bytesOfEvent),
    ],
  };
}

/** The call of the observing script that records nothing. */
export function readCall({ row, keys }: FeatureRead, epoch: EpochKeys): ScriptCall {
  return { keys: keysOf(row === null ? null : row.end_to_end_id, keys, epoch), args: [String(epoch.epoch), '', ''] };
}

function keysOf(endToEndId: string | null, keys: EntityKeys, { shared, prefix }: EpochKeys): ScriptCall['keys'] {
  const id = endToEndId === null ? null : idOf(endToEndId);
  return [
    shared.epoch,
    epochKey(prefix, 'e', id),
    epochKey(prefix, 'r', id),
    epochKey(prefix, 'l', keys.payee === null ? null : idOf(keys.payee)),
    ...ENTITY_KINDS.flatMap((kind) => {
      const key = keys[kind];
      const name = key === null ? null : idOf(key);
      return [epochKey(prefix, KIND_CODES[kind], name), epochKey(prefix, `t${KIND_CODES[kind]}`, name)];
    }),
  ];
}

function bytesOfEvent({ buffer, byteOffset, byteLength }: Float64Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** What tiles of a payment's entities take in of it, in the order of the set. */
function ownNumbersOf(set: FeatureSet, events: KindEvents): number[] {
  return ENTITY_KINDS.flatMap((kind, at) => Array.from(set.own.byKind[kind].slots, (slot) => events[at]?.[slot] ?? 0));
}

/** A payment's value after its numbers. */
export function paymentTail(
  tokens: readonly number[],
  time: number,
  own: readonly number[],
  side: string,
  payeeKey: string | null,
): Buffer {
  return Buffer.concat([packed(...tokens, time, ...own), Buffer.from(side + (payeeKey ?? ''))]);
}

/** The call of the label script. @param request names this request among all, so that its repeat counts once. */
export function labelCall(
  label: ObservedLabel,
  payeeKey: string,
  request: string,
  { epoch, shared, prefix }: EpochKeys,
): ScriptCall {
  const payee = idOf(payeeKey);
  const event = packed(label.eventTimeMicros, token53(label.endToEndId), LABEL_STATES.indexOf(label.state));
  return {
    keys: [
      shared.epoch,
      epochKey(prefix, KIND_CODES.payee, payee),
      epochKey(prefix, 'l', payee),
      epochKey(prefix, 'n', idOf(request)),
    ],
    args: [String(epoch), event],
  };
}

/** The key of a payment's event. */
export function paymentKey(endToEndId: string, { prefix }: EpochKeys): Buffer {
  return epochKey(prefix, 'e', idOf(endToEndId));
}
