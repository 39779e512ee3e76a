import { assert, unreachable } from '../base/assert.ts';
import { AppError } from '../base/errors.ts';
import { ENTITY_KINDS, type EntityKind, type EntityNumber, type EntityNumbers } from '../domain/entity-keys.ts';
import { LABEL_STATES } from '../domain/label.ts';
import type { Side } from '../domain/payment.ts';
import { ByteReader, ByteWriter } from './byte-codec.ts';
import type {
  CorrectionRecord,
  DecisionPart,
  DecisionRecord,
  EpochRecord,
  IntentRecord,
  JournalRecord,
  LabelRecord,
  PaymentPart,
  PaymentRecord,
  RecordSource,
  ScoredRecord,
  SequenceRecord,
  SkimmedRecord,
} from './journal-record.ts';

/*
 * payload = kind:u8  knownTime:f64  body
 *   scored   = payment decision          payment = id:text side:u8 source:u8 sha:32 raw:bytes
 *   decision = id side source sha decision
 *                                        decision = isEvent:u8 numbers saw answer:bytes n:u16 f64{n} u8{n}
 *   label    = id source state:u8 eventTime:f64 account? number raw:bytes
 *   sequence = id side isEvent numbers
 *   epoch    = JSON:bytes
 *   correction = id source correctedAt:f64 isApplied:u8 numbers numbers raw:bytes settles?, the numbers retracted and replaced
 *   intent   = request:text id isVoid:u8 source correctedAt:f64 raw:bytes
 *   settles? = nothing, or request:text revision:f64
 *   account? = isThere:u8 text
 *   numbers  = n:u8 number{n}, in the order of ENTITY_KINDS, of which there may come to be more
 *   number   = epoch:u32 (0 = none) seq:f64
 */
const KINDS = ['scored', 'payment', 'decision', 'label', 'sequence', 'epoch', 'correction', 'intent'] as const;
const SOURCES: readonly RecordSource[] = ['http', 'grpc', 'import'];
const SIDE_CODES: readonly Side[] = ['PAYER', 'PAYEE'];

/** Encodes a record; the result is the caller's. */
export function encodeRecord(record: JournalRecord): Buffer {
  const out = new ByteWriter(256 + sizeOf(record));
  out.u8(KINDS.indexOf(record.kind) + 1);
  out.f64(record.knownTimeMicros);
  switch (record.kind) {
    case 'scored':
      writeIdentity(out, record);
      out.bytes(record.raw);
      writeDecision(out, record);
      break;
    case 'payment':
      writeIdentity(out, record);
      out.bytes(record.raw);
      break;
    case 'decision':
      writeIdentity(out, record);
      writeDecision(out, record);
      break;
    case 'label':
      writeLabel(out, record);
      break;
    case 'correction':
      writeCorrection(out, record);
      break;
    case 'intent':
      writeIntent(out, record);
      break;
    case 'sequence':
      out.text(record.endToEndId);
      out.u8(SIDE_CODES.indexOf(record.side));
      out.u8(record.isEvent ? 1 : 0);
      writeNumbers(out, record.numbers);
      break;
    case 'epoch':
      out.bytes(Buffer.from(JSON.stringify({ ...record, kind: undefined, knownTimeMicros: undefined })));
      break;
    default:
      unreachable(record);
  }
  return out.finish();
}

/**
 * Decodes a record; byte parts are views into the payload.
 *
 * @throws AppError `journal_corrupt` for a payload that no version of ours wrote.
 */
export function decodeRecord(payload: Buffer): JournalRecord {
  return decodeWith(payload, true);
}

/**
 * Decodes what state is built from: the bodies are passed over.
 *
 * @throws AppError as {@link decodeRecord}.
 */
export function skimRecord(payload: Buffer): SkimmedRecord {
  return decodeWith(payload, false);
}

function decodeWith(payload: Buffer, withBodies: boolean): JournalRecord {
  try {
    const record = decode(new ByteReader(payload), withBodies);
    if ('features' in record && record.features.length !== record.featureStatus.length) {
      throw new RangeError('there is not a status a feature');
    }
    return record;
  } catch (error) {
    throw new AppError(
      'journal_corrupt',
      'a journal record cannot be decoded: it was written by another version',
      {},
      error,
    );
  }
}

function decode(from: ByteReader, withBodies: boolean): JournalRecord {
  const kind = KINDS[from.u8() - 1];
  const knownTimeMicros = from.f64();
  switch (kind) {
    case 'scored':
      return readScored(from, knownTimeMicros, withBodies);
    case 'payment':
      return readPayment(from, knownTimeMicros, withBodies);
    case 'decision':
      return readDecision(from, knownTimeMicros, withBodies);
    case 'label':
      return readLabel(from, knownTimeMicros, withBodies);
    case 'correction':
      return readCorrection(from, knownTimeMicros, withBodies);
    case 'intent':
      return readIntent(from, knownTimeMicros, withBodies);
    case 'sequence':
      return readSequence(from, knownTimeMicros);
    case 'epoch':
      return readEpoch(from, knownTimeMicros);
    default:
      throw new Error('unknown kind of record');
  }
}

/*
 * Members are read in the order in which a literal names them. Each record is one literal: put
 * together from parts by spreading it takes ten times as long, 7 µs.
 */

function readScored(from: ByteReader, knownTimeMicros: number, withBodies: boolean): ScoredRecord {
  return {
    kind: 'scored',
    knownTimeMicros,
    endToEndId: from.text(),
    side: at(SIDE_CODES, from.u8()),
    source: at(SOURCES, from.u8()),
    requestSha256: from.raw(32),
    raw: readBody(from, withBodies),
    isEvent: from.u8() === 1,
    numbers: readNumbers(from),
    saw: readNumbers(from),
    answer: readBody(from, withBodies),
    features: withBodies ? from.f64Array(from.u16()) : NO_FEATURES,
    featureStatus: withBodies ? from.rest() : NO_BYTES,
  };
}

function readPayment(from: ByteReader, knownTimeMicros: number, withBodies: boolean): PaymentRecord {
  return {
    kind: 'payment',
    knownTimeMicros,
    endToEndId: from.text(),
    side: at(SIDE_CODES, from.u8()),
    source: at(SOURCES, from.u8()),
    requestSha256: from.raw(32),
    raw: readBody(from, withBodies),
  };
}

function readDecision(from: ByteReader, knownTimeMicros: number, withBodies: boolean): DecisionRecord {
  return {
    kind: 'decision',
    knownTimeMicros,
    endToEndId: from.text(),
    side: at(SIDE_CODES, from.u8()),
    source: at(SOURCES, from.u8()),
    requestSha256: from.raw(32),
    isEvent: from.u8() === 1,
    numbers: readNumbers(from),
    saw: readNumbers(from),
    answer: readBody(from, withBodies),
    features: withBodies ? from.f64Array(from.u16()) : NO_FEATURES,
    featureStatus: withBodies ? from.rest() : NO_BYTES,
  };
}

function readLabel(from: ByteReader, knownTimeMicros: number, withBodies: boolean): LabelRecord {
  return {
    kind: 'label',
    knownTimeMicros,
    endToEndId: from.text(),
    source: at(SOURCES, from.u8()),
    state: at(LABEL_STATES, from.u8()),
    eventTimeMicros: from.f64(),
    payeeAccount: readAccount(from),
    number: readNumber(from),
    raw: readBody(from, withBodies),
  };
}

function readCorrection(from: ByteReader, knownTimeMicros: number, withBodies: boolean): CorrectionRecord {
  const record: CorrectionRecord = {
    kind: 'correction',
    knownTimeMicros,
    endToEndId: from.text(),
    source: at(SOURCES, from.u8()),
    correctedAtMicros: from.f64(),
    isApplied: from.u8() === 1,
    retracted: readNumbers(from),
    replaced: readNumbers(from),
    raw: readBody(from, withBodies),
  };
  if (from.isAtEnd) return record;
  return { ...record, settles: { request: from.text(), revision: from.f64() } };
}

function readIntent(from: ByteReader, knownTimeMicros: number, withBodies: boolean): IntentRecord {
  return {
    kind: 'intent',
    knownTimeMicros,
    request: from.text(),
    endToEndId: from.text(),
    isVoid: from.u8() === 1,
    source: at(SOURCES, from.u8()),
    correctedAtMicros: from.f64(),
    raw: readBody(from, withBodies),
  };
}

function readSequence(from: ByteReader, knownTimeMicros: number): SequenceRecord {
  return {
    kind: 'sequence',
    knownTimeMicros,
    endToEndId: from.text(),
    side: at(SIDE_CODES, from.u8()),
    isEvent: from.u8() === 1,
    numbers: readNumbers(from),
  };
}

function readEpoch(from: ByteReader, knownTimeMicros: number): EpochRecord {
  const body = JSON.parse(Buffer.from(from.bytes()).toString('utf8')) as Omit<EpochRecord, 'kind' | 'knownTimeMicros'>;
  return { ...body, kind: 'epoch', knownTimeMicros };
}

const NO_BYTES = new Uint8Array(0);
const NO_FEATURES = new Float64Array(0);

function readBody(from: ByteReader, isWanted: boolean): Uint8Array {
  const length = from.u32();
  if (isWanted) return from.raw(length);
  from.skip(length);
  return NO_BYTES;
}

function sizeOf(record: JournalRecord): number {
  let size = 0;
  if ('raw' in record) size += record.raw.length;
  if ('answer' in record) size += record.answer.length + record.features.length * 9;
  if (record.kind === 'epoch') size += 1024 + Object.keys(record.offsets).length * 80;
  return size;
}

type Identity = Omit<PaymentPart, 'raw'>;

function writeIdentity(out: ByteWriter, record: Identity): void {
  out.text(record.endToEndId);
  out.u8(SIDE_CODES.indexOf(record.side));
  out.u8(SOURCES.indexOf(record.source));
  assert(record.requestSha256.length === 32, 'a SHA-256 has 32 bytes');
  out.raw(record.requestSha256);
}

function writeAccount(out: ByteWriter, account: string | null): void {
  out.u8(account === null ? 0 : 1);
  out.text(account ?? '');
}

function readAccount(from: ByteReader): string | null {
  const isThere = from.u8() === 1;
  const account = from.text();
  return isThere ? account : null;
}

function writeDecision(out: ByteWriter, record: DecisionPart): void {
  assert(record.features.length === record.featureStatus.length, 'a status a feature');
  out.u8(record.isEvent ? 1 : 0);
  writeNumbers(out, record.numbers);
  writeNumbers(out, record.saw);
  out.bytes(record.answer);
  out.u16(record.features.length);
  out.f64Array(record.features);
  out.raw(record.featureStatus);
}

function writeLabel(out: ByteWriter, record: LabelRecord): void {
  out.text(record.endToEndId);
  out.u8(SOURCES.indexOf(record.source));
  out.u8(LABEL_STATES.indexOf(record.state));
  out.f64(record.eventTimeMicros);
  writeAccount(out, record.payeeAccount);
  writeNumber(out, record.number);
  out.bytes(record.raw);
}

function writeCorrection(out: ByteWriter, record: CorrectionRecord): void {
  out.text(record.endToEndId);
  out.u8(SOURCES.indexOf(record.source));
  out.f64(record.correctedAtMicros);
  out.u8(record.isApplied ? 1 : 0);
  writeNumbers(out, record.retracted);
  writeNumbers(out, record.replaced);
  out.bytes(record.raw);
  if (record.settles === undefined) return;
  out.text(record.settles.request);
  out.f64(record.settles.revision);
}

function writeIntent(out: ByteWriter, record: IntentRecord): void {
  out.text(record.request);
  out.text(record.endToEndId);
  out.u8(record.isVoid ? 1 : 0);
  out.u8(SOURCES.indexOf(record.source));
  out.f64(record.correctedAtMicros);
  out.bytes(record.raw);
}

function writeNumbers(out: ByteWriter, numbers: EntityNumbers): void {
  out.u8(ENTITY_KINDS.length);
  for (let kind = 0; kind < ENTITY_KINDS.length; kind += 1) writeNumber(out, numbers[ENTITY_KINDS[kind] as EntityKind]);
}

function writeNumber(out: ByteWriter, number: EntityNumber | null): void {
  out.u32(number === null ? 0 : number.epoch);
  out.f64(number === null ? 0 : number.seq);
}

function readNumbers(from: ByteReader): EntityNumbers {
  const count = from.u8();
  if (count > ENTITY_KINDS.length) throw new RangeError('there are more kinds of entity than this version knows');
  const next = (kind: number): EntityNumber | null => (kind < count ? readNumber(from) : null);
  // One literal: put together by a loop it takes ten times as long.
  return {
    payer: next(0),
    payee: next(1),
    pair: next(2),
    payer_document: next(3),
    payee_document: next(4),
    pix_key: next(5),
    device: next(6),
  };
}

function readNumber(from: ByteReader): EntityNumber | null {
  const epoch = from.u32();
  const seq = from.f64();
  return epoch === 0 ? null : { epoch, seq };
}

function at<T>(values: readonly T[], index: number): T {
  const value = values[index];
  if (value === undefined) throw new Error('a code is out of range');
  return value;
}
