// A server on 1 M payments of history: how fast it is ready, what memory it takes through the
// rebuild and 60 s of load, and how fast simulator, import and jobs are on the way.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import autocannon from 'autocannon';
import { machine, printTable } from './figures.mjs';
import { paymentBodies, runMark } from './payment-bodies.mjs';
import { memoryOf, startServer, stopServer } from './serving.mjs';

const COUNT = Number(process.env.COUNT ?? 1_000_000);
const SECONDS = Number(process.env.SECONDS_EACH ?? 60);
const folder = mkdtempSync(join(tmpdir(), 'sentinela-history-'));
const payments = join(folder, 'payments.ndjson');
const data = join(folder, 'data');
const rows = [];

function timed(name, ...args) {
  const began = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, ['dist/cli/main.js', ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (status !== 0) throw new Error(`${name}: ${stdout}${stderr}`);
  const seconds = (performance.now() - began) / 1000;
  rows.push({ what: name, rows: COUNT, seconds: seconds.toFixed(1), 'rows/s': Math.round(COUNT / seconds) });
}

timed('simulate', 'simulate', '--count', String(COUNT), '--seed', '4', '--out', payments);
timed('import, silver included', 'import', payments, '--labels', `${payments}.labels.ndjson`, '--data-dir', data);
timed('silver-to-gold', 'job', 'run', 'silver-to-gold', '--data-dir', data);
const server = await startServer(data);
const rebuilt = memoryOf(server.child.pid);
const next = paymentBodies(payments, runMark());
const load = await autocannon({
  url: `http://127.0.0.1:${server.port}/v1/score`,
  method: 'POST',
  connections: 64,
  duration: SECONDS,
  headers: { 'content-type': 'application/json' },
  body: next(),
  setupClient(client) {
    client.setBody(next());
    client.on('response', () => client.setBody(next()));
  },
});
const loaded = memoryOf(server.child.pid);
await stopServer(server);
const again = await startServer(data);
await stopServer(again);
rmSync(folder, { recursive: true, force: true });
console.log(`\nhistory of ${COUNT.toLocaleString('en-US')} payments; ${machine()}`);
printTable(rows);
console.log(`ready in ${server.readyMs} ms; after the load, with its tail, in ${again.readyMs} ms`);
console.log(
  `memory: ${rebuilt.mostMb} MB at most through the rebuild, ${loaded.mostMb} MB at most through ${SECONDS} s of load (${Math.round(load.requests.average).toLocaleString('en-US')} payments/s)`,
);
const met = loaded.mostMb <= 1536;
console.log(`wanted: at most 1,536 MB: ${met ? 'met' : 'NOT MET'}`);
process.exit(met ? 0 : 5);
