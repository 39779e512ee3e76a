// A redis-server of a bench's own, empty and not saved.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

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

/** Starts a Cluster of three nodes. */
export async function startCluster() {
  const folder = mkdtempSync(join(tmpdir(), 'sentinela-bench-'));
  const nodes = [];
  for (let number = 0; number < 3; number += 1) {
    const own = ['--cluster-enabled', 'yes', '--cluster-port', String(await freePort()), '--dir', folder];
    nodes.push(await startRedis([...own, '--cluster-config-file', `nodes-${number}.conf`]));
  }
  const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`);
  const { status, stdout } = spawnSync('redis-cli', ['--cluster', 'create', ...addresses, '--cluster-yes']);
  if (status !== 0) throw new Error(`no Cluster could be made: ${stdout}`);
  return {
    url: `redis-cluster://${addresses.join(',')}`,
    stop() {
      for (const node of nodes) node.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Microseconds of processor time that servers have used together. */
export async function processorMicros(servers) {
  const infos = await Promise.all(servers.map((server) => server.info('cpu')));
  const seconds = (info, name) => Number(new RegExp(`${name}:(\\S+)`).exec(info)?.[1] ?? 0);
  return infos.reduce((sum, info) => sum + seconds(info, 'used_cpu_user') + seconds(info, 'used_cpu_sys'), 0) * 1e6;
}
