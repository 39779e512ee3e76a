// Training sets of more and more payments, 168 features each: whether time grows with the rows, and memory stays small.
// Wanted: no more time a row of the largest than 1.3 times that of the smallest, and 10 M payments within 4 GB. Without 10 M
// payments (COUNTS=100000,10000000; an hour, and 40 GB of disk) the memory for them is told by the two largest sizes.
// LAKES names a folder that keeps the lakes, one a size, for the next time.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { machine, printTable } from './figures.mjs';

const COUNTS = (process.env.COUNTS ?? '100000,300000,1000000').split(',').map(Number);
if (COUNTS.length < 2) throw new Error('COUNTS names two sizes at least: what is told is how they differ');
const WANTED_ROWS = 10_000_000;
const WANTED_GB = 4;
const folder = mkdtempSync(join(tmpdir(), 'sentinela-offline-'));
const lakes = process.env.LAKES ?? join(folder, 'lakes');
mkdirSync(lakes, { recursive: true });

/** Prints the peak of the process's memory, threads' included, when it ends. */
const PEAK = 'process.on("exit",()=>console.error("peak-kib",process.resourceUsage().maxRSS))';

function sentinela(...args) {
  const began = performance.now();
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [`--import=data:text/javascript,${encodeURIComponent(PEAK)}`, 'dist/cli/main.js', ...args],
    { encoding: 'utf8', maxBuffer: 1 << 28 },
  );
  if (status !== 0) throw new Error(`sentinela ${args.join(' ')}: ${stdout}${stderr}`);
  const peaks = [...stderr.matchAll(/peak-kib (\d+)/g)].map(([, kib]) => Number(kib));
  return { seconds: (performance.now() - began) / 1000, peakGb: (Math.max(...peaks) * 1024) / 1e9 };
}

function lakeOf(count) {
  const data = join(lakes, String(count));
  if (existsSync(data)) return data;
  const payments = join(folder, 'payments.ndjson');
  sentinela('simulate', '--count', String(count), '--seed', '4', '--out', payments);
  sentinela('import', payments, '--labels', `${payments}.labels.ndjson`, '--data-dir', data);
  rmSync(payments);
  return data;
}

const measured = [];
for (const count of COUNTS) {
  const what = ['--from', 'silver.transactions', '--features', 'pix-core', '--labels-as-of', '2027-06-01'];
  const out = join(folder, 'training');
  const { seconds, peakGb } = sentinela('export', 'create', ...what, '--out', out, '--data-dir', lakeOf(count));
  rmSync(out, { recursive: true });
  measured.push({ count, seconds, peakGb, load: loadavg()[0] });
}
rmSync(folder, { recursive: true, force: true });
console.log(`\ntraining sets of the shipped set, as Parquet; ${machine()}`);
printTable(
  measured.map(({ count, seconds, peakGb, load }) => ({
    payments: count,
    seconds: seconds.toFixed(1),
    'rows/s': Math.round(count / seconds),
    'µs a row': ((seconds / count) * 1e6).toFixed(1),
    'peak GB': peakGb.toFixed(2),
    'load after': load.toFixed(1),
  })),
);
const [first, last, before] = [measured[0], measured.at(-1), measured.at(-2)];
const ratio = last.seconds / last.count / (first.seconds / first.count);
const isLinear = ratio <= 1.3;
console.log(`linear: seconds a row at the largest / at the smallest: ${ratio.toFixed(2)}`);
console.log(`wanted: at most 1.3: ${isLinear ? 'met' : 'NOT MET'}`);
const bytesARow = ((last.peakGb - before.peakGb) / (last.count - before.count)) * 1e9;
const gb = Math.max(last.peakGb, last.peakGb + ((WANTED_ROWS - last.count) * bytesARow) / 1e9);
const how = last.count >= WANTED_ROWS ? 'measured' : `by ${Math.round(bytesARow)} bytes for each row more`;
const fits = gb <= WANTED_GB;
console.log(`memory for 10 M payments, ${how}: ${gb.toFixed(2)} GB`);
console.log(`wanted: at most ${WANTED_GB} GB: ${fits ? 'met' : 'NOT MET'}`);
process.exit(isLinear && fits ? 0 : 5);
