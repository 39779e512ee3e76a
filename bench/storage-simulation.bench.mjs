// The seeded simulation of test/simulation/storage over worker processes: `--seeds 10000`, else as many as fit in
// `--seconds` (120); `--from` the first seed. `--code DIR` runs another build of it, such as one with a bug put in.
import { fork } from 'node:child_process';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { machine, printTable } from './figures.mjs';
import { compiledTests } from './storage-simulation-code.mjs';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    seconds: { type: 'string', default: '120' },
    from: { type: 'string', default: '0' },
    workers: { type: 'string', default: String(cpus().length) },
    code: { type: 'string' },
  },
});
const code = values.code ?? compiledTests();
const workers = Number(values.workers);
const from = Number(values.from);
/** One seed in ten also changes rows by DuckDB: it takes twice as long. */
const DUCKDB_SHARE = 0.1;

function runWorkers(kind, seeds, seconds) {
  const until = Number.isFinite(seeds) ? from + seeds : Number.MAX_SAFE_INTEGER;
  const endMs = Date.now() + seconds * 1000;
  return Promise.all(
    Array.from({ length: workers }, (_, at) => {
      const args = [code, from + at, workers, until, kind, endMs].map(String);
      const child = fork(new URL('./storage-simulation-worker.mjs', import.meta.url), args);
      return new Promise((resolve, reject) => {
        child.once('message', resolve);
        child.once('exit', (status) => (status === 0 ? undefined : reject(new Error(`a worker ended with ${status}`))));
      });
    }),
  );
}

const rows = [];
const failures = [];
const seeds = values.seeds === undefined ? Number.POSITIVE_INFINITY : Number(values.seeds);
const seconds = values.seeds === undefined ? Number(values.seconds) : Number.POSITIVE_INFINITY;
for (const [kind, share] of [
  ['script', 1 - DUCKDB_SHARE],
  ['duckdb', DUCKDB_SHARE],
]) {
  const began = performance.now();
  const done = await runWorkers(kind, Math.round(seeds * share), seconds * (kind === 'script' ? 0.8 : 0.2));
  const tookSeconds = (performance.now() - began) / 1000;
  const sum = (member) => done.reduce((total, figures) => total + figures[member], 0);
  const failed = done.flatMap((figures) => figures.failed).sort((left, right) => left - right);
  failures.push(...done.flatMap(({ failure }) => (failure === undefined ? [] : [failure])));
  rows.push({
    operations: kind === 'script' ? 'JavaScript only' : 'with DuckDB',
    seeds: sum('seeds'),
    seconds: Math.round(tookSeconds),
    'seeds/s': Math.round((sum('seeds') / tookSeconds) * 10) / 10,
    commits: sum('commits'),
    calls: sum('calls'),
    faults: sum('faults'),
    failed: failed.length,
    'first failed': failed[0] ?? '',
  });
}
console.log(`storage simulation from seed ${from}, ${workers} workers, ${machine()}`);
printTable(rows);
for (const failure of failures.slice(0, 2)) console.log(`\n${failure}`);
const failed = rows.reduce((total, row) => total + row.failed, 0);
console.log(failed === 0 ? 'nothing lost, doubled or mixed up: met' : `${failed} seeds failed: NOT MET`);
process.exit(failed === 0 ? 0 : 5);
