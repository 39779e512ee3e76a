import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from './free-port.ts';
import { PYTHON } from './python.ts';

/** A real S3 server in a process of its own, with one empty bucket. */
export interface RunningS3 {
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** What Amazon's tools, delta-rs and DuckDB read. */
  readonly environment: Readonly<Record<string, string>>;
  stop(): void;
}

const BUCKET = 'lake';
const REGION = 'us-east-1';
const CREDENTIALS = { accessKeyId: 'sentinela-test', secretAccessKey: 'sentinela/test+secret' };
const START_MS = 60_000;

/** The S3 server that checks signatures and keeps plain files; undefined where it was not set up. */
export const VERSITY_GATEWAY: string | undefined = [
  fileURLToPath(new URL('../.cache/go/bin/versitygw', import.meta.url)),
].find(existsSync);

/** Starts moto, an S3 in Python's memory. It checks no signatures. */
export async function startMoto(): Promise<RunningS3> {
  if (PYTHON === undefined) throw new Error('no moto: run `node scripts/setup-test-tools.mjs`');
  const port = await freePort();
  const child = spawn(PYTHON, ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const endpoint = `http://127.0.0.1:${port}`;
  await answering(child, `${endpoint}/moto-api/`);
  const made = await fetch(`${endpoint}/${BUCKET}`, { method: 'PUT' });
  if (!made.ok) throw new Error(`moto makes no bucket: ${made.status}`);
  return running(endpoint, () => void child.kill('SIGKILL'));
}

/**
 * Starts versitygw over a new folder. It checks signatures as Amazon does.
 *
 * @param program where it is, for who runs from another folder than the tests' own.
 */
export async function startVersityGateway(program = VERSITY_GATEWAY): Promise<RunningS3> {
  if (program === undefined || !existsSync(program))
    throw new Error('no versitygw: run `node scripts/setup-test-tools.mjs`');
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'sentinela-s3-'));
  // A folder of the first level is a bucket.
  for (const name of [join('data', BUCKET), 'sidecar']) mkdirSync(join(folder, name), { recursive: true });
  const keys = ['--access', CREDENTIALS.accessKeyId, '--secret', CREDENTIALS.secretAccessKey];
  const address = ['--region', REGION, '--port', `127.0.0.1:${port}`, '--health', '/health'];
  // Metadata goes beside the files: not every temporary folder takes extended attributes.
  const backend = ['posix', '--sidecar', join(folder, 'sidecar'), join(folder, 'data')];
  const child = spawn(program, [...keys, ...address, ...backend], { stdio: ['ignore', 'ignore', 'pipe'] });
  const endpoint = `http://127.0.0.1:${port}`;
  await answering(child, `${endpoint}/health`);
  return running(endpoint, () => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
}

function running(endpoint: string, stop: () => void): RunningS3 {
  // Tests that are broken off stop nothing.
  process.once('exit', stop);
  return {
    endpoint,
    bucket: BUCKET,
    region: REGION,
    credentials: CREDENTIALS,
    environment: {
      AWS_ENDPOINT_URL: endpoint,
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    },
    stop() {
      process.off('exit', stop);
      stop();
    },
  };
}

/** Waits until a server answers with a success. */
async function answering(child: ChildProcess, url: string): Promise<void> {
  let log = '';
  child.stderr?.on('data', (chunk) => {
    log = (log + chunk).slice(-10_000);
  });
  const deadline = performance.now() + START_MS;
  while (performance.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`the S3 server ended with ${child.exitCode}:\n${log}`);
    const isUp = await fetch(url).then(
      (answer) => answer.ok,
      () => false,
    );
    if (isUp) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  child.kill('SIGKILL');
  throw new Error(`the S3 server does not answer:\n${log}`);
}
