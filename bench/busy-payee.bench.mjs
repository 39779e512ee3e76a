// One payee that is paid all the time, in a set without a bound: a payment read and recorded by the embedded store,
// as the payee's windows fill, and then some of its payments taken back. Wanted: neither time nor memory grows with what
// the windows hold, but for pages on disk.

import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { machine, median, printTable } from './figures.mjs';

const { EmbeddedStore } = await import('../dist/features/embedded/embedded-store.js');
const { compileFeatureSet } = await import('../dist/features/feature-set.js');
const { localPages } = await import('../dist/features/cold/local-pages.js');
const { entityKeys, PAYMENT_COLUMNS } = await import('../dist/domain/payment-row.js');

const MOST = Number(process.env.COUNT ?? 1_000_000);
const DAY_MICROS = 86_400_000_000;
/** A million a day. */
const STEP_MICROS = DAY_MICROS / 1_000_000;
const START = 1_762_000_000_000_000;
/** Payments that are taken back at each size, spread over all that there are. */
const RETRACTIONS = 500;

const features = ['1h', '6h', '24h', '7d'].flatMap((window) =>
  ['count', 'sum', 'mean', 'max', 'min', 'stddev'].map((aggregate) => ({
    kind: 'window',
    name: `payee_${aggregate}_${window}`,
    description: '-',
    entity: 'payee',
    aggregate,
    window,
    ...(aggregate === 'count' ? {} : { column: 'amount_centavos' }),
  })),
);
const set = compileFeatureSet({ name: 'busy', description: '-', bound: 'none', allowedLateness: '1d', features });
const EMPTY = Object.fromEntries(PAYMENT_COLUMNS.map(({ name }) => [name, null]));

function paymentOf(at) {
  const row = {
    ...EMPTY,
    end_to_end_id: `E${String(at).padStart(31, '0')}`,
    side: 'PAYEE',
    event_time: START + at * STEP_MICROS,
    amount_centavos: 100 + ((at * 7919) % 500_000),
    payer_ispb: '11111111',
    payer_number: String(at % 1000),
    payee_ispb: '22222222',
    payee_number: '1',
  };
  return { row, keys: entityKeys(row) };
}

const megabytes = (bytes) => `${(bytes / 1024 / 1024).toFixed(0)} MB`;
const folder = mkdtempSync(join(tmpdir(), 'sentinela-busy-'));
const onDisk = () => readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
const store = new EmbeddedStore(set, { maxPayments: MOST + 1 }, localPages(folder));
store.openEpoch(1);
const rows = [];
let at = 0;

/** Times of taking back payments that no stage took back before, in order, µs. */
function retract(stop) {
  const times = [];
  for (let nth = 0; nth < RETRACTIONS; nth += 1) {
    const { row } = paymentOf(Math.floor((nth * stop) / RETRACTIONS) + rows.length);
    const began = performance.now();
    const { mark } = store.correctPayment({ endToEndId: row.end_to_end_id, replacement: null });
    times.push((performance.now() - began) * 1000);
    store.settleUpTo(mark);
  }
  return times.sort((a, b) => a - b);
}

try {
  for (let stop = MOST / 16; stop <= MOST; stop *= 2) {
    const times = [];
    for (; at < stop; at += 1) {
      const payment = paymentOf(at);
      const began = performance.now();
      const { mark } = store.observePayment(payment);
      times.push((performance.now() - began) * 1000);
      store.settleUpTo(mark);
    }
    const retracted = retract(stop);
    const last = times.slice(-20_000).sort((a, b) => a - b);
    globalThis.gc?.();
    rows.push({
      payments: stop.toLocaleString('en'),
      p50: `${median(last).toFixed(1)} µs`,
      p99: `${last[Math.floor(last.length * 0.99)].toFixed(1)} µs`,
      'a retraction, p50': `${median(retracted).toFixed(0)} µs`,
      'its p99': `${retracted[Math.floor(retracted.length * 0.99)].toFixed(0)} µs`,
      memory: megabytes(process.memoryUsage().rss),
      'on disk': megabytes(onDisk()),
    });
  }
} finally {
  store.close();
  rmSync(folder, { recursive: true });
}
console.log(`One payee without a bound, 24 windows up to 7 days, a million payments a day (${machine()})\n`);
printTable(rows);
