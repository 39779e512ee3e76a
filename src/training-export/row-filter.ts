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
 * @throws AppError `invalid_request` for a condition that is none (with the position and the nearest
 * column), and for a row on which it fails.
 */
export async function rowFilter(transactions: Snapshot, text: string): Promise<RowFilter> {
  const where = rowCondition(transactions, text);
  const bySide = new Map<string, Set<string>>();
  for await (const chunk of readChunks(transactions, { columns: ['end_to_end_id', 'side'], where })) {
    for (const { end_to_end_id, side } of chunk.rows()) {
      const ids = bySide.get(String(side)) ?? new Set<string>();
      bySide.set(String(side), ids);
      ids.add(String(end_to_end_id));
    }
  }
  return (endToEndId, side) => bySide.get(side)?.has(endToEndId) === true;
}

function rowCondition({ schema }: Snapshot, text: string): Formula {
  const origin = { code: 'invalid_request', what: 'The condition of --where' } as const;
  return bindPredicate(parseExpression(text, origin), schema, { origin });
}
