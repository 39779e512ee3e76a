import { expect, it } from 'vitest';
import { commitSteps } from '../../../src/pipeline/import-commits.ts';
import { importLedger } from '../../../src/pipeline/import-ledger.ts';
import type { ImportStep } from '../../../src/pipeline/import-order.ts';
import { importRows } from '../../../src/pipeline/import-rows.ts';
import { exampleLake, JOURNAL, T0 } from './lake-example.ts';

const bad = (line: number, rawBytes: number): ImportStep => ({
  kind: 'bad',
  table: 'labels',
  knownMicros: T0,
  assumed: true,
  bad: { kind: 'bad', line, raw: Buffer.alloc(rawBytes), code: 'c', reason: 'r' },
});

async function* steps(batches: number, rows: number, rawBytes: number): AsyncGenerator<ImportStep[]> {
  for (let batch = 0; batch < batches; batch += 1) {
    yield Array.from({ length: rows }, (_, at) => bad(batch * rows + at + 1, rawBytes));
  }
}

it('commits what an import has read after so many rows, and after so many bytes', async () => {
  const example = await exampleLake();
  try {
    const table = example.lake.table('quarantine/labels');
    const nothing = { payments: [], events: new Map(), corrected: new Set<string>() };
    const commitsOf = async (journalId: string, made: AsyncGenerator<ImportStep[]>): Promise<number> => {
      const ledger = await importLedger({ payments: 1, labels: 1, corrections: 0 }, nothing);
      const rows = importRows(journalId, { epoch: 1 }, ledger, 'text/csv', T0);
      const before = (await table.snapshot()).version;
      await commitSteps(example.lake, journalId, made, rows, { rows: 100, rawBytes: 1_000_000 });
      return (await table.snapshot()).version - before;
    };
    expect(await commitsOf(JOURNAL, steps(12, 10, 100))).toBe(2);
    expect(await commitsOf(JOURNAL.replace('0', '1'), steps(12, 10, 60_000))).toBe(6);
    expect(await example.rows('quarantine/labels')).toHaveLength(240);
  } finally {
    example.remove();
  }
});
