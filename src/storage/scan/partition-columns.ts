import type { DeltaType } from '../types/delta-type.ts';
import { parsePartitionValue } from '../types/partition-values.ts';
import { sqlText, sqlTypeOf } from '../types/sql-types.ts';
import { FILE_INDEX } from './file-relation.ts';

/**
 * Values that are constants of their files, as a SQL expression inside the relation of them.
 *
 * @param literals one a file, in the order of the relation.
 */
export function perFile(literals: readonly string[], type: string): string {
  const [first] = literals;
  if (first === undefined) return `NULL::${type}`;
  if (literals.every((literal) => literal === first)) return first;
  return `list_extract([${literals.join(', ')}]::${type}[], (${FILE_INDEX} + 1)::BIGINT)`;
}

/** A text of `partitionValues` as a SQL literal of its column. @throws AppError table_corrupt. */
export function partitionLiteral(type: DeltaType, text: string | null, column: string): string {
  const value = parsePartitionValue(type, text, column);
  if (value === null || text === null) return `NULL::${sqlTypeOf(type)}`;
  if (value instanceof Uint8Array) return `from_hex('${Buffer.from(value).toString('hex')}')`;
  switch (type) {
    case 'timestamp':
      return `make_timestamptz(${String(value)})`;
    case 'timestamp_ntz':
      return `make_timestamp(${String(value)})`;
    case 'date':
      return `(DATE '1970-01-01' + ${String(value)})`;
    default:
      return `${sqlText(String(value))}::${sqlTypeOf(type)}`;
  }
}
