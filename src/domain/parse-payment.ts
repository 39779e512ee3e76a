import { type TObject, type TProperties, type TSchema, Type } from 'typebox';
import { AppError } from '../base/errors.ts';
import type { DegradedReason } from './decision.ts';
import { isValidDocument } from './documents.ts';
import { daysOfDate, instantOfMicros, microsOfInstant, NO_INSTANT } from './instant.ts';
import { amountOf } from './money.ts';
import { type Payment, PaymentSchema } from './payment.ts';
import { type ImportedPayment, type PaymentRow, paymentRow } from './payment-row.ts';
import { isKnownPixKeyType, isValidPixKey, pixKeyRule } from './pix-key.ts';
import { type FieldProblem, schemaCheck } from './schema-errors.ts';

/** A payment that can be scored. */
export interface ParsedPayment {
  /** With each text in its one form: what the canonical form and its hash are of. */
  readonly payment: Payment;
  readonly row: PaymentRow;
  /** What the payment itself lacks for a full decision. */
  readonly degraded: readonly DegradedReason[];
}

const check = schemaCheck<Payment>(PaymentSchema);

/**
 * Checks a decoded body of `/v1/score` and flattens it.
 *
 * @throws AppError `invalid_payment` that names the first wrong field, never its value.
 */
export function parsePayment(body: unknown): ParsedPayment {
  if (!check.is(body)) throw invalid(check.problemOf(body));
  const problem = problemOfMeaning(body);
  if (problem !== undefined) throw invalid(problem);
  const row = paymentRow(body);
  return { payment: normalPayment(body, row), row, degraded: degradedBy(row) };
}

/** Whether an instant has the form in which every one of ours is written: milliseconds. */
function isNormalInstant(text: string | undefined): boolean {
  return text === undefined || text.length === 24;
}

/** Whether an amount has no zero before its first digit that counts. */
function isNormalAmount(amount: string): boolean {
  return amount.charCodeAt(0) !== 0x30 || amount.length === 4;
}

function isNormalDevice(device: Payment['device']): boolean {
  return (
    device === undefined ||
    (isNormalInstant(device.enrolledAt) &&
      isNormalInstant(device.loggedInAt) &&
      isNormalInstant(device.limitRaisedAt) &&
      isNormalInstant(device.simChangedAt))
  );
}

/**
 * The payment with each text in its one form, so that `12:00:00Z` and `12:00:00.000Z`, or the same
 * payment over the other way in, are the same payment.
 */
function normalPayment(payment: Payment, row: PaymentRow): Payment {
  const { device } = payment;
  if (isNormalAmount(payment.amount) && isNormalInstant(payment.acceptedAt) && isNormalDevice(device)) return payment;
  return {
    ...payment,
    amount: amountOf(row.amount_centavos),
    acceptedAt: instantOfMicros(row.event_time),
    ...(device === undefined
      ? {}
      : {
          device: {
            ...device,
            ...normalInstant('enrolledAt', row.device_enrolled_at),
            ...normalInstant('loggedInAt', row.device_logged_in_at),
            ...normalInstant('limitRaisedAt', row.device_limit_raised_at),
            ...normalInstant('simChangedAt', row.device_sim_changed_at),
          },
        }),
  };
}

function normalInstant(name: string, micros: number | null): Record<string, string> {
  return micros === null ? {} : { [name]: instantOfMicros(micros) };
}

const checkImported = schemaCheck<ImportedPayment>(
  relaxed(PaymentSchema, new Set(['endToEndId', 'side', 'amount', 'acceptedAt'])),
);

/**
 * Checks a payment from a file, which may lack everything but id, side, amount and time.
 *
 * @throws AppError `invalid_payment` that names the first wrong field, never its value.
 */
export function parseImportedPayment(body: unknown): { payment: ImportedPayment; row: PaymentRow } {
  if (!checkImported.is(body)) throw invalid(checkImported.problemOf(body));
  const problem = problemOfMeaning(body);
  if (problem !== undefined) throw invalid(problem);
  return { payment: body, row: paymentRow(body) };
}

function invalid({ field, problem }: FieldProblem): AppError {
  const where = field === '' ? 'the payment' : field;
  return new AppError('invalid_payment', `${where} ${problem}`, field === '' ? {} : { field });
}

/** The same schema with every field optional but the named ones of the top. */
function relaxed(schema: TObject<TProperties>, kept: ReadonlySet<string>): TSchema {
  const properties: Record<string, TSchema> = {};
  for (const [name, member] of Object.entries(schema.properties)) {
    const inner = 'properties' in member ? relaxed(member as TObject<TProperties>, new Set()) : member;
    properties[name] = kept.has(name) ? inner : Type.Optional(inner);
  }
  return Type.Object(properties, { additionalProperties: false });
}

function degradedBy(row: PaymentRow): DegradedReason[] {
  const reasons: DegradedReason[] = [];
  if (!row.end_to_end_id_parses) reasons.push('end_to_end_id_unparsed');
  if (row.pix_key_type !== null && !isKnownPixKeyType(row.pix_key_type)) reasons.push('pix_key_type_unknown');
  return reasons;
}

/** What a schema cannot say: check digits, real dates, keys of their type, keys and instruments. */
function problemOfMeaning(payment: ImportedPayment): FieldProblem | undefined {
  return (
    problemOfDocument('payer', payment.payer?.document) ??
    problemOfDocument('payee', payment.payee?.document) ??
    problemOfInstants(payment) ??
    problemOfDates(payment) ??
    problemOfKey(payment)
  );
}

function problemOfDocument(party: string, document: string | undefined): FieldProblem | undefined {
  if (document === undefined || isValidDocument(document)) return undefined;
  return { field: `${party}.document`, problem: 'has wrong check digits' };
}

function problemOfInstants({ acceptedAt, device }: ImportedPayment): FieldProblem | undefined {
  return (
    problemOfInstant('acceptedAt', acceptedAt) ??
    problemOfInstant('device.enrolledAt', device?.enrolledAt) ??
    problemOfInstant('device.loggedInAt', device?.loggedInAt) ??
    problemOfInstant('device.limitRaisedAt', device?.limitRaisedAt) ??
    problemOfInstant('device.simChangedAt', device?.simChangedAt)
  );
}

function problemOfInstant(field: string, text: string | undefined): FieldProblem | undefined {
  if (text === undefined || microsOfInstant(text) !== undefined) return undefined;
  return { field, problem: NO_INSTANT };
}

function problemOfDates({ payer, payee, dict }: ImportedPayment): FieldProblem | undefined {
  return (
    problemOfDate('payer.account.openedOn', payer?.account?.openedOn) ??
    problemOfDate('payee.account.openedOn', payee?.account?.openedOn) ??
    problemOfDate('dict.keyCreatedOn', dict?.keyCreatedOn) ??
    problemOfDate('dict.keyOwnedSince', dict?.keyOwnedSince) ??
    problemOfDate('dict.person.watermark', dict?.person?.watermark) ??
    problemOfDate('dict.key.watermark', dict?.key?.watermark)
  );
}

function problemOfDate(field: string, text: string | undefined): FieldProblem | undefined {
  if (text === undefined || daysOfDate(text) !== undefined) return undefined;
  return { field, problem: 'is not a real date' };
}

function problemOfKey({ pixKey, localInstrument }: ImportedPayment): FieldProblem | undefined {
  // JSON can say half of a pair of surrogates, and tables cannot.
  if (pixKey?.value?.isWellFormed() === false) return { field: 'pixKey.value', problem: 'is not Unicode text' };
  if (pixKey?.type !== undefined && pixKey.value !== undefined && !isValidPixKey(pixKey.type, pixKey.value)) {
    return { field: 'pixKey.value', problem: 'has not the form of its type' };
  }
  if (localInstrument === undefined) return undefined;
  const rule = pixKeyRule(localInstrument);
  if (rule === 'required' && pixKey === undefined) {
    return { field: 'pixKey', problem: `is missing: ${localInstrument} needs one` };
  }
  if (rule === 'forbidden' && pixKey !== undefined) {
    return { field: 'pixKey', problem: `must be absent with ${localInstrument}` };
  }
  return undefined;
}
