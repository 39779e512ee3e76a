import { ENTITY_KINDS } from '../../domain/entity-keys.ts';

/** What `events` and `reads` are, in one sentence. */
export const RELATIONS_MEANING =
  'In the SQL, events are the payments that count (silver.transactions where is_event) and reads the payments that were ' +
  'scored, with the numbers that their decisions saw; t is the event time in microseconds.';

/**
 * Views `events` and `reads`, which the queries of `window-sql.ts` read, over relations `silver_transactions` and
 * `silver_decisions`. DuckDB's dialect.
 */
export function relationsSql(): string {
  const numbers = ENTITY_KINDS.flatMap((kind) => [`${kind}_epoch`, `${kind}_seq`]);
  return `CREATE VIEW events AS
SELECT *, epoch_us(event_time) AS t FROM silver_transactions WHERE is_event;

CREATE VIEW reads AS
SELECT p.* EXCLUDE (${numbers.join(', ')}),
  ${numbers.map((name) => `d.${name}`).join(', ')},
  epoch_us(p.event_time) AS t
FROM silver_transactions AS p JOIN silver_decisions AS d USING (end_to_end_id, side);`;
}
