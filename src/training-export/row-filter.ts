import { namePlaces } from '../base/name-places.ts';
import { bindPredicate, type Formula, parseExpression } from '../storage/expression/expressions.ts';
import type { Snapshot } from '../storage/scan/snapshot.ts';
import { readChunks } from '../storage/scan/table-read.ts';

/** Tells whether a row is wanted, by its key. */
export type RowFilter = (endToEndId: string, side: string) => boolean;

/**
 * The rows of silver.transactions for which a condition is true: Spark's SQL over its columns, as
 * `table read --where` takes it, without functions of the present time, which would give other rows
 * tomorrow. Only files that may hold such a row are opened.
 *
 * @param rows how many rows the table has.
 * @throws AppError `invalid_request` for a condition that is none (with the position and the nearest
 * column), and for a row on which it fails.
 */
export async function rowFilter(transactions: Snapshot, rows: number, text: string): Promise<RowFilter> {
  const where = rowCondition(transactions, text);
  const passing = namePlaces(rows);
  for await (const chunk of readChunks(transactions, { columns: ['end_to_end_id', 'side'], where })) {
    for (const { end_to_end_id, side } of chunk.rows()) {
      const name = `${end_to_end_id} ${side}`;
      if (passing.find(name) < 0) passing.put(name, passing.count);
    }
  }
  return (endToEndId, side) => passing.find(`${endToEndId} ${side}`) >= 0;
}

function rowCondition({ schema }: Snapshot, text: string): Formula {
  const origin = { code: 'invalid_request', what: 'The condition of --where' } as const;
  return bindPredicate(parseExpression(text, origin), schema, { origin });
}
