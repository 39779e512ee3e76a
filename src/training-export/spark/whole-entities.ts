import type { RowSlice, SparkRows } from './spark-rows.ts';
import { joinedRows } from './spark-rows.ts';

/** Rows of whole entities of one kind. */
export interface EntityBatch {
  /** The kind's place among ENTITY_KINDS. */
  readonly kind: number;
  readonly rows: SparkRows;
}

/**
 * Cuts rows that are sorted by (kind, entity) behind an entity: every batch has at least `least` rows, unless the kind
 * ends, and no more than `least`, one entity and one piece of the input hold.
 */
export async function* wholeEntities(
  pieces: Iterable<SparkRows> | AsyncIterable<SparkRows>,
  least: number,
): AsyncGenerator<EntityBatch> {
  let slices: RowSlice[] = [];
  let held = 0;
  let kind = -1;
  let entity: string | null = null;
  const taken = (): EntityBatch => {
    const batch = { kind, rows: joinedRows(slices) };
    slices = [];
    held = 0;
    return batch;
  };
  for await (const rows of pieces) {
    const kinds = rows.numbers('kind');
    const entities = rows.texts('entity');
    let from = 0;
    const hold = (to: number): void => {
      if (to > from) slices.push({ rows, from, to });
      held += to - from;
      from = to;
    };
    for (let row = 0; row < rows.count; row += 1) {
      const isOther = kinds[row] !== kind;
      if (!isOther && entities[row] === entity) continue;
      if (isOther || held + row - from >= least) {
        hold(row);
        if (held > 0) yield taken();
      }
      kind = kinds[row] as number;
      entity = entities[row] ?? null;
    }
    hold(rows.count);
  }
  if (held > 0) yield taken();
}
