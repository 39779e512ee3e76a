import { spawn, spawnSync } from 'node:child_process';
import { ownEnvironment } from './own-environment.mjs';

const PROGRAM = 'dist/cli/main.js';

/** Heads a step of the demo. */
export function step(number, text) {
  console.log(`\n${number}. ${text}`);
}

/** Prints what a step found. */
export function say(text) {
  for (const line of text.split('\n')) console.log(`   ${line}`);
}

/** Runs a command of the program to its end and gives what it printed; ends the demo where it fails. */
export function sentinela(...args) {
  const { stdout, stderr, status } = spawnSync(process.execPath, [PROGRAM, ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: ownEnvironment(),
  });
  if (status === 0) return stdout;
  console.error(`\nsentinela ${args.join(' ')} ended with ${status}:\n${stdout}${stderr}`);
  process.exit(1);
}

/** Starts the server on free ports. It dies with the demo. */
export async function startServer(dataDir) {
  const began = performance.now();
  const child = spawn(
    process.execPath,
    [PROGRAM, 'serve', '--json', '--http-port', '0', '--grpc-port', '0', '--data-dir', dataDir, '--log-level', 'warn'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: ownEnvironment(),
    },
  );
  const end = () => child.kill('SIGKILL');
  process.once('exit', end);
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const ready = await new Promise((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
      const line = text.split('\n').find((candidate) => candidate.startsWith('{"ready"'));
      if (line !== undefined) resolve(JSON.parse(line).ready);
    });
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
  });
  child.once('exit', () => process.removeListener('exit', end));
  return {
    http: ready.http,
    grpc: ready.grpc,
    readyMs: Math.round(performance.now() - began),
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
    stop: async () => {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

/** Mean of the precision at each positive, by falling score. */
export function averagePrecision(rows) {
  const sorted = [...rows].sort((a, b) => b.score - a.score);
  let positives = 0;
  let sum = 0;
  for (const [index, { positive }] of sorted.entries()) {
    if (!positive) continue;
    positives += 1;
    sum += positives / (index + 1);
  }
  return positives === 0 ? Number.NaN : sum / positives;
}

/** Median and 99th percentile, in ms. */
export function latency(elapsedMs) {
  const sorted = [...elapsedMs].sort((a, b) => a - b);
  const at = (share) =>
    (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN).toFixed(1);
  return { p50: at(0.5), p99: at(0.99) };
}
