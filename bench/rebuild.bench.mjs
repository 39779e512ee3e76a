// How a server answers while it builds the state in Redis anew, after a flush: a thread of its own builds, and decisions
// are degraded meanwhile. One request every 20 ms, before and during.
//
//   COUNT=1000000   payments in the lake that it makes (200,000)
//   DATA=folder     a data folder that is there, in place of one that it makes; PAYMENTS=file, of simulated payments, with it
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { machine, printTable } from './figures.mjs';
import { paymentBodies, runMark } from './payment-bodies.mjs';
import { startRedis } from './redis-process.mjs';
import { startServer, stopServer } from './serving.mjs';

const COUNT = Number(process.env.COUNT ?? 200_000);
const EVERY_MS = 20;
const CALM_MS = 10_000;
const folder = mkdtempSync(join(tmpdir(), 'sentinela-rebuild-'));
const payments = process.env.PAYMENTS ?? join(folder, 'payments.ndjson');
const data = process.env.DATA ?? join(folder, 'data');

function sentinela(...args) {
  const { status, stderr } = spawnSync(process.execPath, ['dist/cli/main.js', ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${args[0]}: ${stderr}`);
}

if (process.env.DATA === undefined) {
  sentinela('simulate', '--count', String(COUNT), '--seed', '4', '--out', payments);
  sentinela('import', payments, '--labels', `${payments}.labels.ndjson`, '--data-dir', data);
}
const next = paymentBodies(payments, runMark());

/** Sends a request every 20 ms until `isOver`; gives what each took, and how many answers were degraded. */
async function sending(url, isOver) {
  const times = [];
  const counts = { degraded: 0, failed: 0 };
  const under = new Set();
  const began = performance.now();
  while (!(await isOver(performance.now() - began))) {
    const sent = performance.now();
    const request = fetch(`${url}/v1/score`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: next(),
    })
      .then(async (response) => {
        const { degraded } = await response.json();
        times.push(performance.now() - sent);
        if (!response.ok) counts.failed += 1;
        else if (degraded.length > 0) counts.degraded += 1;
      })
      .finally(() => under.delete(request));
    under.add(request);
    await wait(EVERY_MS);
  }
  await Promise.all(under);
  return { times: times.sort((a, b) => a - b), seconds: (performance.now() - began) / 1000, ...counts };
}

function rowOf(name, { times, seconds, degraded, failed }) {
  const at = (share) => Number((times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0).toFixed(1));
  const figures = { 'p50 ms': at(0.5), 'p99 ms': at(0.99), 'most ms': at(1) };
  return { state: name, seconds: seconds.toFixed(1), requests: times.length, degraded, failed, ...figures };
}

const redis = await startRedis();
const server = await startServer(data, { env: { SENTINELA_REDIS_URL: redis.url } });
const url = `http://127.0.0.1:${server.http}`;
const isOpen = async () =>
  /^sentinela_store_open (\d)/m.exec(await (await fetch(`${url}/metrics`)).text())?.[1] === '1';
const load = loadavg()[0].toFixed(1);
const calm = await sending(url, async (elapsedMs) => elapsedMs > CALM_MS);
const admin = new Redis(redis.url);
await admin.flushall();
let looks = 0;
const rebuilding = await sending(url, async () => {
  looks += 1;
  // Not with every request: the page of metrics takes some milliseconds.
  return looks > 50 && looks % 25 === 0 && (await isOpen());
});
admin.disconnect();
await stopServer(server);
redis.stop();
rmSync(folder, { recursive: true, force: true });
console.log(`\na flush of Redis under traffic; ready after ${server.readyMs} ms; load ${load}; ${machine()}`);
printTable([rowOf('open', calm), rowOf('being built', rebuilding)]);
