// A redis-server of a bench's own, empty and not saved.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Starts redis-server on a free port. @param args of redis-server, beside the port. */
export async function startRedis(args = []) {
  const port = await freePort();
  const all = ['--port', String(port), '--save', '', '--appendonly', 'no', '--bind', '127.0.0.1', ...args];
  const child = spawn('redis-server', all, { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve, reject) => {
    child.stdout.on('data', (chunk) => {
      if (String(chunk).includes('Ready to accept connections')) resolve();
    });
    child.once('error', () => reject(new Error('redis-server is not installed: run scripts/setup-test-tools.mjs')));
    child.once('exit', (code) => reject(new Error(`redis-server ended with ${code}`)));
  });
  child.removeAllListeners('exit');
  return { port, url: `redis://127.0.0.1:${port}`, stop: () => child.kill('SIGKILL') };
}

/** Microseconds of processor time that a server has used. */
export async function processorMicros(redis) {
  const info = await redis.info('cpu');
  const seconds = (name) => Number(new RegExp(`${name}:(\\S+)`).exec(info)?.[1] ?? 0);
  return (seconds('used_cpu_user') + seconds('used_cpu_sys')) * 1e6;
}
