import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const SCRIPTS = fileURLToPath(new URL('../../scripts/', import.meta.url));
let root: string;
let ran: string[];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sentinela-setup-'));
  ran = [];
  write('test/requirements.txt', 'deltalake==1\n');
  write('clients/spark-log-store/sentinela/spark/LinkLogStore.java', 'class');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

/** Programs that are noted and not run; making an environment leaves what a venv of that version has. */
function toolsOf(version: string) {
  return {
    has: () => true,
    fail: (message: string) => {
      throw new Error(message);
    },
    pythonVersion: () => version,
    run: (program: string, args: readonly string[]) => {
      const [, what, folder = ''] = args;
      ran.push(what ?? program);
      if (what === 'venv') write(join(folder.slice(root.length), `lib/python${version}/made`), '');
      if (program === 'jar') write(String(args[2]).slice(root.length), '');
      return true;
    },
  };
}

describe.each([
  ['the Python environment of the tests', 'setup-python.mjs', 'setupPython', '.cache/python'],
  ['Spark', 'setup-spark.mjs', 'setupSpark', '.cache/spark/venv'],
] as const)('%s', (_, script, name, venv) => {
  it('is made anew, and nothing left of the old one, where the machine has another Python', async () => {
    const setup = (await import(join(SCRIPTS, script)))[name];
    setup(root, toolsOf('3.11'));
    expect(existsSync(join(root, venv, 'lib/python3.11/made'))).toBe(true);
    ran = [];
    setup(root, toolsOf('3.11'));
    expect(ran).toEqual([]);
    setup(root, toolsOf('3.13'));
    expect(ran).toContain('venv');
    expect(existsSync(join(root, venv, 'lib/python3.11'))).toBe(false);
    expect(readFileSync(join(root, venv, 'lib/python3.13/made'), 'utf8')).toBe('');
  });
});
