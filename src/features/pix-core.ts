import type { EntityKind } from '../domain/entity-keys.ts';
import { ACCOUNT_TYPES, LOCAL_INSTRUMENTS, PURPOSES } from '../domain/payment.ts';
import { PIX_KEY_TYPES } from '../domain/pix-key.ts';
import {
  type Column,
  type Duration,
  defineFeatureSet,
  type ExpressionFeature,
  type FeatureDefinition,
  type WindowFeature,
} from './definition/definition.ts';
import { HABITS, HOLDERS_KEYS_DEVICES } from './pix-core-habits.ts';

/** Entities that are accounts, or two of them. */
type AccountKind = Extract<EntityKind, 'payer' | 'payee' | 'pair'>;

const WHOSE: Readonly<Record<AccountKind, string>> = {
  payer: 'of the payer’s account',
  payee: 'to the payee’s account',
  pair: 'from this payer to this payee',
};

/** A busy payee takes more in a week than an entity keeps, so its long windows begin on a day's edge. */
const hopOf = (entity: AccountKind, window: Duration): { hop?: Duration } =>
  entity === 'payee' && window.endsWith('d') ? { hop: '1d' } : {};

function counts(entity: AccountKind, ...windows: Duration[]): WindowFeature[] {
  return windows.map((window) => ({
    kind: 'window',
    name: `${entity}_count_${window}`,
    description: `Payments ${WHOSE[entity]} in the ${window} before this one`,
    entity,
    aggregate: 'count',
    window,
    ...hopOf(entity, window),
    default: 0,
  }));
}

function amounts(
  entity: AccountKind,
  aggregate: 'sum' | 'mean' | 'max' | 'stddev',
  ...windows: Duration[]
): WindowFeature[] {
  return windows.map((window) => ({
    kind: 'window',
    name: `${entity}_${aggregate}_${window}`,
    description: `${AMOUNT_WORDS[aggregate]} of payments ${WHOSE[entity]} in the ${window} before this one, centavos`,
    entity,
    aggregate,
    column: 'amount_centavos',
    window,
    ...hopOf(entity, window),
    ...(aggregate === 'sum' ? { default: 0 } : {}),
  }));
}

const AMOUNT_WORDS = { sum: 'Sum', mean: 'Mean', max: 'Maximum', stddev: 'Standard deviation' } as const;

function distincts(entity: 'payer' | 'payee', ...windows: Duration[]): WindowFeature[] {
  const whom = entity === 'payer' ? 'payees that the payer’s account paid' : 'payers that paid the payee’s account';
  return windows.map((window) => ({
    kind: 'window',
    name: `${entity}_distinct_counterparties_${window}`,
    description: `Distinct ${whom} in the ${window} before this payment`,
    entity,
    aggregate: 'distinct',
    column: entity === 'payer' ? 'payee_account' : 'payer_account',
    window,
    default: 0,
  }));
}

function history(entity: AccountKind): WindowFeature[] {
  return [
    {
      kind: 'window',
      name: `${entity}_count_ever`,
      description: `Payments ${WHOSE[entity]} before this one`,
      entity,
      aggregate: 'count',
      window: 'all',
      default: 0,
    },
    {
      kind: 'window',
      name: `${entity}_days_since_first`,
      description: `Days since the first payment ${WHOSE[entity]}`,
      entity,
      aggregate: 'time_since_first',
      window: 'all',
      unit: '1d',
    },
    {
      kind: 'window',
      name: `${entity}_days_since_last`,
      description: `Days since the last payment ${WHOSE[entity]}`,
      entity,
      aggregate: 'time_since_last',
      window: 'all',
      unit: '1d',
    },
  ];
}

const labels: readonly FeatureDefinition[] = [
  {
    kind: 'label',
    name: 'payee_frauds_agreed',
    description: 'Payments to the payee’s account that are agreed to be fraud, as known now',
    aggregate: 'count',
    states: ['AGREED'],
    default: 0,
  },
  {
    kind: 'label',
    name: 'payee_frauds_agreed_30d',
    description: 'Payments to the payee’s account that were agreed to be fraud in the last 30 days, as known now',
    aggregate: 'count',
    states: ['AGREED'],
    window: '30d',
    default: 0,
  },
  {
    kind: 'label',
    name: 'payee_contested_open',
    description: 'Payments to the payee’s account whose contest is open, as known now',
    aggregate: 'count',
    states: ['CONTESTED'],
    default: 0,
  },
  {
    kind: 'label',
    name: 'payee_days_since_fraud',
    description: 'Days since a payment to the payee’s account was last agreed to be fraud',
    aggregate: 'time_since_last',
    states: ['AGREED'],
    unit: '1d',
  },
];

const expression = (name: string, description: string, text: string): ExpressionFeature => ({
  kind: 'expression',
  name,
  description,
  expression: text,
});
const column = (name: string, description: string, of: Column): ExpressionFeature => expression(name, description, of);
const days = (name: string, description: string, since: Column): ExpressionFeature =>
  expression(name, description, `days_since(${since})`);
const code = (name: string, description: string, of: Column, texts: readonly string[]): ExpressionFeature =>
  expression(
    name,
    `${description}: ${texts.map((text, at) => `${at} ${text}`).join(', ')}`,
    `code(${of}, ${texts.map((text, at) => `'${text}', ${at}`).join(', ')})`,
  );

const payment: readonly FeatureDefinition[] = [
  column('amount', 'Amount of the payment, centavos', 'amount_centavos'),
  expression(
    'amount_is_round',
    '1 where the amount is a whole multiple of R$ 100',
    'multiple_of(amount_centavos, 10000)',
  ),
  code('asking_side', 'Whose payment service asks', 'side', ['PAYER', 'PAYEE']),
  code('local_instrument', 'How the payment was begun', 'local_instrument', LOCAL_INSTRUMENTS),
  code('purpose', 'What the payment is for', 'purpose', PURPOSES),
  code('pix_key_type', 'Type of the Pix key', 'pix_key_type', PIX_KEY_TYPES),
  code('payer_account_type', 'Type of the payer’s account', 'payer_account_type', ACCOUNT_TYPES),
  code('payee_account_type', 'Type of the payee’s account', 'payee_account_type', ACCOUNT_TYPES),
  code('payer_document_type', 'Natural or legal person who pays', 'payer_document_type', ['CPF', 'CNPJ']),
  code('payee_document_type', 'Natural or legal person who is paid', 'payee_document_type', ['CPF', 'CNPJ']),
  expression('same_institution', '1 where payer and payee are at one institution', 'payer_ispb = payee_ispb'),
  expression('same_document', '1 where payer and payee are one person', 'payer_document = payee_document'),
  expression('civil_hour', 'Hour of acceptance in America/Sao_Paulo', 'hour(event_time)'),
  expression('civil_weekday', 'Day of the week there, 1 = Monday', 'weekday(event_time)'),
  expression('is_night', '1 from 20:00 to 06:00 there', 'is_night(event_time)'),
  expression('is_weekend', '1 on Saturday and Sunday there', 'is_weekend(event_time)'),
];

const ages: readonly FeatureDefinition[] = [
  days('payer_account_age_days', 'Days since the payer’s account was opened', 'payer_account_opened_on'),
  days('payee_account_age_days', 'Days since the payee’s account was opened', 'payee_account_opened_on'),
  days('key_age_days', 'Days since the Pix key was made', 'dict_key_created_on'),
  days('key_ownership_days', 'Days since its owner has the Pix key', 'dict_key_owned_since'),
  expression('device_enrolled_days', 'Days since the device was enrolled', 'since(device_enrolled_at, 1d)'),
  expression('login_minutes', 'Minutes since the session began', 'since(device_logged_in_at, 1m)'),
  expression('limit_raised_hours', 'Hours since a limit was last raised', 'since(device_limit_raised_at, 1h)'),
  expression('sim_changed_days', 'Days since the SIM was last changed', 'since(device_sim_changed_at, 1d)'),
];

const device: readonly FeatureDefinition[] = [
  column('remote_access', '1 where a remote-access program is active', 'device_remote_access'),
  column('active_call', '1 where a phone call is under way', 'device_active_call'),
  column('location_available', '1 where the device gives its location', 'device_location_available'),
  expression('device_missing', '1 where the payment says nothing of a device', 'absent(device_id)'),
];

const dict: readonly FeatureDefinition[] = [
  column('key_open_claim', '1 where a claim of the key is open', 'dict_open_claim'),
  column('dict_person_settlements_d90', 'Settlements of the payee in 90 days', 'dict_person_settlements_d90'),
  column('dict_person_settlements_m12', 'Settlements of the payee in 12 months', 'dict_person_settlements_m12'),
  column('dict_person_frauds_d90', 'Fraud markers of the payee in 90 days', 'dict_person_frauds_d90'),
  column('dict_person_frauds_m12', 'Fraud markers of the payee in 12 months', 'dict_person_frauds_m12'),
  column('dict_person_frauds_m60', 'Fraud markers of the payee in 60 months', 'dict_person_frauds_m60'),
  column('dict_person_reporters_d90', 'Who reported the payee in 90 days', 'dict_person_reporters_d90'),
  column('dict_person_open_reports', 'Open reports on the payee', 'dict_person_open_reports'),
  column('dict_person_accounts', 'Accounts registered to the payee', 'dict_person_registered_accounts'),
  column('dict_key_settlements_d90', 'Settlements of the key in 90 days', 'dict_key_settlements_d90'),
  column('dict_key_frauds_d90', 'Fraud markers of the key in 90 days', 'dict_key_frauds_d90'),
  column('dict_key_frauds_m60', 'Fraud markers of the key in 60 months', 'dict_key_frauds_m60'),
  days('dict_person_watermark_days', 'Age of DICT’s counters of the payee, days', 'dict_person_watermark'),
  days('dict_key_watermark_days', 'Age of DICT’s counters of the key, days', 'dict_key_watermark'),
  expression(
    'dict_missing',
    '1 where the payment brings no counters of DICT',
    'dict_person_watermark is null and dict_key_watermark is null',
  ),
];

const comparisons: readonly FeatureDefinition[] = [
  ratio('amount_to_payer_mean_30d', 'Amount over the payer’s mean of 30 days', 'amount', 'payer_mean_30d'),
  ratio('amount_to_payer_max_30d', 'Amount over the payer’s largest of 30 days', 'amount', 'payer_max_30d'),
  ratio('amount_to_payee_mean_30d', 'Amount over the payee’s mean of 30 days', 'amount', 'payee_mean_30d'),
  ratio('amount_to_pair_mean_30d', 'Amount over the pair’s mean of 30 days', 'amount', 'pair_mean_30d'),
  expression(
    'amount_z_score_payer_30d',
    'Deviations of the amount from the payer’s mean of 30 days',
    '(amount - payer_mean_30d) / payer_stddev_30d',
  ),
  ratio('payer_sum_24h_to_30d', 'The payer’s sum of 24 h over that of 30 days', 'payer_sum_24h', 'payer_sum_30d'),
  ratio('payee_sum_24h_to_30d', 'The payee’s sum of 24 h over that of 30 days', 'payee_sum_24h', 'payee_sum_30d'),
  expression('payer_is_new', '1 where the payer’s account was never seen', 'never_seen(payer_count_ever)'),
  expression('payee_is_new', '1 where the payee’s account was never seen', 'never_seen(payee_count_ever)'),
  expression('pair_is_new', '1 for the first payment from this payer to this payee', 'never_seen(pair_count_ever)'),
  expression('payer_history_missing', '1 where the payer’s history is not known', 'absent(payer_count_ever)'),
  expression('payee_history_missing', '1 where the payee’s history is not known', 'absent(payee_count_ever)'),
  expression(
    'dict_person_stale',
    '1 where DICT’s counters of the payee are over 7 days old',
    'dict_person_watermark_days > 7',
  ),
];

function ratio(name: string, description: string, a: string, b: string): ExpressionFeature {
  return expression(name, description, `${a} / ${b}`);
}

/** The set that ships: every block of a Pix payment, 1 min to 30 days of its accounts, holders, key and device, and the payer’s habits. */
export const PIX_CORE = defineFeatureSet({
  name: 'pix-core',
  description:
    'Velocity, relationship, amount shape, time, ages, DICT, device and habits and known fraud of a Pix payment',
  bound: 256,
  allowedLateness: '7d',
  features: [
    ...payment,
    ...ages,
    ...device,
    ...dict,
    ...counts('payer', '1m', '10m', '1h', '24h', '7d', '30d'),
    ...amounts('payer', 'sum', '10m', '1h', '24h', '7d', '30d'),
    ...amounts('payer', 'mean', '7d', '30d'),
    ...amounts('payer', 'max', '24h', '30d'),
    ...amounts('payer', 'stddev', '30d'),
    ...distincts('payer', '1h', '24h', '7d', '30d'),
    ...history('payer'),
    ...counts('payee', '1m', '10m', '1h', '24h', '7d', '30d'),
    ...amounts('payee', 'sum', '10m', '1h', '24h', '7d', '30d'),
    ...amounts('payee', 'mean', '24h', '30d'),
    ...amounts('payee', 'max', '24h', '30d'),
    ...distincts('payee', '10m', '1h', '24h'),
    ...history('payee'),
    ...labels,
    ...counts('pair', '10m', '1h', '24h', '7d', '30d'),
    ...amounts('pair', 'sum', '24h', '30d'),
    ...amounts('pair', 'mean', '30d'),
    ...amounts('pair', 'max', '30d'),
    ...history('pair'),
    ...comparisons,
    ...HOLDERS_KEYS_DEVICES,
    ...HABITS,
  ],
});
