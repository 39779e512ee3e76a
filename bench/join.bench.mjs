// Ready feature values joined to rows, point in time: `features join` beside a bare DuckDB ASOF join and Feast, 500,000
// rows × 12 values of two kinds of entity. Wanted: 20 times as fast as Feast in a fifth of its memory, and at most three
// times the bare join, which checks nothing and knows one time. Feast is set up in `.cache/feast` at the first run.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { machine, median, printTable } from './figures.mjs';

const { openDuckDb } = await import('../dist/storage/parquet/duckdb.js');

const COUNT = Number(process.env.COUNT ?? 500_000);
const VALUES = COUNT * 2;
/** Values of one entity: one an hour for twelve days. Feast's time and memory grow with it (60 of an entity: 14 s, 2.7 GB), ours do not. */
const EACH = Number(process.env.VALUES_EACH ?? 288);
const ENTITIES = Math.ceil(VALUES / EACH);
const ROUNDS = Number(process.env.ROUNDS ?? 3);
const FEAST = process.env.FEAST !== 'off';
const FEAST_VERSION = '0.67.0';
const KEYS = ['payer_account', 'payee_account'];
const folder = mkdtempSync(join(tmpdir(), 'sentinela-join-'));
const columns = Object.fromEntries(KEYS.map((key) => [key, [1, 2, 3, 4, 5, 6].map((at) => `${key}_f${at}`)]));

const db = await openDuckDb({ memoryLimitMb: 2048, threads: 2, temporaryFolder: folder });
await db.run('SELECT setseed(0.5)');
const instant = "TIMESTAMPTZ '2026-01-01 00:00:00+00' + to_microseconds((random() * 30 * 86400000000)::BIGINT)";
const copied = (select, name) => db.run(`COPY (${select}) TO '${join(folder, name)}.parquet' (FORMAT parquet)`);
await copied(
  `SELECT ${KEYS.map((key, at) => `'${at}' || (random() * ${ENTITIES})::BIGINT AS ${key}`).join(', ')}, ${instant} AS event_time,
   i AS row_id FROM range(${COUNT}) AS r(i)`,
  'rows',
);
for (const [at, key] of KEYS.entries()) {
  const values = columns[key].map((name) => `random() AS ${name}`).join(', ');
  await copied(
    `SELECT * FROM (SELECT '${at}' || (random() * ${ENTITIES})::BIGINT AS ${key}, ${instant} AS event_time, ${values}
     FROM range(${VALUES})) QUALIFY row_number() OVER (PARTITION BY ${key}, event_time) = 1`,
    key,
  );
  // The same values, each known up to an hour later.
  await copied(
    `SELECT *, event_time + to_microseconds((random() * 3600000000)::BIGINT) AS known_time FROM '${join(folder, key)}.parquet'`,
    `${key}_known`,
  );
}
db.close();

/** A child process to its end, with the most memory that it had. */
function timed(command, args, input) {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    let mostMb = 0;
    let output = '';
    const look = setInterval(() => {
      try {
        const [, kb] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8')) ?? [];
        mostMb = Math.max(mostMb, Number(kb ?? 0) / 1024);
      } catch {}
    }, 20);
    child.stdout.on('data', (data) => {
      output += data;
    });
    child.stdin.end(input ?? '');
    child.on('close', (status) => {
      clearInterval(look);
      if (status === 0) resolve({ seconds: (performance.now() - began) / 1000, mostMb, output });
      else reject(new Error(`${command} ${args.join(' ')} ended with ${status}: ${output}`));
    });
  });
}

const file = (name) => join(folder, `${name}.parquet`);
const ours = (out, suffix = '') =>
  timed(process.execPath, [
    'dist/cli/main.js',
    'features',
    'join',
    '--rows',
    file('rows'),
    ...KEYS.flatMap((key) => ['--values', `${key}=${file(key + suffix)}`]),
    '--out',
    file(out),
    '--json',
  ]);
const asof = `
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const db = await (await DuckDBInstance.create(':memory:', { threads: '2' })).connect();
  await db.run(\`COPY (SELECT r.*, ${KEYS.map((_, at) => `v${at}.* EXCLUDE (${KEYS[at]}, event_time)`).join(', ')} FROM '${file('rows')}' r ${KEYS.map(
    (key, at) =>
      `ASOF LEFT JOIN '${file(key)}' v${at} ON r.${key} = v${at}.${key} AND r.event_time >= v${at}.event_time`,
  ).join(' ')}) TO '${file('asof')}' (FORMAT parquet, COMPRESSION zstd)\`);`;
const bare = () => timed(process.execPath, ['--input-type=module', '-e', asof]);

const feastPython = '.cache/feast/bin/python';
function setUpFeast() {
  if (existsSync(feastPython)) return;
  console.log(`setting up Feast ${FEAST_VERSION} in .cache/feast, once`);
  for (const [command, ...args] of [
    ['python3', '-m', 'venv', '.cache/feast'],
    [feastPython, '-m', 'pip', 'install', '--quiet', `feast[duckdb]==${FEAST_VERSION}`],
  ]) {
    if (spawnSync(command, args, { stdio: 'inherit' }).status !== 0) {
      rmSync('.cache/feast', { recursive: true, force: true });
      throw new Error('Feast cannot be set up: run with FEAST=off to leave it out');
    }
  }
}
async function feast() {
  const { output } = await timed(
    feastPython,
    ['bench/feast-join.py'],
    JSON.stringify({ folder, keys: KEYS, columns, ttlDays: 60 }),
  );
  return JSON.parse(output.trim().split('\n').at(-1));
}

try {
  const runs = { join: [], known: [], asof: [], feast: [] };
  if (FEAST) setUpFeast();
  for (let round = 0; round < ROUNDS; round += 1) {
    runs.join.push(await ours('joined'));
    runs.asof.push(await bare());
    runs.known.push(await ours('known', '_known'));
    if (FEAST && round === 0) runs.feast.push(await feast());
  }
  const check = await openDuckDb({ memoryLimitMb: 2048, threads: 2, temporaryFolder: folder });
  const differing = async (other, names) => {
    const unlike = names.map((name) => `a.${name} IS DISTINCT FROM b.${name}`).join(' OR ');
    const [counted] = await check.rows(
      `SELECT count(*) AS n FROM '${file('joined')}' a FULL JOIN '${file(other)}' b USING (row_id) WHERE ${unlike}`,
    );
    return Number(counted.n);
  };
  const names = Object.values(columns).flat();
  const [fromAsof, fromFeast] = [await differing('asof', names), FEAST ? await differing('feast', names) : null];
  check.close();
  const secondsOf = (name) => median(runs[name].map(({ seconds }) => seconds));
  const mostOf = (name) => Math.max(...runs[name].map(({ mostMb }) => mostMb));
  const line = (what, name, differ) => ({
    what,
    seconds: secondsOf(name).toFixed(2),
    'peak MB': Math.round(mostOf(name)),
    'rows/s': Math.round(COUNT / secondsOf(name)),
    'rows that differ': differ,
  });
  console.log(
    `\n${COUNT.toLocaleString('en-US')} rows × 12 of ${(VALUES * 2).toLocaleString('en-US')} values, ${EACH} of an entity, medians of ${ROUNDS} rounds; ${machine()}`,
  );
  printTable([
    line('features join', 'join', ''),
    line('bare DuckDB ASOF join', 'asof', fromAsof),
    line('features join, both times', 'known', 'other values'),
    ...(FEAST ? [line(`Feast ${FEAST_VERSION} (one round)`, 'feast', fromFeast)] : []),
  ]);
  const wanted = [
    ['the values of the bare join', fromAsof === 0],
    ['at most 3 times the bare join', secondsOf('join') <= 3 * secondsOf('asof')],
    ...(FEAST
      ? [
          ['the values of Feast', fromFeast === 0],
          ['20 times as fast as Feast', secondsOf('feast') >= 20 * secondsOf('join')],
          ['at most a fifth of its memory', mostOf('join') * 5 <= mostOf('feast')],
        ]
      : []),
  ];
  for (const [what, isMet] of wanted) console.log(`wanted: ${what}: ${isMet ? 'met' : 'NOT MET'}`);
  process.exitCode = wanted.every(([, isMet]) => isMet) ? 0 : 5;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
