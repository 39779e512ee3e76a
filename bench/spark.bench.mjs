// Features by Spark with two cores, beside the program's own replay on the same tables: seconds, each with its start.
// COUNT=1000000 npm run bench spark
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { machine, printTable } from './figures.mjs';

const COUNT = Number(process.env.COUNT ?? 200_000);
const PARTITIONS = Number(process.env.PARTITIONS ?? 4);
const python = fileURLToPath(new URL('../.cache/spark/venv/bin/python', import.meta.url));
const script = fileURLToPath(new URL('spark-features.py', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'sentinela-spark-bench-'));
const payments = join(folder, 'payments.ndjson');
const data = join(folder, 'data');
const rows = [];

function timed(what, program, args, env = {}) {
  const began = performance.now();
  const { status, stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: { ...process.env, ...env },
  });
  if (status !== 0) throw new Error(`${what}: ${stdout.slice(-2000)}${stderr.slice(-4000)}`);
  return { seconds: (performance.now() - began) / 1000, stdout };
}

const sentinela = (what, ...args) => timed(what, process.execPath, ['dist/cli/main.js', ...args, '--json']);
const note = (what, seconds) =>
  rows.push({
    what,
    seconds: seconds.toFixed(1),
    'payments/s': Math.round(COUNT / seconds),
    load: loadavg()[0].toFixed(1),
  });

try {
  sentinela('simulate', 'simulate', '--count', String(COUNT), '--seed', '4', '--out', payments);
  sentinela('import', 'import', payments, '--labels', `${payments}.labels.ndjson`, '--data-dir', data);
  const source = ['--from', 'silver.transactions', '--features', 'pix-core', '--labels-as-of', '2100-01-01'];
  const written = ['--double', '--leakage', 'off', '--out', join(folder, 'own'), '--data-dir', data];
  for (const threads of ['1', '2']) {
    const own = sentinela('export', 'export', 'create', ...source, ...written, '--threads', threads);
    note(`export create --double, ${threads} thread(s)`, own.seconds);
    rmSync(join(folder, 'own'), { recursive: true });
  }
  const request = {
    data,
    partitions: PARTITIONS,
    out: join(folder, 'spark'),
    command: [process.execPath, 'dist/cli/main.js'],
  };
  writeFileSync(join(folder, 'request.json'), JSON.stringify(request));
  const env = { SPARK_WAREHOUSE: folder, PYSPARK_PYTHON: python };
  const { seconds, stdout } = timed('Spark', python, [script, join(folder, 'request.json')], env);
  const told = JSON.parse(stdout.trim().split('\n').at(-1));
  note('Spark, two cores, start of its session included', seconds);
  note('Spark, its session there', told.seconds);
  if (told.rows !== COUNT) throw new Error(`Spark answered ${told.rows} rows, not ${COUNT}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(
  `\npix-core for ${COUNT.toLocaleString('en-US')} payments, Parquet written, ${PARTITIONS} partitions; ${machine()}`,
);
printTable(rows);
