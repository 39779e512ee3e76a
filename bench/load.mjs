#!/usr/bin/env node
// Load on a running server: `node bench/load.mjs [--url U] [--connections N] [--seconds N]`. Every
// request is a payment of its own.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import autocannon from 'autocannon';
import { paymentBodies, runMark } from './payment-bodies.mjs';

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:8080' },
    connections: { type: 'string', default: '64' },
    seconds: { type: 'string', default: '10' },
  },
});
const folder = mkdtempSync(join(tmpdir(), 'sentinela-load-'));
const file = join(folder, 'payments.ndjson');
const program = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
spawnSync(process.execPath, [program, 'simulate', '--count', '20000', '--seed', '11', '--out', file]);
const next = paymentBodies(file, runMark());
rmSync(folder, { recursive: true });
const run = autocannon({
  url: `${values.url}/v1/score`,
  method: 'POST',
  connections: Number(values.connections),
  duration: Number(values.seconds),
  headers: { 'content-type': 'application/json' },
  body: next(),
  setupClient(client) {
    client.setBody(next());
    client.on('response', () => client.setBody(next()));
  },
});
autocannon.track(run, { renderProgressBar: false });
const { non2xx, errors, requests } = await run;
console.log(
  `${Math.round(requests.average).toLocaleString('en-US')} payments/s; ${non2xx + errors} not answered with a decision`,
);
