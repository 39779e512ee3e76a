#!/usr/bin/env node
// `npm test`: tools, build, every test; ends with one plain line, `N passed, N failed`.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);
const report = '.cache/test-report.json';

function step(program, args) {
  const { status } = spawnSync(program, args, { stdio: 'inherit' });
  return status ?? 1;
}

if (step(process.execPath, ['scripts/setup-test-tools.mjs']) !== 0) process.exit(2);
if (step(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json']) !== 0) process.exit(1);
if (step(process.execPath, ['scripts/build.mjs']) !== 0) process.exit(1);
if (step(process.execPath, ['node_modules/@biomejs/biome/bin/biome', 'ci', '--colors=off', '.']) !== 0) process.exit(1);

mkdirSync('.cache', { recursive: true });
rmSync(report, { force: true });
const args = [
  'node_modules/vitest/vitest.mjs',
  'run',
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${report}`,
];
const status = step(process.execPath, [...args, ...process.argv.slice(2)]);

let counts = { numPassedTests: 0, numFailedTests: 1, numPendingTests: 0, success: false };
try {
  counts = JSON.parse(readFileSync(report, 'utf8'));
} catch {
  console.error('the test runner wrote no report: it failed before its end');
}
const failed = Math.max(counts.numFailedTests, status === 0 ? 0 : 1);
console.log(
  `${counts.numPassedTests} passed, ${failed} failed${counts.numPendingTests > 0 ? `, ${counts.numPendingTests} skipped` : ''}`,
);
process.exit(failed === 0 && status === 0 ? 0 : 1);
