import { existsSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { importFile } from '../../src/pipeline/import-file.ts';
import { exampleLake } from '../unit/pipeline/lake-example.ts';

const FILE = '../shared/data/card-payments-2018-04.csv.gz';

describe.skipIf(!existsSync(FILE))('somebody else’s file', async () => {
  const example = await exampleLake();
  afterAll(() => example.remove());

  it('goes in whole: every card payment of the handbook becomes a row of silver', async () => {
    const figures = await importFile({ file: FILE, mapping: 'docs/examples/handbook/import.yaml' }, example.ports);
    expect(figures).toMatchObject({ records: 134_288, payments: 134_288, quarantined: 0, duplicates: 0 });
    const silver = await example.lake.table('silver/transactions').snapshot();
    expect(silver.rowCount).toBe(134_288);
    const labels = await example.rows('silver/labels');
    expect(labels).toHaveLength(figures.labels);
    expect(labels.every((row) => row.state === 'AGREED' && row.payee_seq !== null)).toBe(true);
  });
});

if (!existsSync(FILE)) console.log(`skipped: ${FILE} is not here, so nothing is imported from it`);
