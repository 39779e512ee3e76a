// The expressions of the shipped set over simulated payments, a quarter of the histories missing: processor time and
// garbage a payment, on one thread. Beside it, what one filter takes.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { seededRandom } from '../dist/base/random.js';
import { paymentRow } from '../dist/domain/payment-row.js';
import { createVectorEngine, featureOutput } from '../dist/features/engine/vector-engine.js';
import { compileCondition } from '../dist/features/expression/condition.js';
import { compileFeatureSet } from '../dist/features/feature-set.js';
import { PIX_CORE } from '../dist/features/pix-core.js';
import { machine, median, printTable } from './figures.mjs';

const PAYMENTS = 2000;
const ROUND = 200_000;
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc');

const folder = mkdtempSync(join(tmpdir(), 'sentinela-expressions-'));
const file = join(folder, 'payments.ndjson');
const simulate = ['dist/cli/main.js', 'simulate', '--count', String(PAYMENTS), '--seed', '4', '--out', file];
if (spawnSync(process.execPath, simulate).status !== 0) throw new Error('the simulator failed');
const rows = readFileSync(file, 'utf8')
  .trim()
  .split('\n')
  .map((line) => paymentRow(JSON.parse(line)));
rmSync(folder, { recursive: true });

const set = compileFeatureSet(PIX_CORE);
const engine = createVectorEngine(set);
const random = seededRandom(4);
const vectors = Array.from({ length: 64 }, () => {
  const out = featureOutput(set);
  for (let at = 0; at < out.values.length; at += 1) {
    const isMissing = random.next() < 0.25;
    out.values[at] = isMissing ? Number.NaN : Math.floor(random.next() * 100_000);
    out.status[at] = isMissing ? 2 : 0;
  }
  return out;
});
const filter = compileCondition("amount_centavos >= 50000 and local_instrument in ('QRDN', 'DICT')");
let fulfilled = 0;

function measure(what, of, each) {
  const run = (count) => {
    const began = process.cpuUsage();
    for (let at = 0; at < count; at += 1) each(rows[at % PAYMENTS], vectors[at % 64]);
    const { user, system } = process.cpuUsage(began);
    return ((user + system) * 1000) / count;
  };
  for (let warm = 0; warm < 3; warm += 1) run(ROUND);
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  run(20_000);
  const bytes = (process.memoryUsage().heapUsed - before) / 20_000;
  const rounds = Array.from({ length: 9 }, () => run(ROUND));
  return {
    what,
    of,
    'ns/payment, median': Math.round(median(rounds)),
    least: Math.round(Math.min(...rounds)),
    'bytes/payment': bytes.toFixed(1),
  };
}

const table = [
  measure('expressions of pix-core', set.expressions.length, (row, out) => engine.expressions.read(row, out)),
  measure('a filter of two tests', 1, (row) => {
    if (filter.holds(row, null)) fulfilled += 1;
  }),
];
console.log(`expressions over ${PAYMENTS} simulated payments; ${machine()}`);
printTable(table);
if (fulfilled === 0) throw new Error('no payment fulfilled the filter');
