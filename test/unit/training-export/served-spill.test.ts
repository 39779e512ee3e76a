import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { localSpill } from '../../../src/features/spill/local-spill.ts';
import { MEMORY_SPILL } from '../../../src/features/spill/memory-spill.ts';
import type { SpillPlace } from '../../../src/features/spill/spill-place.ts';
import type { ColumnRead } from '../../../src/governance/lake-columns.ts';
import type { ColumnChunk } from '../../../src/storage/scan/column-read.ts';
import type { Snapshot } from '../../../src/storage/scan/snapshot.ts';
import type { ColumnData } from '../../../src/storage/types/column-data.ts';
import { ServedSpill } from '../../../src/training-export/served-spill.ts';
import { SET } from '../../scoring-world.ts';

const COUNT = SET.names.length;

/** What the decision of a row was made with; every hundredth vector is of another set, one value short. */
function vectorOf(row: number): { readonly values: readonly number[]; readonly status: Uint8Array } {
  const count = row % 100 === 99 ? COUNT - 1 : COUNT;
  const values = Array.from({ length: count }, (_, at) => ((row + at) % 7 === 0 ? Number.NaN : row * 31 + at / 3));
  return { values, status: Uint8Array.from(values, (_, at) => (row + at) % 5) };
}

/** Decisions as storage gives them, in chunks. */
function decisions(chunks: readonly number[]): ColumnRead {
  return async function* (_snapshot, names) {
    expect(names).toEqual(['known_time', 'features', 'feature_status']);
    let first = 0;
    for (const rowCount of chunks) {
      const vectors = Array.from({ length: rowCount }, (_, at) => vectorOf(first + at));
      const offsets = new Int32Array(rowCount + 1);
      for (const [at, { values }] of vectors.entries()) offsets[at + 1] = (offsets[at] as number) + values.length;
      const all = vectors.flatMap(({ values }) => values);
      const nulls = Uint8Array.from(all, (value) => (Number.isNaN(value) ? 1 : 0));
      const child = { kind: 'float64', values: Float64Array.from(all), nulls } as unknown as ColumnData;
      yield {
        rowCount,
        columns: [
          { kind: 'int64', values: BigInt64Array.from(vectors, (_, at) => BigInt(first + at)) },
          { kind: 'list', offsets, child },
          { kind: 'binary', values: vectors.map(({ status }) => status) },
        ] as unknown as readonly ColumnData[],
      } as ColumnChunk;
      first += rowCount;
    }
  };
}

async function filled(place: SpillPlace, chunks: readonly number[]): Promise<ServedSpill> {
  const spill = new ServedSpill(SET, place);
  let rows = 0;
  for await (const { rowCount, columns } of spill.reading(decisions(chunks))({} as Snapshot, ['known_time'])) {
    expect(columns.map(({ kind }) => kind)).toEqual(['int64']);
    rows += rowCount;
  }
  expect(rows).toBe(chunks.reduce((sum, count) => sum + count, 0));
  return spill;
}

function check(spill: ServedSpill, row: number): void {
  const { values, status } = spill.vector(row);
  const expected = vectorOf(row);
  const isOther = expected.values.length !== COUNT;
  // Plain loops: millions of values are compared.
  for (let at = 0; at < COUNT; at += 1) {
    const [value, code] = isOther ? [Number.NaN, 255] : [expected.values[at], expected.status[at]];
    if (!Object.is(values[at], value) || status[at] !== code)
      throw new Error(`${row}, ${at}: ${values[at]} ${status[at]}`);
  }
}

describe('vectors of decisions beside memory', () => {
  it('come back as they were, whatever chunks they came in and whatever is asked for first', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 150 }), { minLength: 1, maxLength: 8 }),
        fc.array(fc.nat(2000), { maxLength: 60 }),
        async (chunks, asked) => {
          const spill = await filled(MEMORY_SPILL, chunks);
          const count = chunks.reduce((sum, rows) => sum + rows, 0);
          for (const row of asked) if (count > 0) check(spill, row % count);
          spill.close();
        },
      ),
    );
  });

  it('come back from files, of many rooms and more blocks than memory keeps, in any order', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sentinela-served-'));
    try {
      const spill = await filled(localSpill(folder), [8191, 8193, 10_000, 7]);
      expect(readdirSync(folder)).toEqual([]);
      for (let row = 0; row < 26_391; row += 1) check(spill, row);
      for (let step = 0; step < 26_391; step += 1) check(spill, (step * 7919) % 26_391);
      spill.close();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
