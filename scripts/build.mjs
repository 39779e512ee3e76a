#!/usr/bin/env node
// Compiles src/ into dist/. Run by `npm ci` (prepare), so that a clone is ready to use.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, rmSync, symlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
rmSync('dist', { recursive: true, force: true });
const { status } = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], {
  stdio: 'inherit',
});
if (status !== 0) process.exit(status ?? 1);
chmodSync('dist/cli/main.js', 0o755);
// `npx sentinela` in a clone finds the command here. With a `bin` in package.json npx would install the clone into its
// own cache first, and run `prepare` there once more.
const link = 'node_modules/.bin/sentinela';
if (existsSync('node_modules/.bin')) {
  rmSync(link, { force: true });
  symlinkSync('../../dist/cli/main.js', link);
}
