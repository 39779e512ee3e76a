import { assert, unreachable } from '../base/assert.ts';
import { AppError } from '../base/errors.ts';
import type { EntityNumber, EntityNumbers } from '../domain/entity-keys.ts';
import { LABEL_STATES } from '../domain/label.ts';
import type { Side } from '../domain/payment.ts';
import { type ByteReader, type ByteWriter, byteReader, byteWriter } from './byte-codec.ts';
import type {
  DecisionPart,
  DecisionRecord,
  EpochRecord,
  JournalRecord,
  LabelRecord,
  PaymentEvent,
  PaymentPart,
  PaymentRecord,
  RecordBodies,
  RecordSource,
  ScoredRecord,
  SequenceRecord,
  SkimmedRecord,
} from './journal-record.ts';

/*
 * payload = kind:u8  knownTime:f64  body
 *   scored   = payment decision          payment = id:text side:u8 source:u8 sha:32 event raw:bytes
 *                                        event = eventTime:f64 amount:f64 account?{2}
 *   decision = id side source sha decision
 *                                        decision = isEvent:u8 numbers saw answer:bytes n:u16 f64{n} u8{n}
 *   label    = id source state:u8 eventTime:f64 account? number raw:bytes
 *   sequence = id side isEvent numbers
 *   epoch    = JSON:bytes
 *   account? = isThere:u8 text
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
      writeEvent(out, record);
      out.bytes(record.raw);
      writeDecision(out, record);
      break;
    case 'payment':
      writeIdentity(out, record);
      writeEvent(out, record);
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
  return decodeWith(payload, (from) => {
    const head = readHead(from);
    switch (head.kind) {
      case 'scored': {
        const raw = from.bytes();
        return { ...head, raw, ...readDecision(from) };
      }
      case 'payment':
        return { ...head, raw: from.bytes() };
      case 'decision':
        return { ...head, ...readDecision(from) };
      case 'label':
        return { ...head, raw: from.bytes() };
      default:
        return head;
    }
  });
}

/**
 * Decodes what state is built from, a fifth of the time of {@link decodeRecord}.
 *
 * @throws AppError as {@link decodeRecord}.
 */
export function skimRecord(payload: Buffer): SkimmedRecord {
  return decodeWith(payload, (from) => {
    const head = readHead(from);
    if (head.kind === 'scored') from.skip(from.u32());
    return head.kind === 'scored' || head.kind === 'decision' ? { ...head, ...readOutcome(from) } : head;
  });
}

function decodeWith<T>(payload: Buffer, decode: (from: ByteReader) => T): T {
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

type Outcome = Pick<DecisionPart, 'isEvent' | 'numbers' | 'saw'>;

type RecordHead =
  | Omit<ScoredRecord, RecordBodies | keyof Outcome>
  | Omit<PaymentRecord, RecordBodies>
  | Omit<DecisionRecord, RecordBodies | keyof Outcome>
  | Omit<LabelRecord, RecordBodies>
  | SequenceRecord
  | EpochRecord;

/** What comes before the first body. */
function readHead(from: ByteReader): RecordHead {
  const kind = KINDS[from.u8() - 1];
  const knownTimeMicros = from.f64();
  switch (kind) {
    case 'scored':
      return { kind, knownTimeMicros, ...readIdentity(from), ...readEvent(from) };
    case 'payment':
      return { kind, knownTimeMicros, ...readIdentity(from), ...readEvent(from) };
    case 'decision':
      return { kind, knownTimeMicros, ...readIdentity(from) };
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

type Identity = Omit<PaymentPart, 'raw' | keyof PaymentEvent>;

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

function writeEvent(out: ByteWriter, event: PaymentEvent): void {
  out.f64(event.eventTimeMicros);
  out.f64(event.amountCentavos);
  writeAccount(out, event.payerAccount);
  writeAccount(out, event.payeeAccount);
}

function readEvent(from: ByteReader): PaymentEvent {
  return {
    eventTimeMicros: from.f64(),
    amountCentavos: from.f64(),
    payerAccount: readAccount(from),
    payeeAccount: readAccount(from),
  };
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

function readOutcome(from: ByteReader): Outcome {
  return { isEvent: from.u8() === 1, numbers: readNumbers(from), saw: readNumbers(from) };
}

function readDecision(from: ByteReader): DecisionPart {
  const outcome = readOutcome(from);
  const answer = from.bytes();
  const count = from.u16();
  return { ...outcome, answer, features: from.f64Array(count), featureStatus: from.raw(count) };
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

function readLabel(from: ByteReader, knownTimeMicros: number): Omit<LabelRecord, RecordBodies> {
  return {
    kind: 'label',
    knownTimeMicros,
    endToEndId: from.text(),
    source: at(SOURCES, from.u8()),
    state: at(LABEL_STATES, from.u8()),
    eventTimeMicros: from.f64(),
    payeeAccount: readAccount(from),
    number: readNumber(from),
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
