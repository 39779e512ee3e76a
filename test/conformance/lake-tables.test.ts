import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { paymentCodec } from '../../src/events/payment-codec.ts';
import { bronzeToSilver } from '../../src/pipeline/bronze-to-silver.ts';
import { bronzeWriter } from '../../src/pipeline/bronze-writer.ts';
import { LAKE_TABLES, type LakeTableName } from '../../src/pipeline/lake.ts';
import { silverToGold } from '../../src/pipeline/silver-to-gold.ts';
import { PYTHON, runPython } from '../python.ts';
import {
  correction,
  type ExampleLake,
  entries,
  exampleLake,
  JOURNAL,
  label,
  numbered,
  scored,
  T0,
} from '../unit/pipeline/lake-example.ts';
import { ENGINES, plainRow, SCRIPT, sorted } from './engine-rows.ts';

let example: ExampleLake;
let read: Record<string, Record<string, unknown[]>>;
const TABLES = Object.keys(LAKE_TABLES) as LakeTableName[];
const pathOf = (table: string): string => join(example.folder, 'lake', table);

/** Something in every table, over more than ten versions of bronze, so that checkpoints come too. */
beforeAll(async () => {
  example = await exampleLake();
  const writer = bronzeWriter(example.lake, JOURNAL, paymentCodec());
  const epoch = {
    kind: 'epoch' as const,
    knownTimeMicros: T0,
    epoch: 1,
    reason: 'start',
    silverVersion: null,
    offsets: { a: 1 },
  };
  const sequence = {
    kind: 'sequence' as const,
    knownTimeMicros: T0,
    endToEndId: 'x',
    side: 'PAYER' as const,
    isEvent: true,
    numbers: numbered(3),
  };
  let from = 1;
  for (let commit = 0; commit < 12; commit += 1) {
    const n = commit * 10;
    const records = [
      epoch,
      sequence,
      scored(n + 1),
      scored(n + 2, { raw: Buffer.from('{') }),
      label(n + 1, 'AGREED'),
      label(n + 2, 'CONTESTED', { raw: Buffer.from('{') }),
      correction(n + 1, { amount: '7.00' }),
      // Silver does not hold its payment.
      correction(n + 9, null),
    ];
    await writer.write(entries(records, from));
    from += records.length;
    if (commit % 4 === 3) {
      await bronzeToSilver(example.ports);
      await silverToGold(example.ports);
    }
  }
  if (PYTHON !== undefined) read = runPython(SCRIPT, { do: 'read-all', paths: TABLES.map(pathOf) }) as typeof read;
}, 120_000);
afterAll(() => example.remove());

describe.skipIf(PYTHON === undefined)('every table of the lake', () => {
  it.each(TABLES)('%s is read by every engine as by us', async (table) => {
    const { schema } = await example.lake.table(table).snapshot();
    const rows = await example.rows(table);
    expect(rows.length).toBeGreaterThan(0);
    const expected = sorted(rows.map((row) => plainRow(row as Record<string, unknown>, schema)));
    for (const engine of ENGINES) expect(sorted(read[pathOf(table)]?.[engine] ?? []), engine).toEqual(expected);
  });
});
