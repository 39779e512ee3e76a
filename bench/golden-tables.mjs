#!/usr/bin/env node
// Holds our reader against Spark over tables that others made, such as the golden tables of
// delta-io/delta, which this project does not contain:
//   node bench/golden-tables.mjs FOLDER [PART OF A NAME]
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const [folder, only] = process.argv.slice(2);
if (folder === undefined) {
  console.error('usage: node bench/golden-tables.mjs FOLDER [PART OF A NAME]');
  process.exit(2);
}
const root = fileURLToPath(new URL('..', import.meta.url));
const { status } = spawnSync(
  process.execPath,
  [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--config',
    'bench/golden-tables.config.mjs',
    '--disable-console-intercept',
  ],
  {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, GOLDEN_TABLES: folder, ...(only === undefined ? {} : { GOLDEN_ONLY: only }) },
  },
);
process.exit(status ?? 1);
