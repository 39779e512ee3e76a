import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** The built program. */
export const PROGRAM = join(ROOT, 'dist/cli/main.js');

/** A server of the built program, in a process of its own. */
export interface RunningServer {
  readonly url: string;
  readonly grpcAddress: string;
  readonly dataDir: string;
  readonly pid: number;
  /** From the start of the process to its being ready. */
  readonly readyMs: number;
  /** What it wrote to stderr so far. */
  log(): string;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  /** Sends a signal and waits for the end; gives the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** A new, empty data folder. */
export function newDataDir(): string {
  return mkdtempSync(join(tmpdir(), 'sentinela-test-'));
}

/** Starts `sentinela serve` on free ports and waits until it is ready. */
export async function startServer(
  options: { dataDir?: string; args?: string[]; env?: Record<string, string> } = {},
): Promise<RunningServer> {
  const dataDir = options.dataDir ?? newDataDir();
  const started = performance.now();
  const args = [
    PROGRAM,
    'serve',
    '--json',
    '--http-port',
    '0',
    '--grpc-port',
    '0',
    '--data-dir',
    dataDir,
    // A busy machine must not turn answers into 503; tests of the deadline give their own.
    '--deadline-ms',
    '5000',
    ...(options.args ?? []),
  ];
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
  });
  let log = '';
  child.stderr.on('data', (chunk) => {
    log += chunk;
  });
  const { http, grpc } = await readyLine(child, () => log);
  const url = `http://127.0.0.1:${http}`;
  return {
    url,
    grpcAddress: `127.0.0.1:${grpc}`,
    dataDir,
    pid: child.pid ?? 0,
    readyMs: performance.now() - started,
    log: () => log,
    post: (path, body, headers = {}) =>
      fetch(`${url}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' || body instanceof Uint8Array ? (body as string) : JSON.stringify(body),
      }),
    stop: (signal = 'SIGTERM') =>
      new Promise((resolve) => {
        if (child.exitCode !== null || child.signalCode !== null) resolve(child.exitCode);
        else {
          child.once('exit', (code) => resolve(code));
          child.kill(signal);
        }
      }),
  };
}

function readyLine(child: ChildProcess, log: () => string): Promise<{ http: number; grpc: number }> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout?.on('data', (chunk) => {
      text += chunk;
      const line = text.split('\n').find((candidate) => candidate.includes('"ready"'));
      if (line !== undefined) resolve((JSON.parse(line) as { ready: { http: number; grpc: number } }).ready);
    });
    child.once('exit', (code) => reject(new Error(`the server ended with ${code} before it was ready:\n${log()}`)));
  });
}
