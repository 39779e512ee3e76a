import { assert } from '../base/assert.ts';
import { EVENT } from '../domain/recorded-event.ts';
import type { ColumnChunk } from '../storage/scan/column-read.ts';
import type { Snapshot } from '../storage/scan/snapshot.ts';
import { type ColumnData, kindOf } from '../storage/types/column-data.ts';
import { findField, type StructField } from '../storage/types/delta-type.ts';
import { pickRows } from '../storage/types/pick-rows.ts';
import { type ColumnRead, everyRow } from './lake-columns.ts';

/** What the column `is_event` of {@link paymentsWithCorrections} says, by effect. */
const EVENT_OF: Readonly<Record<string, number>> = {
  RETRACTED: EVENT.retraction,
  REPLACED: EVENT.replacement,
};

/** What a row of silver.corrections is to the state of its payment's entities, by its effect: of EVENT. */
export function eventOfEffect(effect: string | null | undefined): number {
  return EVENT_OF[effect ?? ''] ?? EVENT.none;
}

/** Columns that say which rows of silver.corrections are read. */
const CHOICE: readonly string[] = ['effect', 'journal_id', 'journal_position'];

/**
 * Reads the rows of silver.transactions and behind them those of what corrections did, in the same columns: a
 * retraction's hold the payment as it was, a replacement's the payment as it is from there on. Corrections that did
 * nothing are passed over. Columns that silver.corrections has not are null.
 *
 * @param isRead whether what stands at a place of a journal is read.
 * @param read which rows of both tables; all unless told.
 */
export function paymentsWithCorrections(
  corrections: Snapshot,
  isRead: (journal: string, position: number) => boolean = () => true,
  read: ColumnRead = everyRow,
): ColumnRead {
  return async function* (transactions, names) {
    yield* read(transactions, names);
    const there = names.filter((name) => findField(corrections.schema, name) !== undefined);
    const asked = [...new Set([...there, ...CHOICE])];
    for await (const chunk of read(corrections, asked)) {
      const columnOf = (name: string): ColumnData => {
        const column = chunk.columns[asked.indexOf(name)];
        assert(column !== undefined, 'a column that was asked for');
        return column;
      };
      const [effects, journals] = [textsOf(columnOf('effect')), textsOf(columnOf('journal_id'))];
      const positions = columnOf('journal_position');
      assert(positions.kind === 'int64', 'positions are longs');
      const rows = Array.from({ length: chunk.rowCount }, (_, row) => row).filter(
        (row) =>
          EVENT_OF[effects[row] ?? ''] !== undefined && isRead(journals[row] ?? '', Number(positions.values[row])),
      );
      if (rows.length === 0) continue;
      const isEvent = Uint8Array.from(rows, (row) => EVENT_OF[effects[row] ?? ''] ?? 0);
      const columns = names.map((name): ColumnData => {
        if (name === 'is_event') return { kind: 'boolean', values: isEvent, nulls: null };
        if (there.includes(name)) return pickRows(columnOf(name), rows);
        return nothing(findField(transactions.schema, name), rows.length);
      });
      yield { rowCount: rows.length, columns } satisfies ColumnChunk;
    }
  };
}

function textsOf(column: ColumnData): readonly (string | null)[] {
  assert(column.kind === 'string', 'a column of texts');
  return column.values;
}

/** A column without a value. */
function nothing(field: StructField | undefined, count: number): ColumnData {
  assert(field !== undefined, 'a column of silver.transactions');
  const nulls = new Uint8Array(count).fill(1);
  switch (kindOf(field.type)) {
    case 'string':
      return { kind: 'string', values: Array.from({ length: count }, () => null) };
    case 'int64':
      return { kind: 'int64', values: new BigInt64Array(count), nulls };
    case 'int32':
      return { kind: 'int32', values: new Int32Array(count), nulls };
    case 'float64':
      return { kind: 'float64', values: new Float64Array(count), nulls };
    case 'boolean':
      return { kind: 'boolean', values: new Uint8Array(count), nulls };
    default:
      throw new Error(`assertion failed: ${field.name} is of a type that payments have not`);
  }
}
