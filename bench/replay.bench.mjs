// Training rows computed again from raw events: every payment is a row that sees what lay below it, and DuckDB's window
// query over the same payments beside it, alternated, on the same two cores. Wanted: 300,000 payments/s at 12 values and
// 100,000 at 40 windows. DuckDB knows one time only: here that is enough, because no payment is late. Counts must agree.
//
// COUNT=300000 for fewer payments: threads and buffers, which are made once, count for more then (0.2 s of a second).
import { loadavg } from 'node:os';
import { DuckDBInstance } from '@duckdb/node-api';
import { fortyWindows, twelveValues } from './feature-sets.mjs';
import { streamOf } from './feature-stream.mjs';
import { machine, median, printTable } from './figures.mjs';
import { replayRecords } from './replay-records.mjs';

const { compileFeatureSet } = await import('../dist/features/feature-set.js');
const { PIX_CORE } = await import('../dist/features/pix-core.js');
const { durationMicros } = await import('../dist/features/duration.js');
const { FEATURE_STATUS } = await import('../dist/features/feature-status.js');
const { replayPieces } = await import('../dist/features/replay/replay.js');
const { replayThreads } = await import('../dist/cli/replay-threads.js');

const PAYMENTS = Number(process.env.COUNT ?? 1_000_000);
const ROUNDS = Number(process.env.ROUNDS ?? 3);
const ENTITIES = ['payer', 'payee', 'pair', 'payer_document'];

/** Payments/s of a replay; and of the last one the values, for the check. */
async function replayed(set, { records, reads }, threads, counts) {
  const { count } = records.payments;
  const began = performance.now();
  // In one piece: what is measured is the engine, not the disk.
  for await (const vectors of replayPieces(set, records, reads, { threads, pieceReads: count })) {
    for (let read = 0; read < count; read += 1) counts?.(read, vectors.vector(read));
  }
  return (count / (performance.now() - began)) * 1000;
}

/** The set's windows as one query: a frame for each, of the payments before, none of which has the payment's own time. */
function windowQuery({ definition }) {
  const columns = definition.features.map(({ name, entity, aggregate, window }) => {
    const micros = durationMicros(window, name) - 1;
    const frame = `PARTITION BY ${entity} ORDER BY event_time RANGE BETWEEN ${micros} PRECEDING AND CURRENT ROW EXCLUDE CURRENT ROW`;
    const value = aggregate === 'count' ? 'count(*)' : 'sum(amount_centavos)';
    return `coalesce(${value} OVER (${frame}), 0)::DOUBLE AS ${name}`;
  });
  return `CREATE OR REPLACE TEMP TABLE answer AS SELECT place, ${columns.join(', ')} FROM payments`;
}

async function loadPayments(connection, payments) {
  await connection.run(
    `CREATE TABLE payments (place INTEGER, event_time BIGINT, amount_centavos BIGINT, ${ENTITIES.map((name) => `${name} VARCHAR`).join(', ')})`,
  );
  const appender = await connection.createAppender('payments');
  for (const [place, { row, keys }] of payments.entries()) {
    appender.appendInteger(place);
    appender.appendBigInt(BigInt(row.event_time));
    appender.appendBigInt(BigInt(row.amount_centavos));
    for (const entity of ENTITIES)
      appender.appendVarchar(entity === 'pair' ? `${keys.payer} ${keys.payee}` : keys[entity]);
    appender.endRow();
  }
  appender.closeSync();
}

async function queried(connection, query, count) {
  const began = performance.now();
  await connection.run(query);
  return (count / (performance.now() - began)) * 1000;
}

/** Throws where a value that is there differs from DuckDB's. @returns how many are equal, and not kept by the set's bound. */
async function check(connection, set, values) {
  const { names } = set;
  const answer = await connection.runAndReadAll(`SELECT ${names.join(', ')} FROM answer ORDER BY place`);
  const columns = answer.getColumns();
  let [equal, truncated] = [0, 0];
  for (const [at, name] of names.entries()) {
    for (const [read, wanted] of columns[at].entries()) {
      const { value, status } = values(read, at);
      if (status === FEATURE_STATUS.truncated) truncated += 1;
      else if ((status === FEATURE_STATUS.notFound ? 0 : value) === wanted) equal += 1;
      else throw new Error(`${name} of payment ${read} is ${value}, and DuckDB's ${wanted}`);
    }
  }
  return { equal, truncated };
}

/** The payments as the program has them, and as DuckDB has; as objects nobody has them any more. */
async function prepared() {
  const payments = streamOf(PAYMENTS);
  const instance = await DuckDBInstance.create(':memory:', { threads: '2' });
  const connection = await instance.connect();
  await loadPayments(connection, payments);
  return { input: replayRecords(payments), connection };
}

const { input, connection } = await prepared();

async function measure(name, set, hasQuery) {
  const [one, two, duckdb] = [[], [], []];
  const width = set.names.length;
  const values = new Float64Array(hasQuery ? PAYMENTS * width : 0);
  const status = new Uint8Array(values.length);
  const keep = (read, out) => {
    values.set(out.values, read * width);
    status.set(out.status, read * width);
  };
  const query = hasQuery ? windowQuery(set) : '';
  for (let round = 0; round < ROUNDS; round += 1) {
    one.push(await replayed(set, input, null));
    two.push(await replayed(set, input, replayThreads(1)));
    if (hasQuery) duckdb.push(await queried(connection, query, PAYMENTS));
  }
  let compared = '–';
  if (hasQuery) {
    await replayed(set, input, null, keep);
    const at = (read, place) => ({ value: values[read * width + place], status: status[read * width + place] });
    const { equal, truncated } = await check(connection, set, at);
    compared = `${equal.toLocaleString('en-US')} equal, ${truncated.toLocaleString('en-US')} truncated`;
  }
  return {
    row: {
      set: `${name} (${width})`,
      'payments/s, 1 thread': Math.round(median(one)),
      '2 threads': Math.round(median(two)),
      'DuckDB, 2 threads': hasQuery ? Math.round(median(duckdb)) : '–',
      'values against DuckDB': compared,
    },
    byTwo: median(two),
  };
}

const twelve = await measure('12 values', twelveValues(), true);
const forty = await measure('40 windows', fortyWindows(), true);
const shipped = await measure('shipped', compileFeatureSet(PIX_CORE), false);
console.log(
  `\n${PAYMENTS.toLocaleString('en-US')} payments over 30 days, medians of ${ROUNDS} rounds; load ${loadavg()[0].toFixed(1)}; ${machine()}`,
);
printTable([twelve.row, forty.row, shipped.row]);
const wanted = [
  ['300,000 payments/s at 12 values on two cores', twelve.byTwo >= 300_000],
  ['100,000 payments/s at 40 windows on two cores', forty.byTwo >= 100_000],
];
for (const [what, isMet] of wanted) console.log(`wanted: ${what}: ${isMet ? 'met' : 'NOT MET'}`);
process.exit(wanted.every(([, isMet]) => isMet) ? 0 : 5);
