import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { it } from 'vitest';
import { systemClock } from '../src/base/clock.ts';
import { AppError, messageOf } from '../src/base/errors.ts';
import { readRows } from '../src/storage/scan/table-read.ts';
import { localObjectStore } from '../src/storage/store/local-object-store.ts';
import { openTable } from '../src/storage/table.ts';
import { plainRow, sorted } from '../test/conformance/engine-rows.ts';
import { startSpark } from '../test/running-spark.ts';

/*
 * Holds our reader against Spark over tables that others made, for each of which it prints whether we
 * read it equal, or by what name we refuse it. `golden-tables.mjs` starts it.
 */

function* tablesIn(folder: string): Generator<string> {
  if (existsSync(join(folder, '_delta_log'))) yield folder;
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (!name.startsWith('_') && !name.startsWith('.') && statSync(path).isDirectory()) yield* tablesIn(path);
  }
}

type Answer = { readonly rows: readonly string[] } | { readonly error: string };

async function ours(root: string, folder: string): Promise<Answer> {
  try {
    const table = openTable(localObjectStore(root), relative(root, folder), { clock: systemClock() });
    const snapshot = await table.snapshot();
    const rows: unknown[] = [];
    for await (const row of readRows(snapshot)) rows.push(plainRow(row as Record<string, unknown>, snapshot.schema));
    return { rows: sorted(rows) };
  } catch (error) {
    return { error: `${error instanceof AppError ? error.code : 'UNEXPECTED'}: ${messageOf(error)}` };
  }
}

async function main(root: string, only: string | undefined): Promise<void> {
  const spark = await startSpark({ 'spark.sql.legacy.timeParserPolicy': 'CORRECTED' });
  const counts = { equal: 0, refused: 0, differs: 0, neither: 0 };
  for (const folder of tablesIn(root)) {
    if (only !== undefined && !folder.includes(only)) continue;
    const [own, their] = [
      await ours(root, folder),
      await spark.rows(`SELECT * FROM delta.\`${folder}\``).then(
        (rows): Answer => ({ rows: sorted(rows) }),
        (error: unknown): Answer => ({ error: messageOf(error).slice(0, 200) }),
      ),
    ];
    const name = relative(root, folder);
    if ('rows' in own && 'rows' in their) {
      const isEqual = JSON.stringify(own.rows) === JSON.stringify(their.rows);
      counts[isEqual ? 'equal' : 'differs'] += 1;
      console.log(`${isEqual ? 'equal  ' : 'DIFFERS'}  ${name}  ${own.rows.length} rows`);
      if (!isEqual) {
        const at = own.rows.findIndex((row, index) => row !== their.rows[index]);
        console.log(
          `    ours   ${own.rows.length}: ${own.rows[at]?.slice(0, 600)}\n    theirs ${their.rows.length}: ${their.rows[at]?.slice(0, 600)}`,
        );
      }
    } else if ('error' in own && 'rows' in their) {
      counts.refused += 1;
      console.log(`refused  ${name}  ${own.error.slice(0, 300)}`);
    } else if ('error' in their) {
      counts.neither += 1;
      console.log(
        `${'rows' in own ? 'spark-no' : 'neither '} ${name}\n    ours ${'error' in own ? own.error.slice(0, 250) : `${own.rows.length} rows`}\n    theirs ${their.error.split('\n')[0]}`,
      );
    }
  }
  console.log(JSON.stringify(counts));
  spark.stop();
}

const [root, only] = [process.env.GOLDEN_TABLES, process.env.GOLDEN_ONLY];
it('are read equal to Spark, or refused by name', () => main(root ?? '', only), 3_600_000);
