#!/usr/bin/env node
// `npm run demo`: the product at work, end to end, on embedded defaults. Writes only under data/demo.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { averagePrecision, latency, say, sentinela, startServer, step } from './demo-parts.mjs';
import { openWays, stream } from './demo-stream.mjs';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const folder = 'data/demo';
const DAYS = 30;
const LIVE_DAYS = 6;
const COUNT = Number(process.env.DEMO_COUNT ?? 40_000);
const DAY_MS = 86_400_000;

const began = performance.now();
const today = new Date();
const start = new Date(today.getTime() - DAYS * DAY_MS).toISOString().slice(0, 10);
const cut = new Date(today.getTime() - LIVE_DAYS * DAY_MS).toISOString();
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true, mode: 0o700 });

step(1, `simulate ${COUNT.toLocaleString('en-US')} payments of the last ${DAYS} days`);
const all = join(folder, 'payments.ndjson');
say(
  sentinela(
    'simulate',
    '--count',
    String(COUNT),
    '--days',
    String(DAYS),
    '--start',
    start,
    '--seed',
    '2026',
    '--late',
    '0.01',
    '--duplicates',
    '0.005',
    '--out',
    all,
  ).trim(),
);
const lines = readFileSync(all, 'utf8').split('\n').filter(Boolean);
const payments = lines
  .map((line) => ({ line, at: JSON.parse(line).acceptedAt }))
  .filter(({ at }) => at <= today.toISOString());
const labels = readFileSync(`${all}.labels.ndjson`, 'utf8')
  .split('\n')
  .filter(Boolean)
  .map((line) => ({ line, at: JSON.parse(line).eventTime }));
const firstLive = payments.findIndex(({ at }) => at >= cut);
const history = payments.slice(0, firstLive);
const live = payments.slice(firstLive);
const historyPath = join(folder, 'history.ndjson');
const historyLabels = join(folder, 'history.labels.ndjson');
writeFileSync(historyPath, history.map(({ line }) => `${line}\n`).join(''), { mode: 0o600 });
writeFileSync(
  historyLabels,
  labels
    .filter(({ at }) => at < cut)
    .map(({ line }) => `${line}\n`)
    .join(''),
  { mode: 0o600 },
);

step(
  2,
  `import ${history.length.toLocaleString('en-US')} of them as history, with the labels known by ${cut.slice(0, 16)}Z`,
);
say(sentinela('import', historyPath, '--labels', historyLabels, '--data-dir', folder).trim());

step(3, 'start the server and stream the last days through HTTP and gRPC, labels in their order');
const later = labels.filter(({ at }) => at >= cut && at <= today.toISOString());
const events = mergeByArrival(live, later);
const half = Math.floor(events.length / 2);
let server = await startServer(folder);
say(`ready in ${server.readyMs} ms on port ${server.http} (HTTP) and ${server.grpc} (gRPC)`);
let ways = openWays(server);
const tally = { answers: new Map(), elapsedMs: [], unanswered: [], labels: 0, refused: 0, replays: 0 };
const streaming = performance.now();
await stream(ways, events.slice(0, half), tally, { killAfter: Math.floor(half * 0.9), kill: () => server.kill() });
ways.close();
say(
  `kill -9 in mid-stream: ${tally.answers.size.toLocaleString('en-US')} answered, ${tally.unanswered.length} sent without an answer`,
);

step(4, 'start it again: what was answered is answered the same, what was not is sent again');
server = await startServer(folder);
say(`ready again in ${server.readyMs} ms`);
ways = openWays(server);
const sample = [...tally.answers.values()].filter((_, at) => at % 37 === 0).slice(0, 50);
let same = 0;
for (const { line, body } of sample) if ((await ways.http(line)).body === body) same += 1;
say(`${same} of ${sample.length} repeats got their first answer, byte for byte`);
const again = tally.unanswered.splice(0);
await stream(ways, [...again, ...events.slice(half)], tally);
const seconds = (performance.now() - streaming) / 1000;
const { p50, p99 } = latency(tally.elapsedMs);
say(
  `${tally.answers.size.toLocaleString('en-US')} payments and ${tally.labels} labels in ${seconds.toFixed(1)} s, both starts included; ${tally.replays} repeats; p50 ${p50} ms, p99 ${p99} ms at 16 in flight`,
);
ways.close();
await server.stop();
if (same !== sample.length || tally.unanswered.length > 0) fail('an answered payment was lost');

step(5, 'run the jobs of the lake');
say(sentinela('job', 'run', 'bronze-to-silver', '--data-dir', folder).trim());
say(sentinela('job', 'run', 'silver-to-gold', '--data-dir', folder).trim());

step(6, 'export a training set and verify it');
const date = (days) => new Date(today.getTime() - days * DAY_MS).toISOString().slice(0, 10);
const training = join(folder, 'training');
const split = `time:${date(14)},${date(10)}`;
say(
  sentinela(
    'export',
    'create',
    '--from',
    'silver.transactions',
    '--features',
    'pix-core',
    '--labels-as-of',
    date(-1),
    '--horizon',
    '4d',
    '--split',
    split,
    '--out',
    training,
    '--data-dir',
    folder,
  ).trim(),
);
say(sentinela('export', 'verify', training, '--data-dir', folder).trim());

step(7, 'check that what was served is what is recomputed');
say(sentinela('features', 'check', '--data-dir', folder).trim());

step(8, 'what a newcomer wants to see');
const fraud = new Set(
  labels.filter(({ line }) => line.includes('"AGREED"')).map(({ line }) => JSON.parse(line).endToEndId),
);
const scored = [...tally.answers.values()]
  .map(({ body }) => JSON.parse(body))
  .filter(({ side, score }) => side === 'PAYER' && score !== null);
const frauds = scored.filter(({ endToEndId }) => fraud.has(endToEndId)).length;
const ap = averagePrecision(scored.map(({ endToEndId, score }) => ({ score, positive: fraud.has(endToEndId) })));
say(
  `champion on the ${LIVE_DAYS} streamed days (simulated): average precision ${ap.toFixed(3)} over ${scored.length.toLocaleString('en-US')} payments, ${frauds} of them contested fraud in the end`,
);
for (const table of [
  'bronze/transactions',
  'bronze/decisions',
  'bronze/labels',
  'silver/transactions',
  'silver/decisions',
  'silver/labels',
  'quarantine/transactions',
  'gold/daily_payments',
  'gold/fraud_daily',
  'gold/monthly_payments',
  'gold/fraud_monthly',
]) {
  const { version, rows } = JSON.parse(sentinela('table', 'show', '--path', `${folder}/lake/${table}`, '--json'));
  say(`${table.padEnd(24)} version ${String(version).padStart(3)}  ${rows.toLocaleString('en-US').padStart(8)} rows`);
}
say(`\npandas   import pandas; pandas.read_parquet('${training}/train.parquet')`);
say(`delta-rs from deltalake import DeltaTable; DeltaTable('${folder}/lake/silver/transactions').to_pandas()`);
say(`polars   import polars; polars.read_delta('${folder}/lake/gold/daily_payments')`);
say(`DuckDB   SELECT * FROM delta_scan('${folder}/lake/silver/decisions')\n`);
const shown = [...scored].sort((a, b) => b.score - a.score);
for (const { decision, score, reasons, ruleId, endToEndId } of [...shown.slice(0, 4), shown.at(-1)].filter(Boolean)) {
  say(
    `${decision.padEnd(10)} score ${score.toFixed(4)}  ${fraud.has(endToEndId) ? 'agreed fraud' : 'not contested'}  by ${ruleId}: ${reasons.join(', ') || 'nothing unusual'}`,
  );
}
console.log(`\ndone in ${((performance.now() - began) / 1000).toFixed(0)} s; everything is under ${folder}/`);

/** Payments in their order of arrival, each label before the first payment that was accepted after it. */
function mergeByArrival(arrivals, labelsInOrder) {
  const merged = [];
  let next = 0;
  let newest = '';
  for (const { line, at } of arrivals) {
    if (at > newest) newest = at;
    while (next < labelsInOrder.length && labelsInOrder[next].at < newest)
      merged.push({ kind: 'label', line: labelsInOrder[next++].line });
    merged.push({ kind: 'payment', line });
  }
  for (; next < labelsInOrder.length; next += 1) merged.push({ kind: 'label', line: labelsInOrder[next].line });
  return merged;
}

function fail(message) {
  console.error(`\nthe demo failed: ${message}`);
  process.exit(1);
}
