// The feature engine alone, in one process: a payment read and recorded by the embedded store after 30 days of fill.
// Wanted: p50 of 20 µs and 50,000 payments/s a core at 40 windows over four entities.

import { fortyWindows, twelveValues } from './feature-sets.mjs';
import { streamOf } from './feature-stream.mjs';
import { machine, median, printTable } from './figures.mjs';

const { EmbeddedStore } = await import('../dist/features/embedded/embedded-store.js');
const { compileFeatureSet } = await import('../dist/features/feature-set.js');
const { PIX_CORE } = await import('../dist/features/pix-core.js');

const PAYMENTS = Number(process.env.COUNT ?? 300_000);
const ROUNDS = 3;

const sets = [
  ['12 values', twelveValues()],
  ['40 windows', fortyWindows()],
  ['shipped', compileFeatureSet(PIX_CORE)],
];

/** Online: the last tenth is timed, payment by payment. */
function online(set, payments) {
  const store = new EmbeddedStore(set, { maxPayments: payments.length + 1 });
  store.openEpoch(1);
  const first = Math.floor(payments.length * 0.9);
  const times = new Float64Array(payments.length - first);
  for (let at = 0; at < payments.length; at += 1) {
    const began = performance.now();
    const { mark } = store.observePayment(payments[at]);
    if (at >= first) times[at - first] = (performance.now() - began) * 1000;
    store.settleUpTo(mark);
  }
  const seconds = times.reduce((sum, time) => sum + time, 0) / 1e6;
  times.sort();
  return {
    p50: times[Math.floor(times.length / 2)],
    p99: times[Math.floor(times.length * 0.99)],
    perSecond: times.length / seconds,
    bytes: store.stats().bytes / payments.length,
  };
}

const payments = streamOf(PAYMENTS);
const rows = [];
const wanted = [];
const want = (what, isMet) => wanted.push(`wanted: ${what}: ${isMet ? 'met' : 'NOT MET'}`);
for (const [name, set] of sets) {
  const on = Array.from({ length: ROUNDS }, () => online(set, payments));
  const [p50, perSecond] = [median(on.map((round) => round.p50)), median(on.map((round) => round.perSecond))];
  if (name === '40 windows') {
    want('read and record 40 windows with a p50 of 20 µs at most', p50 <= 20);
    want('50,000 payments/s a core', perSecond >= 50_000);
  }
  rows.push({
    set: `${name} (${set.names.length})`,
    'read and record, p50 µs': p50.toFixed(1),
    'p99 µs': median(on.map(({ p99 }) => p99)).toFixed(1),
    'payments/s a core': Math.round(perSecond),
    'bytes a payment': Math.round(median(on.map(({ bytes }) => bytes))),
  });
}
console.log(`\n${PAYMENTS.toLocaleString('en-US')} payments over 30 days, medians of ${ROUNDS} rounds; ${machine()}`);
printTable(rows);
for (const line of wanted) console.log(line);
process.exit(wanted.some((line) => line.endsWith('NOT MET')) ? 5 : 0);
