import { tableFromIPC } from 'apache-arrow';
import { describe, expect, it } from 'vitest';
import { field, type StructType } from '../../../src/storage/types/delta-type.ts';
import { arrowPieces } from '../../../src/training-export/arrow-pieces.ts';
import type { HistoryPiece } from '../../../src/training-export/read-history.ts';

const SCHEMA: StructType = {
  type: 'struct',
  fields: [field('id', 'string'), { ...field('value', 'double'), metadata: { comment: 'A value' } }],
};
const piece = (ids: readonly string[], floats: Float64Array): HistoryPiece => ({
  columns: [ids, { floats, offset: 0, stride: 1 }],
  rows: ids.length,
});

describe('an Arrow stream piece by piece', () => {
  it.each([0, 1, 3])('is one whole stream of %i batches', async (count) => {
    const pieces = Array.from({ length: count }, (_, at) =>
      piece([`a${at}`, `b${at}`], Float64Array.of(at, Number.NaN)),
    );
    const bytes: Uint8Array[] = [];
    for await (const some of arrowPieces(SCHEMA, '{"x":1}', pieces)) bytes.push(some);
    expect(bytes).toHaveLength(count + 2);
    const table = tableFromIPC(Buffer.concat(bytes));
    expect(table.batches.filter(({ numRows }) => numRows > 0)).toHaveLength(count);
    expect(table.schema.metadata.get('sentinela')).toBe('{"x":1}');
    expect(table.schema.fields[1]?.metadata.get('description')).toBe('A value');
    expect([...table].map((row) => [row.id, row.value])).toEqual(
      pieces.flatMap((_, at) => [
        [`a${at}`, at],
        [`b${at}`, null],
      ]),
    );
  });
});
