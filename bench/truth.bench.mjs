// The proof that served = recomputed = exported, at full size: COUNT payments (1 % late, ties, duplicates, both sides)
// through an embedded server that ends five times, and through two servers on one Redis that is flushed. It is the test
// `test/e2e/skew.test.ts`, which CI runs small; each scenario takes minutes for every 100,000 payments.
import { spawnSync } from 'node:child_process';
import { machine } from './figures.mjs';

const COUNT = Number(process.env.COUNT ?? 1_000_000);
console.log(`${COUNT.toLocaleString('en-US')} payments a scenario; ${machine()}`);
const { status } = spawnSync('npx', ['vitest', 'run', 'test/e2e/skew.test.ts', '--reporter=verbose'], {
  stdio: 'inherit',
  env: { ...process.env, PAYMENTS: String(COUNT) },
});
console.log(`wanted: no value differs: ${status === 0 ? 'met' : 'NOT MET'}`);
process.exit(status === 0 ? 0 : 5);
