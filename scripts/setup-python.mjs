// Makes the Python environment of the tests in .cache/python, once.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The minor version of the machine's Python, such as `3.12`; empty where there is none. */
export function pythonVersion() {
  const code = 'import sys; print("%d.%d" % sys.version_info[:2])';
  return (spawnSync('python3', ['-c', code], { encoding: 'utf8' }).stdout ?? '').trim();
}

/**
 * Makes it where it is missing, where other packages are asked for, and where the machine has another Python: packages lie in a
 * folder of the version that they were installed by, where no other one looks.
 *
 * @param root the repository.
 * @param tools `run`, which gives whether a program succeeded, `has`, `fail` and `pythonVersion`.
 */
export function setupPython(root, { run, has, fail, pythonVersion: version }) {
  const python = join(root, '.cache/python');
  const requirements = join(root, 'test/requirements.txt');
  const stamp = join(python, 'requirements.sha256');
  const wanted = createHash('sha256').update(`python ${version()}\n`).update(readFileSync(requirements)).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted && has(join(python, 'bin/python'))) return;
  console.error('setup: making the Python environment of the tests in .cache/python (about a minute, once)');
  if (!has('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 11))']))
    fail('Python 3.11 or newer is needed by the tests. Install python3 with its venv module and run the tests again.');
  rmSync(python, { recursive: true, force: true });
  mkdirSync(join(root, '.cache'), { recursive: true });
  const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements];
  const done = run('python3', ['-m', 'venv', python]) && run(join(python, 'bin/python'), install);
  if (!done)
    fail(
      'the Python environment could not be made: see the lines above (is python3-venv installed, and a package index reachable?).',
    );
  writeFileSync(stamp, wanted);
}
