import { spawn, spawnSync } from 'node:child_process';
import { freePort } from './free-port.ts';

/** A real Redis in a process of its own, empty and not saved. */
export interface RunningRedis {
  readonly url: string;
  readonly pid: number;
  /** Runs a command through redis-cli. */
  command(...args: string[]): string;
  stop(): void;
}

/** Starts redis-server on a free port. */
export async function startRedis(): Promise<RunningRedis> {
  const port = await freePort();
  const child = spawn(
    'redis-server',
    ['--port', String(port), '--save', '', '--appendonly', 'no', '--bind', '127.0.0.1'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk) => {
      if (String(chunk).includes('Ready to accept connections')) resolve();
    });
    child.once('error', () => reject(new Error('redis-server is not installed: run scripts/setup-test-tools.mjs')));
    child.once('exit', (code) => reject(new Error(`redis-server ended with ${code}`)));
  });
  return {
    url: `redis://127.0.0.1:${port}`,
    pid: child.pid ?? 0,
    command: (...args) => spawnSync('redis-cli', ['-p', String(port), ...args], { encoding: 'utf8' }).stdout.trim(),
    stop: () => void child.kill('SIGKILL'),
  };
}
