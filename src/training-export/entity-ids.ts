import type { TextColumn } from '../base/text-column.ts';
import type { IdColumn } from './entity-columns.ts';
import type { SilverSource } from './silver-source.ts';

/** The ids of a column, by row; null where a payment names none. */
export function idsOf({ payments, texts }: SilverSource, column: IdColumn): TextColumn {
  if (column === 'payer_account') return payments.keys.payer;
  return column === 'payee_account' ? payments.keys.payee : texts(column);
}
