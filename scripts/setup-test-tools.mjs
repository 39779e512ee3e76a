#!/usr/bin/env node
// Installs what the tests need beside npm packages, once: redis-server from the system's packages,
// a Python environment with other people's Delta readers and an S3 server in .cache/python, a second
// S3 server, which checks signatures and keeps plain files, in .cache/go, and Spark in .cache/spark.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pythonVersion, setupPython } from './setup-python.mjs';
import { setupSpark } from './setup-spark.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const goBin = join(root, '.cache/go/bin');
const versityGateway = 'github.com/versity/versitygw/cmd/versitygw@v1.8.0';

/** Runs a program and shows what it prints; gives whether it succeeded. */
function run(program, args, environment = {}) {
  console.error(`  ${program} ${args.join(' ')}`);
  return spawnSync(program, args, { stdio: ['ignore', 2, 2], env: { ...process.env, ...environment } }).status === 0;
}

function has(program, args = ['--version']) {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}

function fail(message) {
  console.error(`\nsetup: ${message}`);
  process.exit(2);
}

function setupRedis() {
  if (has('redis-server')) return;
  console.error('setup: redis-server is missing, installing it');
  const asRoot = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  const apt = (...args) =>
    asRoot.length === 0 ? run('apt-get', args) : run(asRoot[0], [...asRoot.slice(1), 'apt-get', ...args]);
  if (
    has('apt-get') &&
    apt('update', '-q') &&
    apt('install', '-y', '-q', '--no-install-recommends', 'redis-server') &&
    has('redis-server')
  )
    return;
  fail(
    'redis-server is needed by the tests. Install it (Debian: apt-get install redis-server; macOS: brew install redis) and run the tests again.',
  );
}

function setupVersityGateway() {
  const stamp = join(goBin, 'versitygw.version');
  const program = join(goBin, process.platform === 'win32' ? 'versitygw.exe' : 'versitygw');
  if (existsSync(program) && existsSync(stamp) && readFileSync(stamp, 'utf8') === versityGateway) return;
  console.error('setup: building the S3 server of the tests into .cache/go (about two minutes, once)');
  if (!has('go', ['version']))
    fail(
      'Go 1.24 or newer is needed by the tests. Install it (Debian: apt-get install golang-go; macOS: brew install go; or go.dev/dl) and run the tests again.',
    );
  mkdirSync(goBin, { recursive: true });
  // -v names each package as it is built; GOFLAGS is emptied, since flags meant for another module can break this build.
  if (!run('go', ['install', '-v', versityGateway], { GOBIN: goBin, GOFLAGS: '' }))
    fail('versitygw could not be built: see the lines above (is the Go module proxy reachable, and Go new enough?).');
  writeFileSync(stamp, versityGateway);
}

setupRedis();
const tools = { run, has, fail, pythonVersion };
setupPython(root, tools);
setupVersityGateway();
setupSpark(root, tools);
console.error('setup: the tools of the tests are there');
