import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tableFromIPC } from 'apache-arrow';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSetFile } from '../../src/cli/feature-sets.ts';
import { shippedSet } from '../../src/cli/shipped-set.ts';
import { openSourceTables } from '../../src/cli/source-tables.ts';
import { EVENT } from '../../src/domain/recorded-event.ts';
import { compileFeatureSet, type FeatureSet } from '../../src/features/feature-set.ts';

import { writeDefinitionFile } from '../../src/features/yaml/write-definition.ts';
import { localObjectStore } from '../../src/storage/store/local-object-store.ts';
import { readHistory } from '../../src/training-export/read-history.ts';
import { cellAt } from '../../src/training-export/split-file.ts';
import { sentinela } from '../running-program.ts';
import { PROGRAM } from '../running-server.ts';
import { type RunningSpark, startSpark } from '../running-spark.ts';
import { eventOf, isPresented, worldOf } from '../unit/features/replay-world.ts';
import { stream, testSet } from '../unit/features/streams.ts';
import { earlierEventWorld } from '../unit/training-export/spark/spark-world.ts';
import { writeSilver } from './spark-silver.ts';

/* Workers run the built program, so build before: `npm run build`. */

const COMMAND = [process.execPath, PROGRAM];
/** `STREAMS=400 npx vitest run test/conformance/spark-feature-values` for as many as one has time for. */
const STREAMS = Number(process.env.STREAMS ?? 10);
const SEED = Number(process.env.SEED ?? Date.now() % 1_000_000);

let spark: RunningSpark;
const root = mkdtempSync(join(tmpdir(), 'sentinela-spark-features-'));
beforeAll(async () => {
  spark = await startSpark();
}, 120_000);
afterAll(() => {
  spark?.stop();
  rmSync(root, { recursive: true, force: true });
});

type Row = Readonly<Record<string, unknown>>;

/** Rows of Spark by their keys. */
async function bySpark(
  dataDir: string,
  set: string,
  more: Readonly<Record<string, unknown>>,
): Promise<Map<string, Row>> {
  const out = join(dataDir, 'spark.arrow');
  await spark.features({ data_dir: dataDir, feature_set: set, statuses: true, command: COMMAND, ...more }, out);
  expect(existsSync(out)).toBe(true);
  const table = tableFromIPC(readFileSync(out));
  const columns = table.schema.fields.map(({ name }) => [name, table.getChild(name)] as const);
  const rows = new Map<string, Row>();
  for (let at = 0; at < table.numRows; at += 1) {
    const row = Object.fromEntries(columns.map(([name, column]) => [name, column?.get(at)]));
    rows.set(`${row.end_to_end_id} ${row.side}`, row);
  }
  expect(rows.size).toBe(table.numRows);
  return rows;
}

/** Compares every value and status with the program's own replay; gives how many. */
async function compared(dataDir: string, set: FeatureSet, rows: ReadonlyMap<string, Row>): Promise<number> {
  const payments = [...rows.values()].map(({ end_to_end_id, side }) => ({
    endToEndId: String(end_to_end_id),
    side: side as 'PAYER',
  }));
  const request = {
    of: { kind: 'payments', payments },
    features: set.names,
    withStatuses: true,
    versions: {},
  } as const;
  const history = await readHistory(openSourceTables(dataDir), set, request);
  const names = history.schema.fields.map(({ name }) => name);
  let count = 0;
  let place = 0;
  for await (const { columns, rows: size } of history.pieces()) {
    for (let at = 0; at < size; at += 1, place += 1) {
      const { endToEndId, side } = payments[place] ?? {};
      const row = rows.get(`${endToEndId} ${side}`);
      expect(Number(row?.event_time) * 1000).toBe(cellAt(columns[2], at));
      for (let column = 3; column < names.length; column += 1) {
        const [name, own] = [names[column] ?? '', cellAt(columns[column], at)];
        if (!Object.is(row?.[name], own))
          throw new Error(`${name} of ${endToEndId} ${side}: Spark's ${row?.[name]} is not ${own} (SEED=${SEED})`);
        count += 1;
      }
    }
  }
  expect(place).toBe(payments.length);
  return count;
}

describe('features by Spark', () => {
  it('equal the program’s replay on random streams, of every aggregate', { timeout: 240_000 }, async () => {
    const dataDir = join(root, 'streams');
    const set = compileFeatureSet(testSet(9));
    const drawn = fc.sample(fc.tuple(stream, fc.integer({ min: 1, max: 1000 })), { numRuns: STREAMS, seed: SEED });
    // Several, so that the two payees of one are on different workers.
    const earlier = Array.from({ length: 8 }, () => earlierEventWorld(set.definition));
    const streams = drawn.map(([steps, seed]) => worldOf(set, steps, seed).world);
    const worlds = [...earlier, ...streams].map((world, at) => ({ name: `s${at}`, world, isImport: at % 5 === 4 }));
    await writeSilver(localObjectStore(join(dataDir, 'lake')), set, worlds);
    const file = join(dataDir, 'test.yaml');
    writeFileSync(file, writeDefinitionFile(set.definition));
    const rows = await bySpark(dataDir, file, { partitions: 2 });
    expect(rows.size).toBe(worlds.reduce((sum, { world }) => sum + world.log.filter(isPresented).length, 0));
    const count = await compared(dataDir, await readSetFile(file), rows);
    const corrected = worlds.reduce(
      (sum, { world }) => sum + world.log.filter((entry) => eventOf(entry) > EVENT.first).length,
      0,
    );
    console.info(
      `${count} values and statuses of ${rows.size} rows compared, ${corrected} rows of corrections (SEED=${SEED})`,
    );
  });

  it('equal it on a simulated history, of the shipped set, for the rows that are asked for', {
    timeout: 240_000,
  }, async () => {
    const dataDir = join(root, 'simulated');
    const file = join(root, 'payments.ndjson');
    const count = ['--count', '800', '--seed', String(SEED), '--fraud-rate', '0.05'];
    sentinela('simulate', ...count, '--out', file, '--json');
    sentinela('import', file, '--labels', `${file}.labels.ndjson`, '--data-dir', dataDir, '--json');
    const rows = await bySpark(dataDir, 'pix-core', { where: 'amount_centavos % 2 = 0', partitions: 2 });
    expect(rows.size).toBeGreaterThan(100);
    expect(rows.size).toBeLessThan(800);
    const values = await compared(dataDir, shippedSet(), rows);
    console.info(`${values} values and statuses of ${rows.size} rows compared (SEED=${SEED})`);
  });

  it('say what the program says', async () => {
    const call = { data_dir: join(root, 'simulated'), feature_set: 'pix-cor', command: COMMAND };
    await expect(spark.features(call, join(root, 'none'))).rejects.toThrow(/did you mean pix-core.*feature_not_found/s);
    const versions = { 'silver/payments': 1 };
    await expect(spark.features({ ...call, versions, feature_set: 'pix-core' }, join(root, 'none'))).rejects.toThrow(
      /no table silver\/payments/,
    );
  });
});
