// How fast a server is ready again after kill -9, with 200 k payments in silver and 100 k records in
// the journal's tail: from the snapshot that its first start wrote, and, as that first start itself, from silver.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import autocannon from 'autocannon';
import { machine, median, printTable } from './figures.mjs';
import { paymentBodies, runMark } from './payment-bodies.mjs';
import { killServer, startServer } from './serving.mjs';

const COUNT = Number(process.env.COUNT ?? 200_000);
const TAIL = Number(process.env.TAIL ?? 100_000);
const ROUNDS = Number(process.env.ROUNDS ?? 3);
const LIMIT_MS = 5000;
const folder = mkdtempSync(join(tmpdir(), 'sentinela-restart-'));
const payments = join(folder, 'payments.ndjson');
const data = join(folder, 'data');

function sentinela(...args) {
  const { status, stderr } = spawnSync(process.execPath, ['dist/cli/main.js', ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${args[0]}: ${stderr}`);
}

sentinela('simulate', '--count', String(COUNT), '--seed', '4', '--out', payments);
sentinela('import', payments, '--labels', `${payments}.labels.ndjson`, '--data-dir', data);
const first = await startServer(data);
const next = paymentBodies(payments, runMark());
await autocannon({
  url: `http://127.0.0.1:${first.port}/v1/score`,
  method: 'POST',
  connections: 64,
  amount: TAIL,
  headers: { 'content-type': 'application/json' },
  body: next(),
  setupClient(client) {
    client.setBody(next());
    client.on('response', () => client.setBody(next()));
  },
});
await killServer(first);
const state = join(data, 'state');
cpSync(state, join(folder, 'state'), { recursive: true });

const ready = { snapshot: [], silver: [] };
for (let round = 0; round < ROUNDS; round += 1) {
  for (const from of ['snapshot', 'silver']) {
    // A start may write a snapshot anew, which would leave the next one no tail to read.
    rmSync(state, { recursive: true, force: true });
    if (from === 'snapshot') cpSync(join(folder, 'state'), state, { recursive: true });
    const server = await startServer(data);
    ready[from].push(server.readyMs);
    await killServer(server);
  }
}
rmSync(folder, { recursive: true, force: true });
console.log(`\nready again after kill -9: ${COUNT} payments in silver, ${TAIL} in the tail; ${machine()}`);
printTable(
  Object.entries(ready).map(([from, times]) => ({ from, 'median ms': median(times), 'most ms': Math.max(...times) })),
);
const met = median(ready.snapshot) <= LIMIT_MS;
console.log(`wanted from the snapshot: at most ${LIMIT_MS} ms: ${met ? 'met' : 'NOT MET'}`);
process.exit(met ? 0 : 5);
