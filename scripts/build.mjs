#!/usr/bin/env node
// Compiles src/ into dist/. Run by `npm ci` (prepare), so that a clone is ready to use.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const compiler = 'node_modules/typescript/bin/tsc';
if (!existsSync(compiler)) {
  console.error(`build: there is no ${compiler}: install what development needs too, by npm ci --include=dev`);
  process.exit(1);
}
// Beside dist/, which stays as it is until the new one is whole: a server may be running from it.
const [fresh, old] = ['dist.new', 'dist.old'];
for (const left of [fresh, old]) rmSync(left, { recursive: true, force: true });
const { status } = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json', '--outDir', fresh], {
  stdio: 'inherit',
});
if (status !== 0) {
  rmSync(fresh, { recursive: true, force: true });
  process.exit(status ?? 1);
}
chmodSync(`${fresh}/cli/main.js`, 0o755);
if (existsSync('dist')) renameSync('dist', old);
renameSync(fresh, 'dist');
rmSync(old, { recursive: true, force: true });
// `npx sentinela` in a clone finds the command here. With a `bin` in package.json npx would install the clone into its
// own cache first, and run `prepare` there once more.
const link = 'node_modules/.bin/sentinela';
if (existsSync('node_modules/.bin')) {
  rmSync(link, { force: true });
  symlinkSync('../../dist/cli/main.js', link);
}
