import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { it } from 'vitest';
import { systemClock } from '../src/base/clock.ts';
import { AppError, messageOf } from '../src/base/errors.ts';
import { readRows } from '../src/storage/scan/table-read.ts';
import { localObjectStore } from '../src/storage/store/local-object-store.ts';
import { openTable } from '../src/storage/table.ts';
import { type DeltaType, isPrimitive, type StructType } from '../src/storage/types/delta-type.ts';
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
type Plain = Record<string, unknown>;

/** A plain row with the entries of its maps sorted: Python's bridge gives them in the order of a hash table. */
function mapsSorted(row: Plain, { fields }: StructType): Plain {
  return Object.fromEntries(fields.map(({ name, type }) => [name, sortedIn(row[name], type)]));
}

function sortedIn(value: unknown, type: DeltaType): unknown {
  if (value === null || value === undefined || isPrimitive(type)) return value;
  switch (type.type) {
    case 'struct':
      return mapsSorted(value as Plain, type);
    case 'array':
      return (value as unknown[]).map((item) => sortedIn(item, type.elementType));
    case 'map':
      return (value as (readonly [unknown, unknown] | { readonly key: unknown; readonly value: unknown })[])
        .map((entry) => ('key' in entry ? [entry.key, entry.value] : entry))
        .map(([key, item]) => [sortedIn(key, type.keyType), sortedIn(item, type.valueType)])
        .sort((left, right) => (JSON.stringify(left) < JSON.stringify(right) ? -1 : 1));
    default:
      return value;
  }
}

/** Spark's rows. Maps whose keys are lists cannot pass its bridge to Python as maps: their entries can. */
function queryOf(folder: string, schema: StructType | undefined): string {
  const columns = schema?.fields.map(({ name, type }) => `${passable(quoted(name), type)} AS ${quoted(name)}`);
  return `SELECT ${columns === undefined ? '*' : columns.join(', ')} FROM delta.\`${folder}\``;
}

function quoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

function passable(sql: string, type: DeltaType): string {
  if (isPrimitive(type)) return sql;
  if (type.type === 'map') return isPrimitive(type.keyType) ? sql : `map_entries(${sql})`;
  if (type.type !== 'struct') return sql;
  const fields = type.fields.map((item) => {
    const inner = `${sql}.${quoted(item.name)}`;
    return { name: item.name, inner, passed: passable(inner, item.type) };
  });
  if (fields.every(({ inner, passed }) => inner === passed)) return sql;
  const members = fields.map(({ name, passed }) => `'${name}', ${passed}`).join(', ');
  return `if(${sql} IS NULL, NULL, named_struct(${members}))`;
}

async function ours(root: string, folder: string): Promise<Answer & { readonly schema?: StructType }> {
  try {
    const table = openTable(localObjectStore(root), relative(root, folder), { clock: systemClock() });
    const snapshot = await table.snapshot();
    const rows: Plain[] = [];
    for await (const row of readRows(snapshot)) rows.push(plainRow(row as Record<string, unknown>, snapshot.schema));
    return { rows: sorted(rows.map((row) => mapsSorted(row, snapshot.schema))), schema: snapshot.schema };
  } catch (error) {
    return { error: `${error instanceof AppError ? error.code : 'UNEXPECTED'}: ${messageOf(error)}` };
  }
}

async function main(root: string, only: string | undefined): Promise<void> {
  const spark = await startSpark({ 'spark.sql.legacy.timeParserPolicy': 'CORRECTED' });
  const counts = { equal: 0, refused: 0, differs: 0, neither: 0 };
  for (const folder of tablesIn(root)) {
    if (only !== undefined && !folder.includes(only)) continue;
    const { schema, ...own } = await ours(root, folder);
    const their = await spark.rows(queryOf(folder, schema)).then(
      (rows): Answer => ({ rows: sorted(schema === undefined ? rows : rows.map((row) => mapsSorted(row, schema))) }),
      (error: unknown): Answer => ({ error: messageOf(error).slice(0, 200) }),
    );
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
