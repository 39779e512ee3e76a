import { assert } from '../../base/assert.ts';
import { RowSet } from '../deletion-vectors/row-set.ts';
import type { DuckDb } from '../parquet/duckdb.ts';
import { type ColumnData, columnSink } from '../types/column-data.ts';

/** Rows by the number of their file, from a query of `#file` and `#row`; its order does not matter. */
export async function matchedRows(db: DuckDb, sql: string): Promise<Map<number, RowSet>> {
  const rows = new Map<number, number[]>();
  for await (const chunk of db.stream(sql)) {
    const [files, numbers] = [columnSink('long', chunk.rowCount), columnSink('long', chunk.rowCount)];
    chunk.pushColumn(0, files);
    chunk.pushColumn(1, numbers);
    const [file, number] = [longsOf(files.take()), longsOf(numbers.take())];
    let key = -1;
    let list: number[] = [];
    for (let at = 0; at < chunk.rowCount; at += 1) {
      const own = Number(file[at]);
      if (own !== key) {
        key = own;
        list = rows.get(own) ?? [];
        rows.set(own, list);
      }
      list.push(Number(number[at]));
    }
  }
  return new Map([...rows].map(([file, list]) => [file, RowSet.from(list)] as const));
}

function longsOf(column: ColumnData): BigInt64Array {
  assert(column.kind === 'int64', 'places are longs');
  return column.values;
}
