import { required, type TableContract } from './table-contract.ts';

const day = required('day', 'date', 'Civil date of acceptance in America/Sao_Paulo');

/** Payments by day and side. */
export const GOLD_DAILY_PAYMENTS: TableContract = {
  path: 'gold/daily_payments',
  description: 'Payments by civil day and side; every payment of silver counts',
  columns: [
    day,
    required('side', 'string', 'PAYER or PAYEE'),
    required('payment_count', 'long', 'Payments'),
    required('total_centavos', 'long', 'Sum of their amounts'),
    required('mean_centavos', 'double', 'The sum over the count'),
  ],
  partitionColumns: ['day'],
  expectations: [],
  configuration: {},
};

/** Fraud by day of payment. */
export const GOLD_FRAUD_DAILY: TableContract = {
  path: 'gold/fraud_daily',
  description:
    'Payments by civil day, a payment seen from both sides once, and the latest known states of their contests',
  columns: [
    day,
    required('payment_count', 'long', 'Payments, by their endToEndId'),
    required('contested_count', 'long', 'Payments whose latest state is CONTESTED'),
    required('agreed_count', 'long', 'Payments whose latest state is AGREED: fraud'),
    required('agreed_centavos', 'long', 'Sum of the amounts of these'),
  ],
  partitionColumns: ['day'],
  expectations: [],
  configuration: {},
};
