import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { freePort } from '../free-port.ts';

/** A real redis-server of a test's own. */
export interface TestRedis {
  readonly url: string;
  /** A connection for the test itself. */
  readonly admin: Redis;
  /** Ends it as a crash does. */
  kill(): Promise<void>;
  /** Starts it again on the same port, empty. */
  start(): Promise<void>;
  /** Holds it up: commands are neither answered nor lost. */
  pause(): void;
  resume(): void;
  close(): Promise<void>;
}

/** Starts `redis-server` on a free port, without persistence. */
export async function startRedis(): Promise<TestRedis> {
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  const folder = mkdtempSync(join(tmpdir(), 'sentinela-redis-'));
  let child: ChildProcess | undefined;
  let admin: Redis;
  const start = async (): Promise<void> => {
    child = spawn('redis-server', ['--port', String(port), '--save', '', '--dir', folder, '--bind', '127.0.0.1'], {
      stdio: 'ignore',
    });
    admin = new Redis(url, { retryStrategy: () => 20, maxRetriesPerRequest: null });
    admin.on('error', () => {});
    await admin.ping();
  };
  const kill = async (): Promise<void> => {
    admin.disconnect();
    const ended = child;
    child = undefined;
    if (ended === undefined || ended.exitCode !== null) return;
    ended.kill('SIGKILL');
    while (ended.exitCode === null && ended.signalCode === null) await wait(5);
  };
  await start();
  return {
    url,
    get admin() {
      return admin;
    },
    start,
    kill,
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    async close() {
      child?.kill('SIGCONT');
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
