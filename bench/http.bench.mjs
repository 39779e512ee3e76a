// Requests per second of /v1/score beside bare servers that parse the same bodies: alternated
// rounds in one run, medians, every server in a process of its own, consumer and jobs running.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import autocannon from 'autocannon';
import { machine, median, printTable } from './figures.mjs';
import { paymentBodies, runMark } from './payment-bodies.mjs';

const ROUNDS = Number(process.env.ROUNDS ?? 3);
const SECONDS = Number(process.env.SECONDS_EACH ?? 6);
const CONNECTIONS = (process.env.CONNECTIONS ?? '1,10,64').split(',').map(Number);
const folder = mkdtempSync(join(tmpdir(), 'sentinela-bench-'));
const payments = join(folder, 'payments.ndjson');

/** Starts a program and waits for what its first lines say. */
function startPeer(args, ready, env = {}) {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  return new Promise((resolve, reject) => {
    let text = '';
    const read = (chunk) => {
      text += chunk;
      const match = ready.exec(text);
      if (match !== null) resolve({ child, port: Number(match[1]) });
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.on('exit', (code) => reject(new Error(`${args.join(' ')} ended with ${code}: ${text}`)));
  });
}

const serve = (name, env) =>
  startPeer(
    ['dist/cli/main.js', 'serve', '--http-port', '0', '--grpc-port', '0', '--data-dir', join(folder, name)],
    /http:\/\/127\.0\.0\.1:(\d+)/,
    env,
  );

async function measure(port, connections, next) {
  const result = await autocannon({
    url: `http://127.0.0.1:${port}/v1/score`,
    method: 'POST',
    connections,
    duration: SECONDS,
    headers: { 'content-type': 'application/json' },
    body: next(),
    setupClient(client) {
      client.setBody(next());
      client.on('response', () => client.setBody(next()));
    },
  });
  return {
    rate: result.requests.average,
    p50: result.latency.p50,
    p99: result.latency.p99,
    bad: result.non2xx + result.errors,
  };
}

mkdirSync(folder, { recursive: true });
spawnSync(process.execPath, ['dist/cli/main.js', 'simulate', '--count', '20000', '--seed', '11', '--out', payments], {
  stdio: 'inherit',
});
const next = paymentBodies(payments, runMark());
const redis =
  spawnSync('redis-server', ['--version']).status === 0
    ? spawn('redis-server', ['--port', '16399', '--save', '', '--appendonly', 'no'], { stdio: 'ignore' })
    : undefined;
const targets = [
  ['node:http', await startPeer(['bench/http-peer.mjs', 'node'], /^(\d+)/)],
  ['bare Fastify', await startPeer(['bench/http-peer.mjs', 'fastify'], /^(\d+)/)],
  ['/v1/score embedded + durable', await serve('embedded')],
];
if (redis !== undefined)
  targets.push([
    '/v1/score with Redis + durable',
    await serve('redis', { SENTINELA_REDIS_URL: 'redis://127.0.0.1:16399' }),
  ]);

const rows = [];
for (const connections of CONNECTIONS) {
  const measured = new Map(targets.map(([name]) => [name, []]));
  for (const [, { port }] of targets) await measure(port, connections, next);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [name, { port }] of targets) measured.get(name).push(await measure(port, connections, next));
  }
  const reference = median(measured.get('bare Fastify').map(({ rate }) => rate));
  for (const [name, runs] of measured) {
    const rate = median(runs.map((run) => run.rate));
    rows.push({
      server: name,
      connections,
      'req/s': Math.round(rate),
      'ratio to Fastify': (rate / reference).toFixed(2),
      'p50 ms': median(runs.map((run) => run.p50)),
      'p99 ms': median(runs.map((run) => run.p99)),
      'not 200': runs.reduce((sum, run) => sum + run.bad, 0),
    });
  }
}
console.log(`\nHTTP, ${ROUNDS} alternated rounds of ${SECONDS} s, medians; ${machine()}`);
printTable(rows);
const at64 = rows.find((row) => row.connections === 64 && row.server.includes('embedded'));
console.log(
  `embedded at 64 connections: ${at64['ratio to Fastify']} of bare Fastify (wanted: at least 0.40): ${Number(at64['ratio to Fastify']) >= 0.4 ? 'met' : 'NOT MET'}`,
);
const embedded = targets[2][1];
const metrics = await (await fetch(`http://127.0.0.1:${embedded.port}/metrics`)).text();
const decisions = Number(/sentinela_score_seconds_count (\d+)/.exec(metrics)?.[1] ?? 0);
const bytes = Number(/sentinela_journal_backlog_bytes (\d+)/.exec(metrics)?.[1] ?? 0);
if (decisions > 0) console.log(`journal: ${Math.round(bytes / decisions)} bytes a decision (${decisions} decisions)`);
console.log(
  `memory of the embedded server: ${Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${embedded.child.pid}/status`, 'utf8'))?.[1] ?? 0) / 1024)} MB`,
);
for (const [, { child }] of targets) {
  child.removeAllListeners('exit');
  child.kill('SIGTERM');
}
redis?.kill();
await new Promise((resolve) => setTimeout(resolve, 3000));
for (const [, { child }] of targets) child.kill('SIGKILL');
rmSync(folder, { recursive: true, force: true });
process.exit(0);
