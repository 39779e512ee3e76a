import { assert } from '../base/assert.ts';
import { AppError } from '../base/errors.ts';
import type { Side } from '../domain/payment.ts';
import { type AnswerIndex, fingerprintOf } from '../events/answer-index.ts';
import type { RecordPlace } from '../events/journal.ts';
import type { JournalFiles } from '../events/journal-files.ts';
import { readRecord } from '../events/journal-reader.ts';
import { decodeRecord } from '../events/record-codec.ts';
import type { DecisionArchive } from './decision-archive.ts';
import type { StoredDecision } from './scoring-port.ts';

/** Where answers are kept: memory says where, the journal has the recent ones, the lake all. */
export interface AnswerPlaces {
  readonly index: AnswerIndex;
  readonly files: JournalFiles;
  readonly folder: string;
  readonly archive: DecisionArchive;
}

interface UnderWay {
  readonly sha256: Buffer;
  readonly body: Promise<string>;
}

/** First answers by (endToEndId, side), those under way included. */
export class AnswerBook {
  readonly #places: AnswerPlaces;
  readonly #underWay = new Map<string, UnderWay>();

  constructor(places: AnswerPlaces) {
    this.#places = places;
  }

  /** Requests that are being decided. */
  get underWay(): number {
    return this.#underWay.size;
  }

  /**
   * The first answer to a request, or the promise of it; undefined where it is new.
   *
   * @throws AppError `key_reused` where another payment has the key.
   */
  earlier(endToEndId: string, side: Side, sha256: Buffer, nowMicros: number): Promise<string> | undefined {
    const running = this.#underWay.get(keyOf(endToEndId, side));
    if (running !== undefined) {
      if (!running.sha256.equals(sha256)) throw keyReused();
      return running.body;
    }
    const place = this.#places.index.get(endToEndId, side, nowMicros);
    if (place === undefined) return undefined;
    if (place.fingerprint !== fingerprintOf(sha256)) throw keyReused();
    return this.#stored(endToEndId, side, place, sha256).then((stored) => {
      if (stored === undefined) throw new AppError('storage_failed', 'the first answer is not readable now: try again');
      return stored.body;
    });
  }

  /** Notes a request as under way until its body is there or failed. */
  begin(endToEndId: string, side: Side, sha256: Buffer, body: Promise<string>): void {
    const key = keyOf(endToEndId, side);
    this.#underWay.set(key, { sha256, body });
    const done = (): void => {
      this.#underWay.delete(key);
    };
    body.then(done, done);
  }

  /** Remembers where a durable answer lies. */
  remember(endToEndId: string, side: Side, sha256: Buffer, place: RecordPlace, knownTimeMicros: number): void {
    this.#places.index.put(endToEndId, side, place, fingerprintOf(sha256), knownTimeMicros);
  }

  /** The decision of a payment's side, however old. */
  async find(endToEndId: string, side: Side, nowMicros: number): Promise<StoredDecision | undefined> {
    const place = this.#places.index.get(endToEndId, side, nowMicros);
    if (place !== undefined) return this.#stored(endToEndId, side, place, null);
    return this.#places.archive.find(endToEndId, side, null);
  }

  async #stored(
    endToEndId: string,
    side: Side,
    place: Pick<RecordPlace, 'segment' | 'offset'>,
    sha256: Buffer | null,
  ): Promise<StoredDecision | undefined> {
    const { files, folder, archive } = this.#places;
    const payload = place.segment === 0 ? undefined : await readRecord(files, folder, place);
    if (payload === undefined) return archivedOf(archive, endToEndId, side, sha256);
    const record = decodeRecord(payload);
    if (
      (record.kind !== 'scored' && record.kind !== 'decision') ||
      record.endToEndId !== endToEndId ||
      record.side !== side
    ) {
      throw new AppError('journal_corrupt', 'the index names a record that is not the decision', {
        segment: place.segment,
        offset: place.offset,
      });
    }
    return {
      body: textOf(record.answer),
      knownTimeMicros: record.knownTimeMicros,
      features: record.features,
      featureStatus: record.featureStatus,
    };
  }
}

/** @throws Error where the archive gives the answer of another payment: better none than a wrong one. */
async function archivedOf(
  archive: DecisionArchive,
  endToEndId: string,
  side: Side,
  sha256: Buffer | null,
): Promise<StoredDecision | undefined> {
  const found = await archive.find(endToEndId, side, sha256);
  assert(
    found === undefined || sha256 === null || sha256.equals(found.requestSha256),
    'the archive gives the answer to the request that it is asked for',
  );
  return found;
}

function keyOf(endToEndId: string, side: Side): string {
  return side === 'PAYER' ? `${endToEndId}>` : `${endToEndId}<`;
}

function keyReused(): AppError {
  return new AppError(
    'key_reused',
    'another payment was sent under this endToEndId and side: a repeat must be the same payment',
  );
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}
