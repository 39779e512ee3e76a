import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { ownEnvironment } from '../scripts/own-environment.mjs';

/** Starts the built server on free ports, with no settings of the user's but `args` and `env`; gives its ports, its process and how long it took. */
export function startServer(dataDir, { args = [], env = {} } = {}) {
  const began = performance.now();
  const child = spawn(
    process.execPath,
    [
      'dist/cli/main.js',
      'serve',
      '--json',
      '--http-port',
      '0',
      '--grpc-port',
      '0',
      '--data-dir',
      dataDir,
      '--log-level',
      'error',
      ...args,
    ],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: ownEnvironment(env),
    },
  );
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
      const line = text.split('\n').find((candidate) => candidate.startsWith('{"ready"'));
      if (line === undefined) return;
      const { http, grpc } = JSON.parse(line).ready;
      resolve({ child, port: http, http, grpc, readyMs: Math.round(performance.now() - began) });
    });
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}: ${text}`)));
  });
}

/** Ends a server with SIGTERM and waits for it. */
export function stopServer({ child }) {
  return new Promise((resolve) => {
    child.once('exit', resolve);
    child.kill('SIGTERM');
  });
}

/** Ends a server with SIGKILL and waits until it is gone. */
export function killServer({ child }) {
  return new Promise((resolve) => {
    child.removeAllListeners('exit');
    child.once('exit', resolve);
    child.kill('SIGKILL');
  });
}

/** Resident memory of a process now, and at its most, in MB (Linux). */
export function memoryOf(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const read = (name) => Math.round(Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024);
  return { nowMb: read('VmRSS'), mostMb: read('VmHWM') };
}
