// The feature engine alone, in one process: a payment read and recorded by the embedded store after 30 days of
// fill, and training rows replayed from columns. Wanted: p50 of 20 µs and 50,000 payments/s a core at 40 windows over
// four entities; replayed 300,000 payments/s at 12 values and 100,000 at 40 windows, on two cores.

import { fortyWindows, windowSet } from './feature-sets.mjs';
import { streamOf } from './feature-stream.mjs';
import { machine, median, printTable } from './figures.mjs';

const { EmbeddedStore } = await import('../dist/features/embedded-store.js');
const { compileFeatureSet } = await import('../dist/features/feature-set.js');
const { PIX_CORE } = await import('../dist/features/pix-core.js');
const { replayPieces } = await import('../dist/features/replay/replay.js');
const { sequenceOf } = await import('../dist/features/replay/replay-input.js');
const { replayThreads } = await import('../dist/cli/replay-threads.js');
const { byKind, ENTITY_KINDS } = await import('../dist/domain/entity-keys.js');

const PAYMENTS = Number(process.env.COUNT ?? 300_000);
const ROUNDS = 3;

const sets = [
  ['12 values', windowSet('twelve', ['count', 'sum'], ['1h', '7d', '30d'], ['payer', 'payee'])],
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

/** Offline: every payment is a row, each sees what lay below it. */
async function offline(set, payments, threads) {
  const count = payments.length;
  const numbers = byKind(() => ({ epochs: new Float64Array(count), seqs: new Float64Array(count) }));
  const saw = byKind(() => ({ epochs: new Float64Array(count), seqs: new Float64Array(count) }));
  for (const kind of ENTITY_KINDS) {
    const last = new Map();
    for (let at = 0; at < count; at += 1) {
      const key = payments[at].keys[kind];
      if (key === null) continue;
      const seq = last.get(key) ?? 0;
      last.set(key, seq + 1);
      numbers[kind].epochs[at] = 1;
      numbers[kind].seqs[at] = seq + 1;
      saw[kind].epochs[at] = 1;
      saw[kind].seqs[at] = seq;
    }
  }
  const records = {
    payments: {
      count,
      ids: payments.map(({ row }) => row.end_to_end_id),
      times: Float64Array.from(payments, ({ row }) => row.event_time),
      keys: byKind((kind) => payments.map(({ keys }) => keys[kind])),
      row: (at) => payments[at].row,
      isEvent: new Uint8Array(count).fill(1),
      numbers,
      places: {
        journals: payments.map(() => 'j'),
        positions: Float64Array.from(payments, (_, at) => at + 1),
        knownTimes: Float64Array.from(payments, ({ row }) => row.event_time),
      },
    },
    labels: {
      count: 0,
      ids: [],
      states: new Uint8Array(0),
      times: new Float64Array(0),
      payees: [],
      numbers: { epochs: new Float64Array(0), seqs: new Float64Array(0) },
      places: { journals: [], positions: new Float64Array(0), knownTimes: new Float64Array(0) },
    },
    epochs: [{ epoch: 1, offsets: {} }],
  };
  const began = performance.now();
  let check = 0;
  const reads = sequenceOf({ rows: Int32Array.from({ length: count }, (_, at) => at), saw });
  // In one piece, as ever: what is measured is the engine, not the disk.
  for await (const vectors of replayPieces(set, records, reads, { threads, pieceReads: count })) {
    for (let read = 0; read < count; read += 1) check += vectors.vector(read).values[0] > 0 ? 1 : 0;
  }
  return { perSecond: (count / (performance.now() - began)) * 1000, check };
}

const payments = streamOf(PAYMENTS);
const rows = [];
const wanted = [];
const want = (what, isMet) => wanted.push(`wanted: ${what}: ${isMet ? 'met' : 'NOT MET'}`);
for (const [name, set] of sets) {
  const [on, off, offTwo] = [[], [], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    on.push(online(set, payments));
    off.push(await offline(set, payments, null));
    offTwo.push(await offline(set, payments, replayThreads(1)));
  }
  const [p50, perSecond, replayed, replayedByTwo] = [
    median(on.map((round) => round.p50)),
    median(on.map((round) => round.perSecond)),
    median(off.map((round) => round.perSecond)),
    median(offTwo.map((round) => round.perSecond)),
  ];
  if (name === '40 windows') {
    want('read and record 40 windows with a p50 of 20 µs at most', p50 <= 20);
    want('50,000 payments/s a core', perSecond >= 50_000);
    want('100,000 payments/s replayed at 40 windows on two cores', replayedByTwo >= 100_000);
  }
  if (name === '12 values') want('300,000 payments/s replayed at 12 values on two cores', replayedByTwo >= 300_000);
  rows.push({
    set: `${name} (${set.names.length})`,
    'read and record, p50 µs': p50.toFixed(1),
    'p99 µs': median(on.map(({ p99 }) => p99)).toFixed(1),
    'payments/s a core': Math.round(perSecond),
    'bytes a payment': Math.round(median(on.map(({ bytes }) => bytes))),
    'replayed/s, 1 thread': Math.round(replayed),
    '2 threads': Math.round(replayedByTwo),
  });
}
console.log(`\n${PAYMENTS.toLocaleString('en-US')} payments over 30 days, medians of ${ROUNDS} rounds; ${machine()}`);
printTable(rows);
for (const line of wanted) console.log(line);
process.exit(wanted.some((line) => line.endsWith('NOT MET')) ? 5 : 0);
