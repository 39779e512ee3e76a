import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The Python that has the other engines; undefined where it was not set up (`npm test` does that). */
export const PYTHON: string | undefined = [
  process.env.SENTINELA_TEST_PYTHON ?? '',
  fileURLToPath(new URL('../.cache/python/bin/python', import.meta.url)),
].find((path) => path !== '' && existsSync(path));

/** Runs a script of the tests with JSON in and JSON out. Integers beyond 2^53 travel as strings. */
export function runPython(script: string, request: unknown): unknown {
  if (PYTHON === undefined) throw new Error('no Python: run `node scripts/setup-test-tools.mjs`');
  const { stdout, stderr, status } = spawnSync(PYTHON, [join(fileURLToPath(new URL('.', import.meta.url)), script)], {
    input: JSON.stringify(request),
    encoding: 'utf8',
    maxBuffer: 1 << 30,
  });
  if (status !== 0) throw new Error(`${script} failed:\n${stderr}`);
  return JSON.parse(stdout);
}
