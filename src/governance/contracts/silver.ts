import { LABEL_STATES } from '../../domain/label.ts';
import { MAX_AMOUNT_CENTAVOS } from '../../domain/money.ts';
import { PAYMENT_COLUMNS } from '../../domain/payment-row.ts';
import { arrayOf } from '../../storage/types/delta-type.ts';
import { numberColumns, PROVENANCE_COLUMNS } from './shared-columns.ts';
import {
  type ColumnContract,
  type Expectation,
  optional,
  personal,
  required,
  type TableContract,
} from './table-contract.ts';

const SIDES: readonly string[] = ['PAYER', 'PAYEE'];
/** Columns that every payment has; they come first. */
const PAYMENT_KEYS: readonly string[] = ['end_to_end_id', 'side', 'event_time', 'amount_centavos'];

const paymentColumns: readonly ColumnContract[] = PAYMENT_COLUMNS.map(({ name, type, personal: isPersonal }) => ({
  name,
  type,
  nullable: !PAYMENT_KEYS.includes(name),
  personal: isPersonal,
  description: name.replaceAll('_', ' '),
}));

const isPresent = (column: string): Expectation => ({
  code: `${column}_missing`,
  reason: `${column} is missing`,
  column,
  rule: { kind: 'not_null' },
});

const isSide: Expectation = {
  code: 'side_unknown',
  reason: 'side is neither PAYER nor PAYEE',
  column: 'side',
  rule: { kind: 'one_of', values: SIDES },
};

/** Payments, one row a side. */
export const SILVER_TRANSACTIONS: TableContract = {
  path: 'silver/transactions',
  description: 'Payments, flat and typed, one row for each (end_to_end_id, side): the first that was known',
  columns: [
    ...paymentColumns.slice(0, PAYMENT_KEYS.length),
    ...PROVENANCE_COLUMNS,
    required('is_event', 'boolean', 'Whether it is the payment’s event, or its second side'),
    ...numberColumns('that the event took'),
    required('day', 'date', 'Civil date of acceptance in America/Sao_Paulo'),
    required('civil_hour', 'integer', 'Civil hour of acceptance in America/Sao_Paulo'),
    personal(optional('payer_account', 'string', 'Key of the payer’s account')),
    personal(optional('payee_account', 'string', 'Key of the payee’s account')),
    optional('source_id', 'string', 'The id in the imported file'),
    ...paymentColumns.slice(PAYMENT_KEYS.length),
  ],
  partitionColumns: [],
  expectations: [
    isPresent('end_to_end_id'),
    isPresent('side'),
    isSide,
    isPresent('event_time'),
    isPresent('known_time'),
    isPresent('amount_centavos'),
    {
      code: 'amount_out_of_range',
      reason: 'amount_centavos is below 0 or above the largest amount on the wire',
      column: 'amount_centavos',
      rule: { kind: 'between', min: 0, max: MAX_AMOUNT_CENTAVOS },
    },
  ],
  configuration: {},
};

/** Decisions, one row a side of a payment. */
export const SILVER_DECISIONS: TableContract = {
  path: 'silver/decisions',
  description: 'Decisions, one row for each (end_to_end_id, side): the first that was made',
  columns: [
    required('end_to_end_id', 'string', 'The payment’s id'),
    required('side', 'string', 'PAYER or PAYEE'),
    required('known_time', 'timestamp', 'When it was decided, by our clock'),
    required('journal_id', 'string', 'UUID of the journal that recorded it'),
    required('journal_position', 'long', 'Position in that journal, from 1'),
    required('decision', 'string', 'The decision, of its side’s own set'),
    optional('score', 'double', 'Probability of fraud; null where no model answered'),
    optional('expires_at', 'timestamp', 'When a HOLD or an ACCEPT_AND_BLOCK ends'),
    required('reasons', arrayOf('string', false), 'Reason codes, strongest first'),
    required('model_name', 'string', 'Name of the model'),
    required('model_version', 'string', 'Version of the model'),
    required('model_sha256', 'string', 'SHA-256 of the model’s file'),
    required('feature_set', 'string', 'Name of the feature set'),
    required('feature_set_version', 'string', 'Version of the feature set'),
    required('rule_id', 'string', 'The rule of the policy that decided'),
    required('policy_version', 'string', 'Version of the policy'),
    required('degraded', arrayOf('string', false), 'What the decision was made without'),
    required('request_sha256', 'string', 'SHA-256 of the canonical form of the request, in hex'),
    ...numberColumns('that the decision saw last'),
    required('answer', 'string', 'The JSON of the answer, byte for byte'),
    required('features', arrayOf('double'), 'Values in the order of the feature set; null is absent'),
    required('feature_status', 'binary', 'Why a value is absent, a byte a feature'),
  ],
  partitionColumns: [],
  expectations: [isPresent('end_to_end_id'), isSide],
  configuration: {},
};

/** States of contests. */
export const SILVER_LABELS: TableContract = {
  path: 'silver/labels',
  description:
    'States of contests, one row for each (end_to_end_id, state, event_time), and every one that took a number',
  columns: [
    required('end_to_end_id', 'string', 'The payment’s id'),
    required('state', 'string', 'CONTESTED, AGREED, DISAGREED or CANCELLED'),
    optional('med_status', 'string', 'MED’s own status of the refund request'),
    required('event_time', 'timestamp', 'When the state changed'),
    required('known_time', 'timestamp', 'When we learned it, by our clock'),
    required('known_assumed', 'boolean', 'Whether the known time was assumed by an import'),
    optional('reported_at', 'timestamp', 'When the caller says that it learned it'),
    optional('payee_epoch', 'long', 'Epoch of the payee’s state that the label took'),
    optional('payee_seq', 'long', 'Number in the payee’s state that the label took'),
    required('journal_id', 'string', 'UUID of the journal that recorded it'),
    required('journal_position', 'long', 'Position in that journal, from 1'),
    personal(optional('payee_account', 'string', 'Key of the payee’s account')),
  ],
  partitionColumns: [],
  expectations: [
    isPresent('end_to_end_id'),
    isPresent('state'),
    {
      code: 'state_unknown',
      reason: 'state is none of the four states of a contest',
      column: 'state',
      rule: { kind: 'one_of', values: LABEL_STATES },
    },
    isPresent('event_time'),
    isPresent('known_time'),
  ],
  configuration: {},
};

/** What a row of silver.corrections says of its payment. */
export const CORRECTION_EFFECTS = ['RETRACTED', 'REPLACED', 'IGNORED'] as const;

/** Corrections of payments, in the columns of payments. */
export const SILVER_CORRECTIONS: TableContract = {
  path: 'silver/corrections',
  description:
    'What corrections did: RETRACTED, the payment as it was, an event no more; REPLACED, the payment as it is now, an event from here on; IGNORED, nothing',
  columns: [
    required('end_to_end_id', 'string', 'The id of the payment that was corrected'),
    required('effect', 'string', 'RETRACTED, REPLACED or IGNORED'),
    required('corrected_at', 'timestamp', 'When it was corrected, as the caller says'),
    ...PROVENANCE_COLUMNS,
    ...numberColumns('that the row took'),
    optional(
      'revision',
      'long',
      'With Redis: its place among the rows of its payment, from 0, whichever server recorded it',
    ),
    ...paymentColumns.filter(({ name }) => name !== 'end_to_end_id').map((column) => ({ ...column, nullable: true })),
    personal(optional('payer_account', 'string', 'Key of the payer’s account')),
    personal(optional('payee_account', 'string', 'Key of the payee’s account')),
  ],
  partitionColumns: [],
  expectations: [
    isPresent('end_to_end_id'),
    {
      code: 'effect_unknown',
      reason: 'effect is none of RETRACTED, REPLACED and IGNORED',
      column: 'effect',
      rule: { kind: 'one_of', values: CORRECTION_EFFECTS },
    },
    isPresent('known_time'),
  ],
  configuration: {},
};

/** Openings of epochs. */
export const SILVER_EPOCHS: TableContract = {
  path: 'silver/epochs',
  description: 'Openings of epochs of the online state',
  columns: [
    ...PROVENANCE_COLUMNS,
    required('epoch', 'long', 'The epoch that opened'),
    required('reason', 'string', 'Why the state was built anew'),
    optional('silver_version', 'long', 'Version of silver/transactions that it was built from'),
    required('offsets', 'string', 'JSON: the last position of each journal that is in its base'),
  ],
  partitionColumns: [],
  expectations: [],
  configuration: {},
};
