import { arrayOf } from '../../storage/types/delta-type.ts';
import { numberColumns, PROVENANCE_COLUMNS } from './shared-columns.ts';
import { type ColumnContract, optional, personal, required, type TableContract } from './table-contract.ts';

/** The version of bronze's own columns; a row says which it was written by. */
export const BRONZE_SCHEMA_VERSION = 1;

const BRONZE_COLUMNS: readonly ColumnContract[] = [
  ...PROVENANCE_COLUMNS,
  required('schema_version', 'integer', 'Version of the columns that the row was written by'),
  required('ingest_date', 'date', 'UTC date of the known time; of what is imported, of its writing'),
  required('ingest_hour', 'integer', 'UTC hour of the known time; of what is imported, of its writing'),
];

function bronzeTable(name: string, description: string, columns: readonly ColumnContract[]): TableContract {
  return {
    path: `bronze/${name}`,
    description,
    columns: [...BRONZE_COLUMNS, ...columns],
    partitionColumns: ['ingest_date', 'ingest_hour'],
    expectations: [],
    // Bronze is what all else is rebuilt from: no engine may take a row out. A commit every second
    // or two makes many versions, so checkpoints are further apart than Delta's ten.
    configuration: { 'delta.appendOnly': 'true', 'delta.checkpointInterval': '50' },
  };
}

/** Payments as they came in. */
export const BRONZE_TRANSACTIONS: TableContract = bronzeTable('transactions', 'Payments as they came in, append only', [
  optional('end_to_end_id', 'string', 'The payment’s id'),
  optional('side', 'string', 'PAYER or PAYEE'),
  optional('is_event', 'boolean', 'Whether it is the payment’s event or its second side; null where not known yet'),
  ...numberColumns('that the event took'),
  optional('source_id', 'string', 'The id in the imported file'),
  optional('line', 'long', 'Line of the imported file'),
  required('content_type', 'string', 'Media type of the raw bytes'),
  personal(required('raw', 'binary', 'The body, byte for byte')),
  personal(optional('payment', 'string', 'Canonical JSON of the parsed payment; null where it cannot be read')),
]);

/** Decisions as they went out. */
export const BRONZE_DECISIONS: TableContract = bronzeTable('decisions', 'Decisions as they went out, append only', [
  required('end_to_end_id', 'string', 'The payment’s id'),
  required('side', 'string', 'PAYER or PAYEE'),
  required('request_sha256', 'string', 'SHA-256 of the canonical form of the request, in hex'),
  ...numberColumns('that the decision saw last'),
  required('answer', 'string', 'The JSON of the answer, byte for byte'),
  required('features', arrayOf('double'), 'Values in the order of the feature set; null is absent'),
  required('feature_status', 'binary', 'Why a value is absent, a byte a feature'),
]);

/** Labels as they came in. */
export const BRONZE_LABELS: TableContract = bronzeTable('labels', 'Labels as they came in, append only', [
  optional('end_to_end_id', 'string', 'The payment’s id'),
  optional('state', 'string', 'CONTESTED, AGREED, DISAGREED or CANCELLED'),
  optional('event_time', 'timestamp', 'When the state changed'),
  optional('payee_epoch', 'long', 'Epoch of the payee’s state that the label took'),
  optional('payee_seq', 'long', 'Number in the payee’s state that the label took'),
  optional('line', 'long', 'Line of the imported file'),
  personal(required('raw', 'binary', 'The body, byte for byte')),
  personal(optional('label', 'string', 'Canonical JSON of the label; null where it cannot be read')),
  personal(optional('payee_account', 'string', 'Key of the payee’s account')),
]);

/** Corrections as they came in. */
export const BRONZE_CORRECTIONS: TableContract = bronzeTable(
  'corrections',
  'Corrections as they came in, append only',
  [
    required('end_to_end_id', 'string', 'The id of the payment that was corrected'),
    required('corrected_at', 'timestamp', 'When it was corrected'),
    required('is_applied', 'boolean', 'Whether the state knew the payment'),
    ...numberColumns('that the retraction took', 'retracted_'),
    ...numberColumns('that the event in its place took', 'replaced_'),
    optional('revision', 'long', 'With Redis: rows that corrections of the payment took before, through any server'),
    personal(required('raw', 'binary', 'The body, byte for byte')),
    personal(optional('correction', 'string', 'Canonical JSON of the correction; null where it cannot be read')),
  ],
);

/** Openings of epochs. */
export const BRONZE_EPOCHS: TableContract = bronzeTable(
  'epochs',
  'Openings of epochs of the online state, append only',
  [
    required('epoch', 'long', 'The epoch that opened'),
    required('reason', 'string', 'Why the state was built anew'),
    optional('silver_version', 'long', 'Version of silver/transactions that it was built from'),
    required('offsets', 'string', 'JSON: the last position of each journal that is in its base'),
  ],
);

/** Numbers that were learned after their payment. */
export const BRONZE_SEQUENCES: TableContract = bronzeTable(
  'sequences',
  'Numbers of events that were learned later, append only',
  [
    required('end_to_end_id', 'string', 'The payment’s id'),
    required('side', 'string', 'PAYER or PAYEE'),
    required('is_event', 'boolean', 'Whether this side is the payment’s event'),
    ...numberColumns('that the event took'),
  ],
);
