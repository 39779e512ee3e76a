import { token53 } from '../base/hash128.ts';
import type { EntityKeys } from '../domain/entity-keys.ts';
import { LABEL_STATES } from '../domain/label.ts';
import type { FeatureRead, ObservedLabel, ObservedPayment } from './online-store.ts';
import { epochKey, idOf, packed, type SharedKeys } from './redis-layout.ts';

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

/** How a side is written in a payment's value; `-` where it is not known. */
export const SIDE_CODES = { PAYER: 'P', PAYEE: 'R' } as const;

/** The call of the observing script for a payment. */
export function observeCall({ row, keys }: ObservedPayment, epoch: EpochKeys): ScriptCall {
  const payerToken = keys.payer === null ? -1 : token53(keys.payer);
  const payeeToken = keys.payee === null ? -1 : token53(keys.payee);
  const identity = token53(row.end_to_end_id);
  const { event_time: time, amount_centavos: amount } = row;
  const side = SIDE_CODES[row.side];
  return {
    keys: keysOf(row.end_to_end_id, keys, epoch),
    args: [
      String(epoch.epoch),
      packed(time, amount, payeeToken, identity),
      packed(time, amount, payerToken, identity),
      packed(time, amount, -1, identity),
      paymentTail(payerToken, payeeToken, time, amount, side, keys.payee),
      side,
    ],
  };
}

/** The call of the observing script that records nothing. */
export function readCall({ row, keys }: FeatureRead, epoch: EpochKeys): ScriptCall {
  return {
    keys: keysOf(row === null ? null : row.end_to_end_id, keys, epoch),
    args: [String(epoch.epoch), '', '', '', '', ''],
  };
}

function keysOf(endToEndId: string | null, keys: EntityKeys, { shared, prefix }: EpochKeys): ScriptCall['keys'] {
  const id = endToEndId === null ? null : idOf(endToEndId);
  const payer = keys.payer === null ? null : idOf(keys.payer);
  const payee = keys.payee === null ? null : idOf(keys.payee);
  return [
    shared.epoch,
    epochKey(prefix, 'e', id),
    epochKey(prefix, 'r', id),
    epochKey(prefix, 'p', payer),
    epochKey(prefix, 'q', payee),
    epochKey(prefix, 'c', payer, payee),
    epochKey(prefix, 't', payee),
    epochKey(prefix, 'l', payee),
  ];
}

/** A payment's value after its numbers. */
export function paymentTail(
  payerToken: number,
  payeeToken: number,
  time: number,
  amount: number,
  side: string,
  payeeKey: string | null,
): Buffer {
  return Buffer.concat([packed(payerToken, payeeToken, time, amount), Buffer.from(side + (payeeKey ?? ''))]);
}

/** The call of the label script. @param request names this request among all, so that its repeat counts once. */
export function labelCall(
  label: ObservedLabel,
  payeeKey: string,
  request: string,
  { epoch, shared, prefix }: EpochKeys,
): ScriptCall {
  const payee = idOf(payeeKey);
  const event = packed(label.eventTimeMicros, LABEL_STATES.indexOf(label.state), -1, token53(label.endToEndId));
  return {
    keys: [
      shared.epoch,
      epochKey(prefix, 'q', payee),
      epochKey(prefix, 'l', payee),
      epochKey(prefix, 'k', idOf(request)),
    ],
    args: [String(epoch), event],
  };
}

/** The key of a payment's event. */
export function paymentKey(endToEndId: string, { prefix }: EpochKeys): Buffer {
  return epochKey(prefix, 'e', idOf(endToEndId));
}
