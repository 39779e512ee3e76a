import { ENTITY_KINDS } from '../../domain/entity-keys.ts';
import { hasTiles } from '../engine/tile-pool.ts';
import type { FeatureSet } from '../feature-set.ts';
import { HOME_MODES, homeScript, type PART_MODES, partScript } from './redis-cluster-correction-scripts.ts';
import { CallWriter, type ScriptCall } from './redis-command.ts';
import {
  type EpochKeys,
  epochKey,
  KIND_CODES,
  MARKER_TTL_MS,
  nameOf,
  packed,
  partitionOf,
  tokenOfName,
} from './redis-layout.ts';
import type { CorrectedPart, PendingCorrection } from './redis-pending-correction.ts';
import type { RedisScript } from './redis-scripts.ts';

/** A payment's home partition, and the names of what lies there. */
export interface CorrectionHome {
  readonly epoch: EpochKeys;
  readonly partition: number;
  /** The four words that name it. */
  readonly payment: Int32Array;
}

/** The home of a payment in an epoch. @param payment the four words that name it. */
export function correctionHome(payment: Int32Array, epoch: EpochKeys): CorrectionHome {
  return { epoch, payment, partition: partitionOf(payment, 0, epoch.set.partitions) };
}

/** The key of the correction that is under way. */
export function pendingKey({ epoch, partition, payment }: CorrectionHome): Buffer {
  return epochKey(epoch, partition, 'w', payment);
}

/** The key of what became of a correction. @param request the 16 bytes that name it. */
export function outcomeKey({ epoch, partition }: CorrectionHome, request: Uint8Array): Buffer {
  return Buffer.concat([epoch.prefixes[partition] as Buffer, Buffer.from('c'), request]);
}

/** The 16 bytes that name a request. */
export function requestName(request: string): Buffer {
  return Buffer.from(nameOf(request).buffer);
}

/** Writes calls of the scripts that correct payments in a Cluster. */
export class ClusterCorrectionCalls {
  readonly #homeScript: RedisScript = homeScript();
  readonly #partScript: RedisScript;
  readonly #tiled: readonly boolean[];
  readonly #writer = new CallWriter();

  constructor(set: FeatureSet) {
    this.#partScript = partScript(set);
    this.#tiled = ENTITY_KINDS.map((kind) => hasTiles(set.kinds[kind].keeping.tiles));
  }

  /** Begins a correction. @param becomes of `becomesBytes`. @param isSeen whether the payment's event was seen in all of its entities. */
  begin(home: CorrectionHome, request: Buffer, becomes: Buffer, isSeen: boolean): ScriptCall {
    return this.#home(home, request, HOME_MODES.begin, [Buffer.from(isSeen ? '1' : '0'), becomes]);
  }

  settle(home: CorrectionHome, request: Buffer): ScriptCall {
    return this.#home(home, request, HOME_MODES.settle, []);
  }

  /** Ends a correction. @param outcome what became of it, as CORRECTED says. */
  end(home: CorrectionHome, { request, tail }: PendingCorrection, outcome: Buffer): ScriptCall {
    return this.#home(home, request, HOME_MODES.end, [tail, outcome]);
  }

  /**
   * The part of a correction in a partition.
   *
   * @param mode of PART_MODES.
   * @param leftMs for how long the correction may be under way yet: its part is made once in all that time.
   */
  part(
    { epoch, payment }: CorrectionHome,
    { partition, retracts, appends }: CorrectedPart,
    { was, becomes, events, side, after, time }: PendingCorrection,
    mode: (typeof PART_MODES)[keyof typeof PART_MODES],
    leftMs: number,
  ): ScriptCall {
    const prefix = epoch.prefixes[partition] as Buffer;
    const marker = epoch.markers[partition] as Buffer;
    const writer = this.#writer;
    const keys = [...retracts, ...appends].reduce((count, kind) => count + (this.#tiled[kind] ? 2 : 1), 2);
    writer.begin(this.#partScript, keys, 9 + appends.length);
    writer.bytes(marker);
    writer.key(prefix, 'm', was.words, ENTITY_KINDS.length * 4);
    for (const [names, kinds] of [[was.words, retracts] as const, [becomes.words, appends] as const]) {
      for (const kind of kinds) {
        const code = KIND_CODES[ENTITY_KINDS[kind] as keyof typeof KIND_CODES];
        writer.key(prefix, code, names, kind * 4);
        if (this.#tiled[kind]) writer.key(prefix, `t${code}`, names, kind * 4);
      }
    }
    writer.text(String(epoch.epoch));
    writer.text(mode);
    writer.text(side);
    writer.bytes(packed(after));
    writer.bytes(packed(tokenOfName(payment)));
    writer.bytes(packed(time));
    writer.text(retracts.join(''));
    writer.text(appends.join(''));
    writer.text(String(Math.max(leftMs, MARKER_TTL_MS)));
    for (const kind of appends) writer.bytes(events[kind] as Buffer);
    return { script: this.#partScript, bytes: writer.finish(), firstKey: marker };
  }

  #home(home: CorrectionHome, request: Buffer, mode: string, rest: readonly Buffer[]): ScriptCall {
    const { epoch, partition, payment } = home;
    const prefix = epoch.prefixes[partition] as Buffer;
    const marker = epoch.markers[partition] as Buffer;
    const writer = this.#writer;
    writer.begin(this.#homeScript, 4, 3 + rest.length);
    writer.bytes(marker);
    writer.key(prefix, 'e', payment, 0);
    writer.key(prefix, 'w', payment, 0);
    writer.bytes(outcomeKey(home, request));
    writer.text(String(epoch.epoch));
    writer.text(mode);
    writer.bytes(request);
    for (const argument of rest) writer.bytes(argument);
    return { script: this.#homeScript, bytes: writer.finish(), firstKey: marker };
  }
}
