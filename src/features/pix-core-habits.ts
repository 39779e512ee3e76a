import type { EntityKind } from '../domain/entity-keys.ts';
import type {
  Duration,
  EventColumn,
  ExpressionFeature,
  FeatureDefinition,
  WindowFeature,
} from './definition/definition.ts';

/*
 * The part of the shipped set that knows holders, keys and devices beside accounts, and a payer's
 * habits: what is usual for it in amount, hour and payee.
 */

type Rest = Omit<WindowFeature, 'kind' | 'name' | 'description' | 'entity'>;

function window(entity: EntityKind, name: string, description: string, rest: Rest): WindowFeature {
  return { kind: 'window', name: `${entity}_${name}`, description, entity, ...rest };
}

function expression(name: string, description: string, text: string): ExpressionFeature {
  return { kind: 'expression', name, description, expression: text };
}

const OF: Readonly<Record<'payer_document' | 'payee_document' | 'pix_key' | 'device', string>> = {
  payer_document: 'of the payer’s holder, over all of its accounts',
  payee_document: 'to the payee’s holder, over all of its accounts',
  pix_key: 'to the Pix key',
  device: 'from the device',
};

function velocity(entity: keyof typeof OF, counted: readonly Duration[], summed: readonly Duration[]): WindowFeature[] {
  return [
    ...counted.map((span) =>
      window(entity, `count_${span}`, `Payments ${OF[entity]} in the ${span} before this one`, {
        aggregate: 'count',
        window: span,
        default: 0,
      }),
    ),
    ...summed.map((span) =>
      window(entity, `sum_${span}`, `Sum of payments ${OF[entity]} in the ${span} before this one, centavos`, {
        aggregate: 'sum',
        column: 'amount_centavos',
        window: span,
        default: 0,
      }),
    ),
  ];
}

function distinct(entity: keyof typeof OF, what: string, column: EventColumn, ...spans: Duration[]): WindowFeature[] {
  return spans.map((span) =>
    window(entity, `distinct_${what}_${span}`, `Distinct ${what} ${OF[entity]} in the ${span} before this payment`, {
      aggregate: 'distinct',
      column,
      window: span,
      default: 0,
    }),
  );
}

function ages(entity: keyof typeof OF): FeatureDefinition[] {
  return [
    window(entity, 'count_ever', `Payments ${OF[entity]} before this one`, {
      aggregate: 'count',
      window: 'all',
      default: 0,
    }),
    window(entity, 'days_since_first', `Days since the first payment ${OF[entity]}`, {
      aggregate: 'time_since_first',
      window: 'all',
      unit: '1d',
    }),
    expression(`${entity}_is_new`, `1 for the first payment ${OF[entity]}`, `never_seen(${entity}_count_ever)`),
  ];
}

/** Holders, keys and devices. */
export const HOLDERS_KEYS_DEVICES: readonly FeatureDefinition[] = [
  ...velocity('payer_document', ['1h', '24h', '7d'], ['24h', '7d']),
  ...distinct('payer_document', 'payees', 'payee_account', '24h', '7d'),
  ...ages('payer_document'),
  ...velocity('payee_document', ['1h', '24h'], ['24h']),
  ...distinct('payee_document', 'payers', 'payer_document', '24h'),
  ...ages('payee_document'),
  ...velocity('pix_key', ['10m', '1h', '24h'], ['24h']),
  ...distinct('pix_key', 'payers', 'payer_account', '1h', '24h'),
  ...ages('pix_key'),
  ...velocity('device', ['10m', '24h', '7d'], ['24h']),
  ...distinct('device', 'accounts', 'payer_account', '24h', '7d'),
  ...distinct('device', 'holders', 'payer_document', '7d'),
  ...ages('device'),
];

const amount: Pick<Rest, 'column' | 'window'> = { column: 'amount_centavos', window: '30d' };

/** What is usual for the payer, and for those who pay the payee. */
export const HABITS: readonly FeatureDefinition[] = [
  ...([25, 50, 75] as const).map((percent) =>
    window(
      'payer',
      `quantile_${percent}_30d`,
      `Amount below which ${percent} % of the payer’s of 30 days are, centavos`,
      {
        aggregate: 'quantile',
        quantile: [percent, 100],
        ...amount,
      },
    ),
  ),
  expression(
    'amount_robust_z_payer_30d',
    'How many interquartile ranges the amount is from the payer’s median of 30 days',
    '(amount - payer_quantile_50_30d) / (payer_quantile_75_30d - payer_quantile_25_30d)',
  ),
  window('payer', 'last_amount', 'The payer’s amount before this one, centavos; not older than 30 days', {
    aggregate: 'last',
    column: 'amount_centavos',
    window: 'all',
    timeToLive: '30d',
  }),
  window('payer', 'is_usual_hour_30d', '1 where the payer mostly paid in this civil hour in 30 days', {
    aggregate: 'is_top',
    column: 'civil_hour',
    window: '30d',
  }),
  window('payer', 'is_usual_payee_30d', '1 where this is the payee that the payer paid most often in 30 days', {
    aggregate: 'is_top',
    column: 'payee_account',
    window: '30d',
  }),
  window('payer', 'night_count_30d', 'The payer’s payments from 20:00 to 06:00 in the 30 days before this one', {
    aggregate: 'count',
    filter: 'is_night(event_time)',
    window: '30d',
    default: 0,
  }),
  window('payer', 'count_today', 'The payer’s payments of this civil day before this one', {
    aggregate: 'count',
    window: 'civil_day',
    default: 0,
  }),
  window('payer', 'sum_today', 'Sum of the payer’s payments of this civil day, this one included, centavos', {
    aggregate: 'sum',
    column: 'amount_centavos',
    window: 'civil_day',
    current: 'include',
  }),
  window('payer', 'round_streak', 'How many of the payer’s last payments, one after another, were of whole R$ 100', {
    aggregate: 'streak',
    while: 'multiple_of(amount_centavos, 10000)',
    window: '24h',
    most: 10,
    default: 0,
  }),
  window('payer', 'decayed_count_7d', 'The payer’s payments of 7 days, each worth half after 6 hours', {
    aggregate: 'decayed_count',
    window: '7d',
    hop: '1h',
    halfLife: '6h',
    default: 0,
  }),
  expression(
    'payer_night_share_30d',
    'The share of the payer’s payments of 30 days that were made at night',
    'payer_night_count_30d / payer_count_30d',
  ),
  window('payee', 'small_count_24h', 'Payments of less than R$ 10 to the payee’s account in the 24 h before this one', {
    aggregate: 'count',
    filter: 'amount_centavos < 1000',
    window: '24h',
    default: 0,
  }),
  window(
    'payee',
    'night_count_24h',
    'Payments to the payee’s account from 20:00 to 06:00 in the 24 h before this one',
    {
      aggregate: 'count',
      filter: 'is_night(event_time)',
      window: '24h',
      default: 0,
    },
  ),
  {
    kind: 'label',
    name: 'payee_fraud_rate_30d',
    description: 'Share of the payments to the payee’s account of 30 days that are agreed to be fraud, as known now',
    aggregate: 'rate',
    states: ['AGREED'],
    window: '30d',
  },
];
