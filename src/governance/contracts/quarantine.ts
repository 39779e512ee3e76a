import { optional, personal, required, type TableContract } from './table-contract.ts';

function quarantineTable(name: string): TableContract {
  return {
    path: `quarantine/${name}`,
    description: `Records that could not become rows of silver/${name}, and why`,
    columns: [
      required('known_time', 'timestamp', 'When we learned it, by our clock'),
      required('journal_id', 'string', 'UUID of the journal that recorded it'),
      required('journal_position', 'long', 'Position in that journal, from 1'),
      optional('source', 'string', 'The way in: http, grpc or import'),
      optional('line', 'long', 'Line of the imported file'),
      required('code', 'string', 'The expectation that it breaks'),
      required('reason', 'string', 'Why, in words, without values'),
      personal(required('raw', 'binary', 'The record, byte for byte')),
    ],
    partitionColumns: [],
    expectations: [],
    configuration: {},
  };
}

/** Payments that could not be read, or break an expectation. */
export const QUARANTINE_TRANSACTIONS: TableContract = quarantineTable('transactions');

/** Labels that could not be read, or break an expectation. */
export const QUARANTINE_LABELS: TableContract = quarantineTable('labels');

/** Corrections that could not be read, or of a payment that silver does not hold. */
export const QUARANTINE_CORRECTIONS: TableContract = quarantineTable('corrections');
