import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { freePort } from './free-port.ts';

/** A node of a Cluster, in a process of its own; its keys are not saved, its place in the Cluster is. */
export interface ClusterNode {
  readonly port: number;
  /** Runs a command on it through redis-cli. */
  command(...args: string[]): string;
  /** Ends it as a crash does. */
  kill(): Promise<void>;
  /** Starts it again on the same port, without keys. */
  start(): Promise<void>;
  /** Holds it up: commands are neither answered nor lost. */
  pause(): void;
  resume(): void;
}

/** A real Redis Cluster, empty. */
export interface RunningCluster {
  readonly url: string;
  readonly nodes: readonly ClusterNode[];
  /** Runs `redis-cli --cluster …`. */
  manage(...args: string[]): string;
  /** Starts a replica of a node, and waits until it holds what that does. */
  addReplica(of: ClusterNode): Promise<ClusterNode>;
  /** Flushes every node. */
  flush(): void;
  stop(): Promise<void>;
}

/** Starts three nodes on free ports that share all slots. */
export async function startRedisCluster(): Promise<RunningCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'sentinela-cluster-'));
  const nodes: ClusterNode[] = [];
  for (let number = 0; number < 3; number += 1) nodes.push(await startNode(join(folder, String(number))));
  const manage = (...args: string[]): string => {
    const { status, stdout, stderr } = spawnSync('redis-cli', ['--cluster', ...args], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`redis-cli --cluster ${args[0]} ended with ${status}: ${stdout}${stderr}`);
    return stdout;
  };
  const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`);
  manage('create', ...addresses, '--cluster-yes');
  // redis-cli asks the first node only: the others may still learn who has which slots.
  const agreed = ['cluster_state:ok', 'cluster_slots_ok:16384', 'cluster_known_nodes:3', 'cluster_size:3'];
  const isAgreed = (node: ClusterNode): boolean => {
    const info = node.command('CLUSTER', 'INFO');
    return agreed.every((line) => info.includes(line));
  };
  while (!nodes.every(isAgreed)) await wait(20);
  return {
    url: `redis-cluster://${addresses.join(',')}`,
    nodes,
    manage,
    async addReplica(of) {
      const replica = await startNode(join(folder, String(nodes.length)));
      nodes.push(replica);
      const id = of.command('CLUSTER', 'MYID');
      const [added, to] = [replica, of].map(({ port }) => `127.0.0.1:${port}`) as [string, string];
      manage('add-node', added, to, '--cluster-slave', '--cluster-master-id', id);
      while (!replica.command('INFO', 'replication').includes('master_link_status:up')) await wait(20);
      return replica;
    },
    flush() {
      for (const node of nodes) node.command('FLUSHALL');
    },
    async stop() {
      for (const node of nodes) await node.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function startNode(folder: string): Promise<ClusterNode> {
  mkdirSync(folder);
  const [port, busPort] = [await freePort(), await freePort()];
  let child: ChildProcess | undefined;
  const node: ClusterNode = {
    port,
    command: (...args) => spawnSync('redis-cli', ['-p', String(port), ...args], { encoding: 'utf8' }).stdout.trim(),
    async kill() {
      const ended = child;
      child = undefined;
      if (ended === undefined || ended.exitCode !== null) return;
      const exited = new Promise((resolve) => ended.once('exit', resolve));
      ended.kill('SIGKILL');
      await exited;
    },
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    async start() {
      const settings = ['--save', '', '--appendonly', 'no', '--bind', '127.0.0.1', '--dir', folder];
      const cluster = ['--cluster-enabled', 'yes', '--cluster-port', String(busPort), '--cluster-node-timeout', '2000'];
      const started = spawn('redis-server', ['--port', String(port), ...settings, ...cluster], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      child = started;
      await new Promise<void>((resolve, reject) => {
        started.stdout.on('data', (chunk) => {
          if (String(chunk).includes('Ready to accept connections')) resolve();
        });
        started.once('error', () =>
          reject(new Error('redis-server is not installed: run scripts/setup-test-tools.mjs')),
        );
        started.once('exit', (code) => reject(new Error(`redis-server ended with ${code}`)));
      });
    },
  };
  await node.start();
  return node;
}
