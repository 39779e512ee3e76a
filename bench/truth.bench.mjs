// The proof that served = recomputed = exported = read from Redis = computed by Spark, at full size: COUNT payments (1 %
// late, ties, duplicates, both sides, corrections) through an embedded server that ends five times, and through two
// servers on one Redis that is flushed. It is the test `test/e2e/skew.test.ts`, which CI runs small and without Spark.
//
//   SCENARIO=embedded | redis   one of them alone
//   FOLDER=path                 kept; a second run with it goes on behind the stages that are done there
//   SPARK=no                    without Spark, which takes longer than all the rest
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { machine } from './figures.mjs';

const COUNT = Number(process.env.COUNT ?? 1_000_000);
const { SCENARIO, FOLDER, SPARK } = process.env;
const names = { embedded: 'embedded:', redis: 'two servers' };
if (SCENARIO !== undefined && names[SCENARIO] === undefined) {
  console.error(`SCENARIO is one of ${Object.keys(names).join(', ')}`);
  process.exit(2);
}
const folder = FOLDER === undefined ? mkdtempSync(join(tmpdir(), 'sentinela-truth-')) : resolve(FOLDER);
mkdirSync(folder, { recursive: true });
const load = loadavg()[0].toFixed(1);
console.log(`${COUNT.toLocaleString('en-US')} payments a scenario, in ${folder}; ${machine()}; load ${load}`);
const one = SCENARIO === undefined ? [] : ['-t', names[SCENARIO]];
const vitest = [
  'node_modules/vitest/vitest.mjs',
  'run',
  'test/e2e/skew.test.ts',
  '--disable-console-intercept',
  ...one,
];
const { status } = spawnSync(process.execPath, vitest, {
  stdio: 'inherit',
  env: { ...process.env, PAYMENTS: String(COUNT), TRUTH_FOLDER: folder, TRUTH_SPARK: SPARK === 'no' ? '0' : '1' },
});
if (FOLDER === undefined) rmSync(folder, { recursive: true, force: true });
console.log(`wanted: no value differs: ${status === 0 ? 'met' : 'NOT MET'}`);
process.exit(status === 0 ? 0 : 5);
