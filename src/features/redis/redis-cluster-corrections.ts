import { AppError } from '../../base/errors.ts';
import type { KindEvents } from '../engine/event-layout.ts';
import type { FeatureSet } from '../feature-set.ts';
import type { ObservedCorrection } from '../online-store.ts';
import {
  ClusterCorrectionCalls,
  type CorrectionHome,
  correctionHome,
  outcomeKey,
  pendingKey,
  requestName,
} from './redis-cluster-correction-calls.ts';
import { AT_HOME, PART_MODES } from './redis-cluster-correction-scripts.ts';
import { askScript, type RedisClient, type Reply, readLeft, readValue } from './redis-connection.ts';
import { type MadeCorrection, madeBytes, madeCorrection } from './redis-corrected.ts';
import { type EpochKeys, ID_BYTES, nameOf } from './redis-layout.ts';
import {
  becomesBytes,
  type CorrectionProgress,
  type CorrectionUnderWay,
  correctedParts,
  entitiesInValue,
  noneTaken,
  pendingCorrection,
  type TakenNumbers,
} from './redis-pending-correction.ts';
import { markerKey, partsOf, paymentNames, type ScriptCalls } from './redis-request.ts';
import { OBSERVED, OTHER_EPOCH } from './redis-scripts.ts';

/** Attempts to begin a correction: between two of them another one of the payment was made. */
const MOST_BEGINNINGS = 256;
/**
 * Numbers that nobody took, behind all of an epoch that is over: 2^31 of them, of which a correction has two by its request.
 * Replay takes numbers below 2^32.
 */
const BEHIND_EPOCH = 2 ** 31;

/**
 * Corrections in a Cluster, where a payment's entities lie on many nodes. The payment's home partition begins one and
 * keeps all that it takes; each partition of the entities makes its part, once; then the home ends it. Whoever finds one
 * under way goes on with it before anything else is said of the payment, so that nobody waits for a server that is gone.
 */
export class ClusterCorrections {
  readonly #client: RedisClient;
  readonly #set: FeatureSet;
  readonly #calls: ClusterCorrectionCalls;
  readonly #paymentCalls: ScriptCalls;

  /** @param paymentCalls writes a payment's value. */
  constructor(client: RedisClient, set: FeatureSet, paymentCalls: ScriptCalls) {
    this.#client = client;
    this.#set = set;
    this.#calls = new ClusterCorrectionCalls(set);
    this.#paymentCalls = paymentCalls;
  }

  /**
   * Corrects a payment, once for each request.
   *
   * @param events of the replacement.
   * @param progress receives what was begun, and its numbers as they are taken.
   * @returns what became of it; null where it was given up before.
   * @throws AppError `store_unavailable` where that is not known, or the payment's event may not be in all of its entities yet.
   */
  async correct(
    { endToEndId, replacement }: ObservedCorrection,
    events: KindEvents,
    requestId: string,
    epoch: EpochKeys,
    progress: CorrectionProgress,
  ): Promise<MadeCorrection | null | typeof OTHER_EPOCH> {
    const names = replacement && paymentNames(endToEndId, replacement.keys);
    const { row, keys } = replacement ?? {};
    const tail = names && this.#paymentCalls.tail(names, row?.event_time ?? 0, events, keys?.payee ?? null);
    const becomes = becomesBytes(tail, names?.kinds ?? [], events);
    const home = correctionHome(nameOf(endToEndId), epoch);
    const request = requestName(requestId);
    let isSeen = false;
    for (let tries = 0; tries < MOST_BEGINNINGS; tries += 1) {
      const reply = await askScript(this.#client, this.#calls.begin(home, request, becomes, isSeen));
      const kept = reply[1] as Buffer;
      if (reply[0] === AT_HOME.otherEpoch) return OTHER_EPOCH;
      if (reply[0] === AT_HOME.settled) return madeCorrection(kept, epoch.epoch);
      if (reply[0] === AT_HOME.unseen) {
        await this.#checkAppended(home, kept);
        isSeen = true;
        continue;
      }
      const underWay = this.#underWay(home, kept, reply[2] as number);
      const isOurs = underWay.pending.request.equals(request);
      if (isOurs) progress.underWay = underWay;
      const outcome = await this.#goOn(home, underWay);
      if (outcome === OTHER_EPOCH) return OTHER_EPOCH;
      if (isOurs) return madeCorrection(outcome, epoch.epoch);
    }
    throw new AppError(
      'store_unavailable',
      'the payment is being corrected too often at once: send the correction again',
    );
  }

  /**
   * Makes the correction of a payment that is under way, where one is.
   *
   * @param payment the four words that name it.
   * @throws AppError `store_unavailable`.
   */
  async goOn(payment: Int32Array, epoch: EpochKeys): Promise<typeof OTHER_EPOCH | undefined> {
    const home = correctionHome(payment, epoch);
    const [pending, leftMs] = await this.#pendingAt(home);
    // Another one has ended it meanwhile.
    if (pending === null) return undefined;
    const outcome = await this.#goOn(home, this.#underWay(home, pending, leftMs));
    return outcome === OTHER_EPOCH ? OTHER_EPOCH : undefined;
  }

  /**
   * What became of a correction in an epoch, open or not; one that was begun is made, one that was not is not made any more.
   * Where the epoch is over in some partition, what was not made in it is not made there any more, and has numbers behind all
   * that anybody saw: the base that is built next has it whole.
   *
   * @param known what was learned of it while it was on its way.
   * @returns null where nothing of it was made. @throws AppError `store_unavailable`.
   */
  async settle(
    endToEndId: string,
    requestId: string,
    epoch: EpochKeys,
    known: CorrectionUnderWay | null,
  ): Promise<MadeCorrection | null> {
    const home = correctionHome(nameOf(endToEndId), epoch);
    const request = requestName(requestId);
    let underWay = known;
    const reply = await askScript(this.#client, this.#calls.settle(home, request));
    if (reply[0] === AT_HOME.settled) return madeCorrection(reply[1] as Buffer, epoch.epoch);
    if (reply[0] === AT_HOME.pending) {
      underWay ??= this.#underWay(home, reply[1] as Buffer, reply[2] as number);
      const outcome = await this.#goOn(home, underWay);
      if (outcome !== OTHER_EPOCH) return madeCorrection(outcome, epoch.epoch);
    } else {
      const kept = await readValue(this.#client, outcomeKey(home, request));
      if (kept !== null) return madeCorrection(kept, epoch.epoch);
      const [pending, leftMs] = await this.#pendingAt(home);
      if (pending?.subarray(0, ID_BYTES).equals(request)) underWay ??= this.#underWay(home, pending, leftMs);
    }
    return underWay === null ? null : await this.#told(home, underWay);
  }

  #underWay({ payment }: CorrectionHome, kept: Buffer, leftMs: number): CorrectionUnderWay {
    return { pending: pendingCorrection(kept, payment, this.#set), leftMs, taken: noneTaken() };
  }

  /** The correction that is under way, and for how long it is kept; null where none is. @throws AppError `store_unavailable`. */
  #pendingAt(home: CorrectionHome): Promise<readonly [pending: Buffer | null, leftMs: number]> {
    const key = pendingKey(home);
    return Promise.all([readValue(this.#client, key), readLeft(this.#client, key)]);
  }

  /**
   * A payment that its server has not appended everywhere yet would be appended behind its retraction.
   *
   * @throws AppError `store_unavailable`.
   */
  async #checkAppended({ payment, epoch }: CorrectionHome, value: Buffer): Promise<void> {
    const names = entitiesInValue(value, payment);
    const markers = await Promise.all(
      partsOf(names, epoch.set.partitions).map(({ partition }) =>
        readValue(this.#client, markerKey(names, partition, epoch)),
      ),
    );
    if (markers.every((marker) => marker !== null)) return;
    throw new AppError(
      'store_unavailable',
      'whether the payment has reached all of Redis is not known yet: nothing was corrected, send the correction again',
    );
  }

  /** Has every partition make its part, and ends it: what became of it. */
  async #goOn(home: CorrectionHome, underWay: CorrectionUnderWay): Promise<Buffer | typeof OTHER_EPOCH> {
    const { pending, taken } = underWay;
    const made = await this.#eachPart(home, underWay, PART_MODES.make);
    if (made === OTHER_EPOCH) return OTHER_EPOCH;
    if (made === 'untold') {
      // Another one has ended it, or has found that the epoch is over.
      return (await readValue(this.#client, outcomeKey(home, pending.request))) ?? OTHER_EPOCH;
    }
    const outcome = madeBytes(pending.revision, taken);
    const reply = await askScript(this.#client, this.#calls.end(home, pending, outcome));
    return reply[0] === AT_HOME.settled ? (reply[1] as Buffer) : OTHER_EPOCH;
  }

  /**
   * What was made of a correction in an epoch that is over in some partition.
   *
   * @returns null where no number was taken: nobody has seen anything of it.
   */
  async #told(home: CorrectionHome, underWay: CorrectionUnderWay): Promise<MadeCorrection | null> {
    const { pending, taken } = underWay;
    await this.#eachPart(home, underWay, PART_MODES.tell);
    const { retracted, replaced } = taken;
    if (![...retracted, ...replaced].some((number) => number > 0)) return null;
    const behind = BEHIND_EPOCH + (pending.request.readUInt32LE(0) % 2 ** 30) * 2;
    for (const kind of pending.was.kinds) retracted[kind] ||= behind;
    for (const kind of pending.becomes.kinds) replaced[kind] ||= behind + 1;
    return madeCorrection(madeBytes(pending.revision, taken), home.epoch.epoch);
  }

  /** Runs the script of every part, and notes the numbers that are answered, also where some are not. */
  async #eachPart(
    home: CorrectionHome,
    { pending, leftMs, taken }: CorrectionUnderWay,
    mode: (typeof PART_MODES)[keyof typeof PART_MODES],
  ): Promise<'made' | 'untold' | typeof OTHER_EPOCH> {
    const parts = correctedParts(pending, home.epoch.set.partitions);
    const replies = await Promise.allSettled(
      parts.map(async (part) => {
        const reply = await askScript(this.#client, this.#calls.part(home, part, pending, mode, leftMs));
        return noteTaken(reply, part, taken);
      }),
    );
    let outcome: 'made' | 'untold' | typeof OTHER_EPOCH = 'made';
    for (const reply of replies) {
      if (reply.status === 'rejected') throw reply.reason;
      if (reply.value === OTHER_EPOCH) outcome = OTHER_EPOCH;
      else if (reply.value === 'untold' && outcome === 'made') outcome = 'untold';
    }
    return outcome;
  }
}

function noteTaken(
  reply: readonly Reply[],
  { retracts, appends }: { readonly retracts: readonly number[]; readonly appends: readonly number[] },
  { retracted, replaced }: TakenNumbers,
): 'made' | 'untold' | typeof OTHER_EPOCH {
  if (reply[0] === OBSERVED.otherEpoch) return OTHER_EPOCH;
  const numbers = reply[1] as Buffer;
  if (numbers.length === 0) return 'untold';
  for (const [at, kind] of retracts.entries()) retracted[kind] = numbers.readDoubleLE(at * 8);
  for (const [at, kind] of appends.entries()) replaced[kind] = numbers.readDoubleLE((retracts.length + at) * 8);
  return 'made';
}
