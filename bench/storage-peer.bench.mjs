// Our Delta tables beside delta-rs (Python), alternated in one run, medians: the same Parquet sources,
// the same local disk. ROWS and ROUNDS set the size: ROWS=10000000 is the size that is asked for.
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDeltaRs } from './delta-rs-peer.mjs';
import { machine, median, printTable } from './figures.mjs';
import { ourAppenders } from './storage-appenders.mjs';

const ROWS = Number(process.env.ROWS ?? 10_000_000);
const ROUNDS = Number(process.env.ROUNDS ?? 3);
const ONLY = process.env.ONLY;
const dist = (path) => import(new URL(`../dist/${path}`, import.meta.url));
const { localObjectStore } = await dist('storage/store/local-object-store.js');
const { createTable, openTable } = await dist('storage/table.js');
const { field, structOf } = await dist('storage/types/delta-type.js');
const { systemClock } = await dist('base/clock.js');
const { openDuckDb } = await dist('storage/parquet/duckdb.js');
const { readChunks } = await dist('storage/scan/table-read.js');
const { bindPredicate, parseExpression } = await dist('storage/expression/expressions.js');
const { readColumns } = await dist('storage/scan/column-read.js');

const root = mkdtempSync(join(tmpdir(), 'sentinela-peer-'));
process.on('exit', () => rmSync(root, { recursive: true, force: true }));
const store = localObjectStore(root);
const environment = { clock: systemClock() };
const schema = structOf([
  field('id', 'long'),
  field('account', 'string'),
  field('amount', 'double'),
  field('day', 'date'),
]);
const db = await openDuckDb({ memoryLimitMb: 2048, threads: 2 });

/** A Parquet file of rows whose ids are spread over `space`. */
async function source(name, rows, space = rows, from = 0) {
  const path = join(root, `${name}.parquet`);
  await db.run(`COPY (SELECT ((${from} + i * 7919) % ${space})::BIGINT AS id, 'account ' || (i * 31 % 50000) AS account,
    (i % 100000) / 100 AS amount, DATE '2026-01-01' + (i % 365)::INTEGER AS day FROM range(${rows}) t(i))
    TO '${path}' (FORMAT parquet, COMPRESSION zstd)`);
  return path;
}

let made = 0;
async function fresh() {
  made += 1;
  const path = `t${made}`;
  await createTable(store, { path, schema }, environment);
  return path;
}
/** A copy of a table, for an action that changes it. */
function copied(path) {
  made += 1;
  cpSync(join(root, path), join(root, `t${made}`), { recursive: true });
  return `t${made}`;
}
const table = (path) => openTable(store, path, environment);
const peer = startDeltaRs();
const results = [];

/** Times both, by turns. `ours` and `theirs` get the path of a table and give seconds. */
async function compare(what, target, make, ours, theirs) {
  if (ONLY !== undefined && !what.includes(ONLY)) return;
  const own = [];
  const their = [];
  // What takes milliseconds is timed oftener: a median of three is chance, and the first calls compile.
  let rounds = ROUNDS;
  for (let round = 0; round < rounds; round += 1) {
    if (round === 1 && own[0] + their[0] < 0.5) rounds = Math.max(ROUNDS, 15);
    const turns = [async () => own.push(await ours(await make())), async () => their.push(await theirs(await make()))];
    for (const turn of round % 2 === 0 ? turns : turns.reverse()) await turn();
  }
  const ratio = median(their) / median(own);
  const row = {
    what,
    'ours s': median(own).toFixed(3),
    'delta-rs s': median(their).toFixed(3),
    'their time / ours': ratio.toFixed(2),
    wanted: `≥ ${target}`,
    met: ratio >= target ? 'yes' : 'NO',
  };
  results.push(row);
  console.error(`  ${what}: ${row['ours s']} s, delta-rs ${row['delta-rs s']} s`);
}
async function readWhere(path, text) {
  const snapshot = await table(path).snapshot();
  const where = bindPredicate(parseExpression(text), snapshot.schema);
  let rows = 0;
  for await (const chunk of readChunks(snapshot, { where })) rows += chunk.rows().length;
  return rows;
}
const timed = async (act) => {
  const began = performance.now();
  await act();
  return (performance.now() - began) / 1000;
};
const ask = async (action, request) => (await peer.ask(action, request)).seconds;
const at = (path) => join(root, path);

for (const [name, rows] of [
  ['1 k', 1000],
  ['100 k', 100_000],
  ['1 M', 1_000_000],
]) {
  const file = await source(`append-${rows}`, rows);
  const target = await fresh();
  await compare(
    `append ${name} rows from Parquet`,
    1,
    async () => target,
    (path) => timed(() => table(path).write({ source: { parquet: [file] }, mode: 'append' })),
    (path) => ask('append', { path: at(path), source: file }),
  );
}

const big = await fresh();
const parts = 10;
for (let part = 0; part < parts; part += 1) {
  const file = await source('part', ROWS / parts, ROWS, (ROWS / parts) * part * 7919);
  await table(big).write({ source: { parquet: [file] }, mode: 'append' });
}
const changes = await source('changes', ROWS / 100, ROWS + ROWS / 100);
await compare(
  `merge 1 % into ${ROWS / 1e6} M rows`,
  1,
  async () => copied(big),
  (path) =>
    timed(() =>
      table(path).merge({
        source: { parquet: [changes] },
        on: 'target.id = source.id',
        whenMatched: [{ action: 'update' }],
        whenNotMatched: [{}],
      }),
    ),
  (path) => ask('merge', { path: at(path), source: changes }),
);

const scattered = await fresh();
for (let part = 0; part < 50; part += 1) {
  const file = await source('small', ROWS / 250, ROWS, part * 1000);
  await table(scattered).write({ source: { parquet: [file] }, mode: 'append' });
}
await compare(
  `OPTIMIZE 50 files of ${(ROWS / 5 / 1e6).toFixed(1)} M rows`,
  1,
  async () => copied(scattered),
  (path) => timed(() => table(path).optimize()),
  (path) => ask('optimize', { path: at(path) }),
);

const ordered = copied(big);
await table(ordered).optimize({ zOrderBy: ['id', 'amount'], fileBytes: 16 * 1024 * 1024 });
let key = 0;
await compare(
  'point look-up on a Z-ordered column',
  1,
  async () => ordered,
  (path) => {
    key = (key + 104_729) % ROWS;
    return timed(async () => {
      await readWhere(path, `id = ${key}L`);
    });
  },
  (path) => ask('query', { path: at(path), sql: `SELECT * FROM t WHERE id = ${key}` }),
);
await compare(
  'filtered scan, 1 day of 365',
  1,
  async () => big,
  (path) =>
    timed(async () => {
      await readWhere(path, "day = DATE '2026-03-01'");
    }),
  (path) => ask('query', { path: at(path), sql: "SELECT * FROM t WHERE day = DATE '2026-03-01'" }),
);
await compare(
  'full scan, all columns handed over',
  0.2,
  async () => big,
  (path) => timed(async () => readColumns(await table(path).snapshot(), { texts: 'packed' })),
  (path) => ask('scan', { path: at(path), columns: null, filters: null }),
);
await compare(
  'checkpoint write',
  1,
  async () => copied(scattered),
  (path) => timed(() => table(path).checkpoint()),
  (path) => ask('checkpoint', { path: at(path) }),
);

const tiny = await source('tiny', 100);
let ourRetries = 0;
let theirRetries = 0;
await compare(
  '8 appenders, 25 commits each',
  1,
  fresh,
  async (path) => {
    const { seconds, retries } = await ourAppenders(root, path, 8, 25);
    ourRetries = retries;
    return seconds;
  },
  async (path) => {
    const { answer } = await peer.ask('appenders', { path: at(path), count: 8, commits: 25, source: tiny });
    theirRetries = answer.retries;
    return answer.seconds;
  },
);
peer.stop();
db.close();
console.log(machine());
printTable(results);
console.log(
  `8 appenders: of 200 commits ours were tried again ${ourRetries} times; delta-rs told of ${theirRetries} failures`,
);
process.exit(results.every(({ met }) => met === 'yes') ? 0 : 5);
