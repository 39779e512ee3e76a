import { documentTypeOf } from './documents.ts';
import { parseEndToEndId } from './end-to-end-id.ts';
import { type AccountNameParts, accountKey, type EntityKeys, pairKey } from './entity-keys.ts';
import { daysOfDate, microsOfInstant } from './instant.ts';
import { centavosOf } from './money.ts';
import type { Payment, PaymentDictStatistics, Side } from './payment.ts';

/**
 * A payment as one flat row: what silver stores, what features read, online and offline alike.
 * Timestamps are microseconds since 1970, dates are days since 1970, money is centavos; what the
 * payment does not say is null.
 */
export interface PaymentRow {
  readonly end_to_end_id: string;
  readonly side: Side;
  readonly event_time: number;
  readonly amount_centavos: number;
  readonly end_to_end_id_parses: boolean;
  readonly amount_is_zero: boolean;
  readonly payer_ispb: string | null;
  readonly payer_branch: string | null;
  readonly payer_number: string | null;
  readonly payer_account_type: string | null;
  readonly payer_account_opened_on: number | null;
  readonly payer_document: string | null;
  readonly payer_document_type: string | null;
  readonly payee_ispb: string | null;
  readonly payee_branch: string | null;
  readonly payee_number: string | null;
  readonly payee_account_type: string | null;
  readonly payee_account_opened_on: number | null;
  readonly payee_document: string | null;
  readonly payee_document_type: string | null;
  readonly pix_key_type: string | null;
  readonly pix_key: string | null;
  readonly local_instrument: string | null;
  readonly purpose: string | null;
  readonly device_id: string | null;
  readonly device_enrolled_at: number | null;
  readonly device_logged_in_at: number | null;
  readonly device_limit_raised_at: number | null;
  readonly device_sim_changed_at: number | null;
  readonly device_remote_access: boolean | null;
  readonly device_active_call: boolean | null;
  readonly device_location_available: boolean | null;
  readonly dict_key_created_on: number | null;
  readonly dict_key_owned_since: number | null;
  readonly dict_open_claim: boolean | null;
  readonly dict_person_watermark: number | null;
  readonly dict_person_settlements_d90: number | null;
  readonly dict_person_settlements_m12: number | null;
  readonly dict_person_settlements_m60: number | null;
  readonly dict_person_frauds_d90: number | null;
  readonly dict_person_frauds_m12: number | null;
  readonly dict_person_frauds_m60: number | null;
  readonly dict_person_reporters_d90: number | null;
  readonly dict_person_open_reports: number | null;
  readonly dict_person_registered_accounts: number | null;
  readonly dict_key_watermark: number | null;
  readonly dict_key_settlements_d90: number | null;
  readonly dict_key_frauds_d90: number | null;
  readonly dict_key_frauds_m60: number | null;
}

/** Types of columns, in Delta's words. */
export type ColumnType = 'string' | 'long' | 'boolean' | 'timestamp' | 'date';

/** A column of {@link PaymentRow}. */
export interface PaymentColumn {
  readonly name: keyof PaymentRow;
  readonly type: ColumnType;
  /** Whether it names or describes a person, for masking. */
  readonly personal: boolean;
}

const column = (name: keyof PaymentRow, type: ColumnType, personal = false): PaymentColumn => ({
  name,
  type,
  personal,
});

/** Every column of {@link PaymentRow}, in the order of silver. */
export const PAYMENT_COLUMNS: readonly PaymentColumn[] = [
  column('end_to_end_id', 'string'),
  column('side', 'string'),
  column('event_time', 'timestamp'),
  column('amount_centavos', 'long'),
  column('end_to_end_id_parses', 'boolean'),
  column('amount_is_zero', 'boolean'),
  column('payer_ispb', 'string'),
  column('payer_branch', 'string', true),
  column('payer_number', 'string', true),
  column('payer_account_type', 'string'),
  column('payer_account_opened_on', 'date'),
  column('payer_document', 'string', true),
  column('payer_document_type', 'string'),
  column('payee_ispb', 'string'),
  column('payee_branch', 'string', true),
  column('payee_number', 'string', true),
  column('payee_account_type', 'string'),
  column('payee_account_opened_on', 'date'),
  column('payee_document', 'string', true),
  column('payee_document_type', 'string'),
  column('pix_key_type', 'string'),
  column('pix_key', 'string', true),
  column('local_instrument', 'string'),
  column('purpose', 'string'),
  column('device_id', 'string', true),
  column('device_enrolled_at', 'timestamp'),
  column('device_logged_in_at', 'timestamp'),
  column('device_limit_raised_at', 'timestamp'),
  column('device_sim_changed_at', 'timestamp'),
  column('device_remote_access', 'boolean'),
  column('device_active_call', 'boolean'),
  column('device_location_available', 'boolean'),
  column('dict_key_created_on', 'date'),
  column('dict_key_owned_since', 'date'),
  column('dict_open_claim', 'boolean'),
  column('dict_person_watermark', 'date'),
  column('dict_person_settlements_d90', 'long'),
  column('dict_person_settlements_m12', 'long'),
  column('dict_person_settlements_m60', 'long'),
  column('dict_person_frauds_d90', 'long'),
  column('dict_person_frauds_m12', 'long'),
  column('dict_person_frauds_m60', 'long'),
  column('dict_person_reporters_d90', 'long'),
  column('dict_person_open_reports', 'long'),
  column('dict_person_registered_accounts', 'long'),
  column('dict_key_watermark', 'date'),
  column('dict_key_settlements_d90', 'long'),
  column('dict_key_frauds_d90', 'long'),
  column('dict_key_frauds_m60', 'long'),
];

type DeepPartial<T> = T extends object ? { readonly [K in keyof T]?: DeepPartial<T[K]> | undefined } : T;

/** A payment from a file that lacks what we would ask a payment service for. */
export type ImportedPayment = Pick<Payment, 'endToEndId' | 'side' | 'amount' | 'acceptedAt'> & DeepPartial<Payment>;

/** Flattens a payment whose texts were checked by `parse-payment.ts`. */
export function paymentRow(payment: ImportedPayment): PaymentRow {
  const { payer, payee, device, dict } = payment;
  const amount = centavosOf(payment.amount);
  const person = dict?.person;
  const key = dict?.key;
  return {
    end_to_end_id: payment.endToEndId,
    side: payment.side,
    event_time: microsOfInstant(payment.acceptedAt) ?? 0,
    amount_centavos: amount,
    end_to_end_id_parses: parseEndToEndId(payment.endToEndId) !== undefined,
    amount_is_zero: amount === 0,
    payer_ispb: payer?.ispb ?? null,
    payer_branch: payer?.account?.branch ?? null,
    payer_number: payer?.account?.number ?? null,
    payer_account_type: payer?.account?.type ?? null,
    payer_account_opened_on: days(payer?.account?.openedOn),
    payer_document: payer?.document ?? null,
    payer_document_type: payer?.document === undefined ? null : documentTypeOf(payer.document),
    payee_ispb: payee?.ispb ?? null,
    payee_branch: payee?.account?.branch ?? null,
    payee_number: payee?.account?.number ?? null,
    payee_account_type: payee?.account?.type ?? null,
    payee_account_opened_on: days(payee?.account?.openedOn),
    payee_document: payee?.document ?? null,
    payee_document_type: payee?.document === undefined ? null : documentTypeOf(payee.document),
    pix_key_type: payment.pixKey?.type ?? null,
    pix_key: payment.pixKey?.value ?? null,
    local_instrument: payment.localInstrument ?? null,
    purpose: payment.purpose ?? null,
    device_id: device?.id ?? null,
    device_enrolled_at: micros(device?.enrolledAt),
    device_logged_in_at: micros(device?.loggedInAt),
    device_limit_raised_at: micros(device?.limitRaisedAt),
    device_sim_changed_at: micros(device?.simChangedAt),
    device_remote_access: device?.remoteAccess ?? null,
    device_active_call: device?.activeCall ?? null,
    device_location_available: device?.locationAvailable ?? null,
    dict_key_created_on: days(dict?.keyCreatedOn),
    dict_key_owned_since: days(dict?.keyOwnedSince),
    dict_open_claim: dict?.openClaim ?? null,
    dict_person_watermark: days(person?.watermark),
    dict_person_settlements_d90: person?.settlements?.d90 ?? null,
    dict_person_settlements_m12: person?.settlements?.m12 ?? null,
    dict_person_settlements_m60: person?.settlements?.m60 ?? null,
    dict_person_frauds_d90: frauds(person, 'd90'),
    dict_person_frauds_m12: frauds(person, 'm12'),
    dict_person_frauds_m60: frauds(person, 'm60'),
    dict_person_reporters_d90: person?.distinctFraudReporters?.d90 ?? null,
    dict_person_open_reports: person?.openReports ?? null,
    dict_person_registered_accounts: person?.registeredAccounts ?? null,
    dict_key_watermark: days(key?.watermark),
    dict_key_settlements_d90: key?.settlements?.d90 ?? null,
    dict_key_frauds_d90: frauds(key, 'd90'),
    dict_key_frauds_m60: frauds(key, 'm60'),
  };
}

/** The columns that name a payment's entities. */
export const ENTITY_COLUMNS = [
  'payer_ispb',
  'payer_branch',
  'payer_number',
  'payee_ispb',
  'payee_branch',
  'payee_number',
  'payer_document',
  'payee_document',
  'pix_key',
  'device_id',
] as const satisfies readonly (keyof PaymentRow)[];
/** A column that names an entity. */
export type EntityColumn = (typeof ENTITY_COLUMNS)[number];

/** The keys of the entities that a payment belongs to. */
export function entityKeys(row: Pick<PaymentRow, EntityColumn>): EntityKeys {
  const payer = accountKey(accountName(row.payer_ispb, row.payer_branch, row.payer_number));
  const payee = accountKey(accountName(row.payee_ispb, row.payee_branch, row.payee_number));
  return {
    payer,
    payee,
    pair: pairKey(payer, payee),
    payer_document: row.payer_document,
    payee_document: row.payee_document,
    pix_key: row.pix_key,
    device: row.device_id,
  };
}

function accountName(ispb: string | null, branch: string | null, number: string | null): AccountNameParts {
  return { ispb, branch, number };
}

function micros(text: string | undefined): number | null {
  return text === undefined ? null : (microsOfInstant(text) ?? null);
}

function days(text: string | undefined): number | null {
  return text === undefined ? null : (daysOfDate(text) ?? null);
}

/** The fraud markers of every type together; null where the block names none. */
function frauds(block: DeepPartial<PaymentDictStatistics> | undefined, span: 'd90' | 'm12' | 'm60'): number | null {
  if (block === undefined) return null;
  const { applicationFrauds, muleAccounts, scammerAccounts, otherFrauds, unknownFrauds } = block;
  let sum: number | null = null;
  for (const counter of [applicationFrauds, muleAccounts, scammerAccounts, otherFrauds, unknownFrauds]) {
    const count = counter?.[span];
    if (count !== undefined) sum = (sum ?? 0) + count;
  }
  return sum;
}
