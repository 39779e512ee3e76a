import type { PaymentRow } from '../../domain/payment-row.ts';

type NumberColumn = {
  [K in keyof PaymentRow]: PaymentRow[K] extends number | boolean | null ? K : never;
}[keyof PaymentRow];
type TextColumn = Exclude<keyof PaymentRow, NumberColumn>;

/** Puts a column of a payment into place `at`. */
type LoadNumber = (row: PaymentRow, numbers: Float64Array, at: number) => void;
type LoadText = (row: PaymentRow, texts: (string | null)[], at: number) => void;

/*
 * One function for each column, each with the column's name in its code: the engine then knows where the field lies.
 * Fields read by a computed name, `row[name]`, took half of the time of all expressions, and every instant that was read
 * so became an object of 16 bytes.
 */

/** Loads numbers, instants, dates and booleans; NaN where the payment does not say. */
export const NUMBER_LOADERS: Readonly<Record<NumberColumn, LoadNumber>> = {
  event_time: (row, numbers, at) => store(row.event_time, numbers, at),
  amount_centavos: (row, numbers, at) => store(row.amount_centavos, numbers, at),
  end_to_end_id_parses: (row, numbers, at) => store(row.end_to_end_id_parses, numbers, at),
  amount_is_zero: (row, numbers, at) => store(row.amount_is_zero, numbers, at),
  payer_account_opened_on: (row, numbers, at) => store(row.payer_account_opened_on, numbers, at),
  payee_account_opened_on: (row, numbers, at) => store(row.payee_account_opened_on, numbers, at),
  device_enrolled_at: (row, numbers, at) => store(row.device_enrolled_at, numbers, at),
  device_logged_in_at: (row, numbers, at) => store(row.device_logged_in_at, numbers, at),
  device_limit_raised_at: (row, numbers, at) => store(row.device_limit_raised_at, numbers, at),
  device_sim_changed_at: (row, numbers, at) => store(row.device_sim_changed_at, numbers, at),
  device_remote_access: (row, numbers, at) => store(row.device_remote_access, numbers, at),
  device_active_call: (row, numbers, at) => store(row.device_active_call, numbers, at),
  device_location_available: (row, numbers, at) => store(row.device_location_available, numbers, at),
  dict_key_created_on: (row, numbers, at) => store(row.dict_key_created_on, numbers, at),
  dict_key_owned_since: (row, numbers, at) => store(row.dict_key_owned_since, numbers, at),
  dict_open_claim: (row, numbers, at) => store(row.dict_open_claim, numbers, at),
  dict_person_watermark: (row, numbers, at) => store(row.dict_person_watermark, numbers, at),
  dict_person_settlements_d90: (row, numbers, at) => store(row.dict_person_settlements_d90, numbers, at),
  dict_person_settlements_m12: (row, numbers, at) => store(row.dict_person_settlements_m12, numbers, at),
  dict_person_settlements_m60: (row, numbers, at) => store(row.dict_person_settlements_m60, numbers, at),
  dict_person_frauds_d90: (row, numbers, at) => store(row.dict_person_frauds_d90, numbers, at),
  dict_person_frauds_m12: (row, numbers, at) => store(row.dict_person_frauds_m12, numbers, at),
  dict_person_frauds_m60: (row, numbers, at) => store(row.dict_person_frauds_m60, numbers, at),
  dict_person_reporters_d90: (row, numbers, at) => store(row.dict_person_reporters_d90, numbers, at),
  dict_person_open_reports: (row, numbers, at) => store(row.dict_person_open_reports, numbers, at),
  dict_person_registered_accounts: (row, numbers, at) => store(row.dict_person_registered_accounts, numbers, at),
  dict_key_watermark: (row, numbers, at) => store(row.dict_key_watermark, numbers, at),
  dict_key_settlements_d90: (row, numbers, at) => store(row.dict_key_settlements_d90, numbers, at),
  dict_key_frauds_d90: (row, numbers, at) => store(row.dict_key_frauds_d90, numbers, at),
  dict_key_frauds_m60: (row, numbers, at) => store(row.dict_key_frauds_m60, numbers, at),
};

/** Loads texts. */
export const TEXT_LOADERS: Readonly<Record<TextColumn, LoadText>> = {
  end_to_end_id: (row, texts, at) => keep(row.end_to_end_id, texts, at),
  side: (row, texts, at) => keep(row.side, texts, at),
  payer_ispb: (row, texts, at) => keep(row.payer_ispb, texts, at),
  payer_branch: (row, texts, at) => keep(row.payer_branch, texts, at),
  payer_number: (row, texts, at) => keep(row.payer_number, texts, at),
  payer_account_type: (row, texts, at) => keep(row.payer_account_type, texts, at),
  payer_document: (row, texts, at) => keep(row.payer_document, texts, at),
  payer_document_type: (row, texts, at) => keep(row.payer_document_type, texts, at),
  payee_ispb: (row, texts, at) => keep(row.payee_ispb, texts, at),
  payee_branch: (row, texts, at) => keep(row.payee_branch, texts, at),
  payee_number: (row, texts, at) => keep(row.payee_number, texts, at),
  payee_account_type: (row, texts, at) => keep(row.payee_account_type, texts, at),
  payee_document: (row, texts, at) => keep(row.payee_document, texts, at),
  payee_document_type: (row, texts, at) => keep(row.payee_document_type, texts, at),
  pix_key_type: (row, texts, at) => keep(row.pix_key_type, texts, at),
  pix_key: (row, texts, at) => keep(row.pix_key, texts, at),
  local_instrument: (row, texts, at) => keep(row.local_instrument, texts, at),
  purpose: (row, texts, at) => keep(row.purpose, texts, at),
  device_id: (row, texts, at) => keep(row.device_id, texts, at),
};

function store(value: number | boolean | null, numbers: Float64Array, at: number): void {
  numbers[at] = value === null ? Number.NaN : Number(value);
}

function keep(value: string | null, texts: (string | null)[], at: number): void {
  texts[at] = value;
}

/** Whether a column holds numbers, instants, dates or booleans. */
export function isNumberColumn(name: string): name is NumberColumn {
  return Object.hasOwn(NUMBER_LOADERS, name);
}

/** Whether a column holds texts. */
export function isTextColumn(name: string): name is TextColumn {
  return Object.hasOwn(TEXT_LOADERS, name);
}
