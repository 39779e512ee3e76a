import { ENTITY_KINDS } from '../../domain/entity-keys.ts';
import { type ColumnContract, optional, required } from './table-contract.ts';

/** Where a row came from and when it was known: on every bronze table. */
export const PROVENANCE_COLUMNS: readonly ColumnContract[] = [
  required('known_time', 'timestamp', 'When we learned it, by our clock'),
  required('known_assumed', 'boolean', 'Whether the known time was assumed by an import'),
  required('journal_id', 'string', 'UUID of the journal that recorded it'),
  required('journal_position', 'long', 'Position in that journal, from 1'),
  optional('source', 'string', 'The way in: http, grpc or import'),
];

/** Numbers (epoch, sequence) of the entities of a payment, by what they mean. @param prefix of the columns' names. */
export function numberColumns(meaning: string, prefix = ''): readonly ColumnContract[] {
  return ENTITY_KINDS.flatMap((entity) => [
    optional(`${prefix}${entity}_epoch`, 'long', `Epoch of the ${entity}'s state ${meaning}`),
    optional(`${prefix}${entity}_seq`, 'long', `Number in the ${entity}'s state ${meaning}`),
  ]);
}
