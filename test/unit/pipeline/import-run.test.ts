import { mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { TimedRow } from '../../../src/pipeline/import-order.ts';
import { readRun, writeRun } from '../../../src/pipeline/import-run.ts';
import { sortedRows } from '../../../src/pipeline/import-sort.ts';

const folder = mkdtempSync(join(tmpdir(), 'run-'));
afterAll(() => rmSync(folder, { recursive: true }));

const rowsOf = (count: number, bytes = 300): TimedRow[] =>
  Array.from({ length: count }, (_, at) => ({
    row: { kind: 'bad', line: at + 1, raw: Buffer.alloc(bytes, at), code: 'c', reason: 'r' },
    knownMicros: at,
    assumed: false,
  }));

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

async function* one(rows: TimedRow[]): AsyncGenerator<TimedRow[]> {
  yield rows;
}

describe('a run of sorted rows', () => {
  it('is whole where the disk takes a part of what it is given', async () => {
    const rows = rowsOf(2000);
    const run = writeRun(join(folder, 'some'), rows, (file, bytes, offset, length) =>
      writeSync(file, bytes, offset, Math.min(length, 100_001)),
    );
    expect(await all(readRun(run))).toEqual(rows);
  });

  it('says that the disk is full', () => {
    const full = (): number => {
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    };
    expect(() => writeRun(join(folder, 'full'), rowsOf(1), full)).toThrow(
      expect.objectContaining({ code: 'disk_full' }),
    );
  });

  it.each([
    ['within its last row', 10],
    ['by its last line end', 1],
  ])('is refused where it was cut off %s', async (_, bytes) => {
    const rows = rowsOf(5);
    const run = writeRun(join(folder, `cut-${bytes}`), rows);
    truncateSync(run.path, statSync(run.path).size - bytes);
    await expect(all(readRun(run))).rejects.toMatchObject({
      code: 'storage_failed',
      message: expect.stringMatching(/has 4 of 5/),
    });
  });

  it('is refused where rows are missing at its end, and so is the whole order', async () => {
    const place = join(folder, 'sorted');
    const sorted = sortedRows(one(rowsOf(6000)), place, { rows: 3000, rawBytes: 2 ** 30 });
    await sorted.next();
    const [name = ''] = readdirSync(place);
    truncateSync(join(place, name, 'run-1'), 0);
    await expect(all(sorted)).rejects.toMatchObject({ code: 'storage_failed' });
    expect(readdirSync(place)).toEqual([]);
  });

  it('is cut by its bytes as well, and given on so', async () => {
    const place = join(folder, 'long');
    const rows = rowsOf(500, 60_000);
    const sorted = sortedRows(one(rows), place, { rows: 50_000, rawBytes: 10_000_000 });
    const first = await sorted.next();
    const [name = ''] = readdirSync(place);
    // 30 MB: two runs of 167 rows on disk, the rest in memory.
    expect(readdirSync(join(place, name)).sort()).toEqual(['run-0', 'run-1']);
    const batches = [first.value ?? [], ...(await all(sorted))];
    expect(Math.max(...batches.map((batch) => batch.length * 60_000))).toBeLessThan(5_000_000);
    expect(batches.flat().map(({ knownMicros }) => knownMicros)).toEqual(rows.map(({ knownMicros }) => knownMicros));
  });
});
