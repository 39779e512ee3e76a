// Fuzzed bytes on HTTP and gRPC: 20,000 each, seeds printed; no 5xx, no crash, no growth of memory.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, credentials } from '@grpc/grpc-js';
import { seededRandom } from '../dist/base/random.js';
import { loadScoringProto } from '../dist/events/scoring-proto.js';
import { simulationOptions } from '../dist/simulator/options.js';
import { simulate } from '../dist/simulator/simulate.js';
import { memoryOf, startServer, stopServer } from './serving.mjs';

const RUNS = Number(process.env.RUNS ?? 20_000);
const LANES = 16;
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
const random = seededRandom(seed);
const folder = mkdtempSync(join(tmpdir(), 'sentinela-fuzz-'));
const good = [...simulate(simulationOptions({ count: 200, seed: 9, malformedRate: 0.5 }))]
  .filter(({ kind }) => kind !== 'label')
  .map(({ text }) => Buffer.from(text));

/** A good or malformed body with some bytes changed, cut, doubled or put in. */
function mutated(source) {
  let bytes = Buffer.from(source[random.below(source.length)]);
  for (let change = random.below(4); change >= 0; change -= 1) {
    const at = random.below(bytes.length + 1);
    const kind = random.below(4);
    if (kind === 0 && at < bytes.length) bytes[at] = random.below(256);
    else if (kind === 1) bytes = bytes.subarray(0, at);
    else if (kind === 2) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.max(0, at - 20))]);
    else
      bytes = Buffer.concat([
        bytes.subarray(0, at),
        Buffer.from(Array.from({ length: random.below(8) }, () => random.below(256))),
        bytes.subarray(at),
      ]);
  }
  return bytes;
}

const server = await startServer(folder);
const { Score: method } = loadScoringProto().service;
const client = new Client(`127.0.0.1:${server.grpc}`, credentials.createInsecure());
const messages = Array.from({ length: 50 }, () =>
  Buffer.from(Array.from({ length: 20 + random.below(200) }, () => random.below(256))),
);
const paths = ['/v1/score', '/v1/labels', '/v1/score/batch'];
const counts = new Map();
const count = (name) => counts.set(name, (counts.get(name) ?? 0) + 1);

async function http() {
  const response = await fetch(`http://127.0.0.1:${server.http}${paths[random.below(3)]}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: mutated(good),
  });
  await response.arrayBuffer();
  count(`HTTP ${response.status}`);
}

const grpc = () =>
  new Promise((resolve) => {
    client.makeUnaryRequest(
      method.path,
      (bytes) => bytes,
      (bytes) => bytes,
      mutated(messages),
      (error) => {
        count(`gRPC ${error?.code ?? 0}`);
        resolve();
      },
    );
  });

const before = memoryOf(server.child.pid);
for (const send of [http, grpc]) {
  let left = RUNS;
  await Promise.all(
    Array.from({ length: LANES }, async () => {
      while (left > 0) {
        left -= 1;
        await send();
      }
    }),
  );
}
const after = memoryOf(server.child.pid);
const alive = (await fetch(`http://127.0.0.1:${server.http}/health/live`)).status === 200;
client.close();
await stopServer(server);
rmSync(folder, { recursive: true, force: true });
console.log(`fuzz, ${RUNS.toLocaleString('en-US')} bodies each way, SEED=${seed}`);
for (const [name, times] of [...counts].sort())
  console.log(`  ${name.padEnd(10)} ${times.toLocaleString('en-US').padStart(8)}`);
console.log(`  memory ${before.nowMb} MB before, ${after.nowMb} MB after`);
// gRPC 13 is INTERNAL, 2 UNKNOWN; HTTP 503 is a deadline on a slow machine, not a fault.
const faults = [...counts]
  .filter(([name]) => /^HTTP 5(?!03)|^gRPC (2|13)$/.test(name))
  .reduce((sum, [, times]) => sum + times, 0);
console.log(
  faults === 0 && alive ? 'no fault, no crash: met' : `${faults} faults, ${alive ? 'alive' : 'DEAD'}: NOT MET`,
);
process.exit(faults === 0 && alive ? 0 : 5);
