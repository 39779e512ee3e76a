import { optional, required, type TableContract } from './table-contract.ts';

const day = required('day', 'date', 'Civil date of acceptance in America/Sao_Paulo');
const month = required('month', 'date', 'First day of the civil month of acceptance in America/Sao_Paulo');

/** Payments of a day or a month. */
const PAYMENT_COLUMNS = [
  required('side', 'string', 'PAYER or PAYEE'),
  required('payment_count', 'long', 'Payments'),
  required('total_centavos', 'long', 'Sum of their amounts'),
  required('mean_centavos', 'double', 'The sum over the count'),
];

/** Fraud of a day or a month. */
const FRAUD_COLUMNS = [
  required('payment_count', 'long', 'Payments, by their endToEndId'),
  required('contested_count', 'long', 'Payments whose latest state is CONTESTED'),
  required('agreed_count', 'long', 'Payments whose latest state is AGREED: fraud'),
  required('agreed_centavos', 'long', 'Sum of the amounts of these'),
];

/** Payments by day and side. */
export const GOLD_DAILY_PAYMENTS: TableContract = {
  path: 'gold/daily_payments',
  description:
    'Payments by civil day and side, as they are known: as corrected, and without those that were taken back',
  columns: [day, ...PAYMENT_COLUMNS],
  partitionColumns: ['day'],
  expectations: [],
  configuration: {},
};

/** Fraud by day of payment. */
export const GOLD_FRAUD_DAILY: TableContract = {
  path: 'gold/fraud_daily',
  description:
    'Payments by civil day, as they are known, a payment seen from both sides once, and the latest known states of their contests',
  columns: [day, ...FRAUD_COLUMNS],
  partitionColumns: ['day'],
  expectations: [],
  configuration: {},
};

/** Payments by month and side. */
export const GOLD_MONTHLY_PAYMENTS: TableContract = {
  path: 'gold/monthly_payments',
  description: 'Payments by civil month and side: the days of gold/daily_payments, summed',
  columns: [month, ...PAYMENT_COLUMNS],
  partitionColumns: ['month'],
  expectations: [],
  configuration: {},
};

/** Fraud by month of payment. */
export const GOLD_FRAUD_MONTHLY: TableContract = {
  path: 'gold/fraud_monthly',
  description:
    'Payments by civil month and the latest known states of their contests: the days of gold/fraud_daily, summed',
  columns: [month, ...FRAUD_COLUMNS],
  partitionColumns: ['month'],
  expectations: [],
  configuration: {},
};

/** What checks of served features found, a row a feature; rows are only ever added. */
export const GOLD_FEATURE_CHECKS: TableContract = {
  path: 'gold/feature_checks',
  description: 'Checks of served features against recomputed ones, a row for each feature of each check',
  columns: [
    required('checked_at', 'timestamp', 'Known time of the check, by our clock: names the check'),
    required('feature_set', 'string', 'Name of the feature set'),
    required('feature_set_version', 'string', 'Version of the feature set'),
    required('feature', 'string', 'Name of the feature'),
    required('decision_count', 'long', 'Decisions that were compared: all of this version of the set'),
    required('differing_count', 'long', 'Decisions in which the feature is not what is recomputed'),
    required('null_count', 'long', 'Decisions in which the inputs were known and gave no value'),
    required('not_found_count', 'long', 'Decisions without a value as the entity was never seen'),
    required('truncated_count', 'long', 'Decisions without a value as the window needed more events than are kept'),
    required('other_absent_count', 'long', 'Decisions without a value for any other reason'),
    required('defaulted_count', 'long', 'Decisions in which the entity was never seen and the value is the default'),
    required('check_differing_decision_count', 'long', 'Decisions of the whole check in which any feature differs'),
    required('check_other_decision_count', 'long', 'Decisions of other feature sets, which were left out'),
    optional('newest_decision_at', 'timestamp', 'Known time of the newest decision that was compared'),
    required('transactions_version', 'long', 'Version of silver/transactions that was read'),
    required('decisions_version', 'long', 'Version of silver/decisions that was read'),
    required('labels_version', 'long', 'Version of silver/labels that was read'),
    required('epochs_version', 'long', 'Version of silver/epochs that was read'),
    optional('corrections_version', 'long', 'Version of silver/corrections that was read; null where it held none'),
    optional('sampled_share', 'double', 'Share of the new decisions that were drawn; null where all were compared'),
  ],
  partitionColumns: [],
  expectations: [],
  configuration: { 'delta.appendOnly': 'true' },
};
