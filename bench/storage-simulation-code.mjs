import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * Compiles src and test into a folder of .cache, for programs that run outside of the test runner. It goes with this
 * process: another's run would write over programs that are just being started.
 */
export function compiledTests() {
  const folder = `${root}.cache/storage-programs-${process.pid}`;
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const args = ['-p', `${root}tsconfig.json`, '--noEmit', 'false', '--rootDir', root, '--outDir', folder];
  const { status, stdout } = spawnSync(process.execPath, [`${root}node_modules/typescript/bin/tsc`, ...args], {
    encoding: 'utf8',
  });
  if (status !== 0 && !existsSync(`${folder}/test/simulation/storage/simulate.js`)) throw new Error(stdout);
  return folder;
}
