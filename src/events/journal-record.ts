import { assert, unreachable } from '../base/assert.ts';
import { AppError } from '../base/errors.ts';
import type { EntityNumber, EntityNumbers } from '../domain/entity-keys.ts';
import { LABEL_STATES, type LabelState } from '../domain/label.ts';
import type { Side } from '../domain/payment.ts';
import { type ByteReader, type ByteWriter, byteReader, byteWriter } from './byte-codec.ts';

/** Which way a record came in; it names the form of its raw bytes. */
export type RecordSource = 'http' | 'grpc' | 'import';

/** A payment as it came in. */
export interface PaymentPart {
  readonly endToEndId: string;
  readonly side: Side;
  readonly source: RecordSource;
  /** SHA-256 of the canonical form of the parsed payment: 32 bytes. */
  readonly requestSha256: Uint8Array;
  /** The body, byte for byte: JSON over HTTP, a protobuf message over gRPC. */
  readonly raw: Uint8Array;
}

/** A decision as it goes out, with what it was made of. */
export interface DecisionPart {
  /**
   * Whether this record is the payment's event, or its second side. Says nothing where the store did
   * not answer (`saw` has no number): then a sequence record follows once it is known.
   */
  readonly isEvent: boolean;
  /** Numbers that the event took; nulls on a second side, or where they are not known yet. */
  readonly numbers: EntityNumbers;
  /** The last numbers that the decision could see; nulls where it saw nothing. */
  readonly saw: EntityNumbers;
  /** The HTTP answer's JSON, byte for byte. */
  readonly answer: Uint8Array;
  /** Feature values in the order of the set; NaN is absent. */
  readonly features: Float64Array;
  /** Why a value is absent, a status a feature. */
  readonly featureStatus: Uint8Array;
}

/** Embedded: the event and its decision are one record. */
export interface ScoredRecord extends PaymentPart, DecisionPart {
  readonly kind: 'scored';
  readonly knownTimeMicros: number;
}

/** Redis: the event alone, durable before state is touched. Its numbers come with a decision or a sequence record. */
export interface PaymentRecord extends PaymentPart {
  readonly kind: 'payment';
  readonly knownTimeMicros: number;
}

/**
 * Redis: the decision of a payment record before it, with the numbers that its event took. The
 * lake makes a row of `bronze/decisions` of it and, where the store answered, one of `bronze/sequences`.
 */
export interface DecisionRecord extends DecisionPart {
  readonly kind: 'decision';
  readonly knownTimeMicros: number;
  readonly endToEndId: string;
  readonly side: Side;
  readonly source: RecordSource;
  readonly requestSha256: Uint8Array;
}

/** A label. */
export interface LabelRecord {
  readonly kind: 'label';
  readonly knownTimeMicros: number;
  readonly endToEndId: string;
  readonly source: RecordSource;
  readonly state: LabelState;
  readonly eventTimeMicros: number;
  /** The payee's account key: the payment's, else the caller's, else null. */
  readonly payeeAccount: string | null;
  /** The number that it took in the payee's state. */
  readonly number: EntityNumber | null;
  readonly raw: Uint8Array;
}

/** Redis: numbers of an event that were learned after its decision (or without one). */
export interface SequenceRecord {
  readonly kind: 'sequence';
  readonly knownTimeMicros: number;
  readonly endToEndId: string;
  readonly side: Side;
  readonly isEvent: boolean;
  readonly numbers: EntityNumbers;
}

/** The opening of an epoch: what its state was built from. */
export interface EpochRecord {
  readonly kind: 'epoch';
  readonly knownTimeMicros: number;
  readonly epoch: number;
  readonly reason: string;
  /** Version of silver.transactions that was read; null where there was none. */
  readonly silverVersion: number | null;
  /** The last position of each journal that is in the epoch's base. */
  readonly offsets: Readonly<Record<string, number>>;
}

/** Everything that a journal holds. */
export type JournalRecord = ScoredRecord | PaymentRecord | DecisionRecord | LabelRecord | SequenceRecord | EpochRecord;

/*
 * payload = kind:u8  knownTime:f64  body
 *   scored   = payment decision          payment = id:text side:u8 source:u8 sha:32 raw:bytes
 *   decision = id side source sha decision
 *                                        decision = isEvent:u8 numbers saw answer:bytes n:u16 f64{n} u8{n}
 *   label    = id source state:u8 eventTime:f64 account:text? number raw:bytes
 *   sequence = id side isEvent numbers
 *   epoch    = JSON:bytes
 *   numbers  = number{3}                 number = epoch:u32 (0 = none) seq:f64
 */
const KINDS = ['scored', 'payment', 'decision', 'label', 'sequence', 'epoch'] as const;
const SOURCES: readonly RecordSource[] = ['http', 'grpc', 'import'];
const SIDE_CODES: readonly Side[] = ['PAYER', 'PAYEE'];

/** Encodes a record; the result is the caller's. */
export function encodeRecord(record: JournalRecord): Buffer {
  const out = byteWriter(256 + sizeOf(record));
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
  try {
    return decode(byteReader(payload));
  } catch (error) {
    throw new AppError(
      'journal_corrupt',
      'a journal record cannot be decoded: it was written by another version',
      {},
      error,
    );
  }
}

function decode(from: ByteReader): JournalRecord {
  const kind = KINDS[from.u8() - 1];
  const knownTimeMicros = from.f64();
  switch (kind) {
    case 'scored': {
      const identity = readIdentity(from);
      const raw = from.bytes();
      return { kind, knownTimeMicros, ...identity, raw, ...readDecision(from) };
    }
    case 'payment':
      return { kind, knownTimeMicros, ...readIdentity(from), raw: from.bytes() };
    case 'decision':
      return { kind, knownTimeMicros, ...readIdentity(from), ...readDecision(from) };
    case 'label':
      return readLabel(from, knownTimeMicros);
    case 'sequence':
      return {
        kind,
        knownTimeMicros,
        endToEndId: from.text(),
        side: at(SIDE_CODES, from.u8()),
        isEvent: from.u8() === 1,
        numbers: readNumbers(from),
      };
    case 'epoch': {
      const body = JSON.parse(Buffer.from(from.bytes()).toString('utf8')) as Omit<
        EpochRecord,
        'kind' | 'knownTimeMicros'
      >;
      return { ...body, kind, knownTimeMicros };
    }
    default:
      throw new Error('unknown kind of record');
  }
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

function readIdentity(from: ByteReader): Identity {
  return {
    endToEndId: from.text(),
    side: at(SIDE_CODES, from.u8()),
    source: at(SOURCES, from.u8()),
    requestSha256: from.raw(32),
  };
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

function readDecision(from: ByteReader): DecisionPart {
  const isEvent = from.u8() === 1;
  const numbers = readNumbers(from);
  const saw = readNumbers(from);
  const answer = from.bytes();
  const count = from.u16();
  return { isEvent, numbers, saw, answer, features: from.f64Array(count), featureStatus: from.raw(count) };
}

function writeLabel(out: ByteWriter, record: LabelRecord): void {
  out.text(record.endToEndId);
  out.u8(SOURCES.indexOf(record.source));
  out.u8(LABEL_STATES.indexOf(record.state));
  out.f64(record.eventTimeMicros);
  out.u8(record.payeeAccount === null ? 0 : 1);
  out.text(record.payeeAccount ?? '');
  writeNumber(out, record.number);
  out.bytes(record.raw);
}

function readLabel(from: ByteReader, knownTimeMicros: number): LabelRecord {
  const endToEndId = from.text();
  const source = at(SOURCES, from.u8());
  const state = at(LABEL_STATES, from.u8());
  const eventTimeMicros = from.f64();
  const hasAccount = from.u8() === 1;
  const account = from.text();
  const number = readNumber(from);
  return {
    kind: 'label',
    knownTimeMicros,
    endToEndId,
    source,
    state,
    eventTimeMicros,
    payeeAccount: hasAccount ? account : null,
    number,
    raw: from.bytes(),
  };
}

function writeNumbers(out: ByteWriter, { payer, payee, pair }: EntityNumbers): void {
  writeNumber(out, payer);
  writeNumber(out, payee);
  writeNumber(out, pair);
}

function writeNumber(out: ByteWriter, number: EntityNumber | null): void {
  out.u32(number === null ? 0 : number.epoch);
  out.f64(number === null ? 0 : number.seq);
}

function readNumbers(from: ByteReader): EntityNumbers {
  return { payer: readNumber(from), payee: readNumber(from), pair: readNumber(from) };
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
