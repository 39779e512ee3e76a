// The online store on Redis beside the bare commands that it sends: a payment read and recorded after 30 days of fill,
// by the store; by the same EVALSHA with bytes made beforehand and replies thrown away; and by plain commands of the
// same sizes in one pipeline, which no reader could trust. Then the bytes that an entity takes as its windows fill.
// Wanted: at most 1.5 times the bare commands.
import { loadavg } from 'node:os';
import { fortyWindows } from './feature-sets.mjs';
import { streamOf } from './feature-stream.mjs';
import { machine, median, printTable } from './figures.mjs';
import { processorMicros, startRedis } from './redis-process.mjs';

const { compileFeatureSet } = await import('../dist/features/feature-set.js');
const { EmbeddedStore } = await import('../dist/features/embedded-store.js');
const { PIX_CORE } = await import('../dist/features/pix-core.js');
const { openRedis } = await import('../dist/features/redis-connection.js');
const { sharedKeys } = await import('../dist/features/redis-layout.js');
const { RedisOnlineStore } = await import('../dist/features/redis-online-store.js');
const { observeCall } = await import('../dist/features/redis-request.js');
const { observeScript } = await import('../dist/features/redis-scripts.js');
const { createVectorEngine } = await import('../dist/features/vector-engine.js');
const { ENTITY_KINDS } = await import('../dist/domain/entity-keys.js');
const { entityKeys } = await import('../dist/domain/payment-row.js');

const FILL = Number(process.env.COUNT ?? 100_000);
const CHUNK = Number(process.env.CHUNK ?? 1500);
const ROUNDS = 5;
const SIZES = [1, 8, 32, 128, 256, 1024];
const IN_FLIGHT = [1, 64];
const WANTED_RATIO = 1.5;
const TIMEOUT_MS = 10_000;

/** Opens a store on an epoch that holds the fill. */
async function openStore(url, set, payments) {
  const store = new RedisOnlineStore(
    url,
    set,
    { onNumbersLearned() {}, onLabelLearned() {}, onStateLost() {}, onEpochOpened() {} },
    TIMEOUT_MS,
  );
  await store.connect();
  await store.rebuild({
    leastEpoch: 1,
    async build() {
      const state = new EmbeddedStore(set, { maxPayments: payments.length + 1 });
      for (const payment of payments) state.applyRecorded(payment);
      return { state, base: { reason: 'bench', silverVersion: null, offsets: {} } };
    },
    publish: async () => {},
  });
  return store;
}

/** Runs over some items with so many at once. */
async function timed(redis, items, inFlight, run) {
  const times = new Float64Array(items.length);
  let next = 0;
  const worker = async () => {
    for (let at = next++; at < items.length; at = next++) {
      const began = performance.now();
      await run(items[at]);
      times[at] = performance.now() - began;
    }
  };
  const [redisBefore, nodeBefore, began] = [await processorMicros(redis), process.cpuUsage(), performance.now()];
  await Promise.all(Array.from({ length: inFlight }, worker));
  const seconds = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(nodeBefore);
  const redisMicros = (await processorMicros(redis)) - redisBefore;
  return {
    perSecond: items.length / seconds,
    p50: times.sort()[Math.floor(items.length / 2)] * 1000,
    node: (user + system) / items.length,
    redis: redisMicros / items.length,
  };
}

/** The three ways, each with what is made before the clock runs. */
function waysOf(redis, set, store) {
  const shared = sharedKeys(set);
  const epoch = { epoch: store.epoch, shared, prefix: Buffer.from(shared.epochPrefix(store.epoch)) };
  const engine = createVectorEngine(set);
  const { sha1 } = observeScript(set);
  const callOf = (payment) => {
    const events = engine.write(payment.row).map((event) => event.slice());
    return observeCall(set, payment, events, epoch);
  };
  return {
    store: { prepare: (payment) => payment, run: (payment) => store.observePayment(payment) },
    bare: {
      prepare(payment) {
        const { keys, args } = callOf(payment);
        return [sha1, keys.length, ...keys, ...args];
      },
      run: (args) => redis.callBuffer('EVALSHA', ...args),
    },
    plain: { prepare: (payment) => plainCommands(set, callOf(payment)), run: (commands) => pipelined(redis, commands) },
  };
}

/** Reads what the script reads, and writes as many bytes as it writes, beside the state. */
function plainCommands(set, { keys, args }) {
  const [epoch, payment, retry, labels, ...entities] = keys;
  const beside = (key) => Buffer.concat([Buffer.from('plain:'), key]);
  const commands = [
    ['GET', epoch],
    ['GET', payment],
    ['GET', labels],
  ];
  for (const [at, kind] of ENTITY_KINDS.entries()) {
    const [key, tiles] = [entities[at * 2], entities[at * 2 + 1]];
    const { widthMicros, hasTotals } = set.kinds[kind].keeping.tiles;
    commands.push(['GET', key], ['APPEND', beside(key), args[3 + at]]);
    if (widthMicros > 0 || hasTotals) commands.push(['HGETALL', tiles]);
  }
  const numbers = Buffer.alloc(ENTITY_KINDS.length * 8);
  commands.push(['SET', beside(payment), Buffer.concat([numbers, args[2]]), 'PX', '600000']);
  commands.push(['SET', beside(retry), Buffer.alloc(ENTITY_KINDS.length * 64 + 32), 'PX', '600000']);
  return commands;
}

function pipelined(redis, commands) {
  const pipeline = redis.pipeline();
  for (const [name, ...args] of commands) pipeline.callBuffer(name, ...args);
  return pipeline.exec();
}

async function compare(url, name, set, stream) {
  const redis = openRedis(url, TIMEOUT_MS);
  await redis.connect();
  const store = await openStore(url, set, stream.slice(0, FILL));
  const ways = waysOf(redis, set, store);
  let at = FILL;
  const rows = [];
  for (const inFlight of IN_FLIGHT) {
    const runs = { store: [], bare: [], plain: [] };
    // The first round warms code and caches up and is not counted.
    for (let round = 0; round <= ROUNDS; round += 1) {
      for (const [way, { prepare, run }] of Object.entries(ways)) {
        const items = stream.slice(at, at + CHUNK).map(prepare);
        at += CHUNK;
        const result = await timed(redis, items, inFlight, run);
        if (round > 0) runs[way].push(result);
      }
    }
    for (const [way, results] of Object.entries(runs)) {
      const of = (figure) => median(results.map((result) => result[figure]));
      rows.push({
        set: name,
        'in flight': inFlight,
        way,
        'payments/s': Math.round(of('perSecond')),
        'p50 µs': Math.round(of('p50')),
        // Of pairs that ran one after the other: the machine's load changes from round to round.
        'time to bare': median(results.map((result, round) => runs.bare[round].perSecond / result.perSecond)).toFixed(
          2,
        ),
        'Node µs': Math.round(of('node')),
        'Redis µs': Math.round(of('redis')),
      });
    }
  }
  await store.close();
  redis.disconnect();
  return rows;
}

/** Bytes of Redis's memory for the entities of one payer and one payee, with a payment every two hours. */
async function bytesAsWindowsFill(url, name, set) {
  const redis = openRedis(url, TIMEOUT_MS);
  await redis.connect();
  const store = await openStore(url, set, []);
  const { prepare } = waysOf(redis, set, store).bare;
  const used = async (key) => Number((await redis.callBuffer('MEMORY', 'USAGE', key, 'SAMPLES', '0')) ?? 0);
  const [template] = streamOf(1);
  const rows = [];
  for (let count = 1; count <= SIZES.at(-1); count += 1) {
    const id = `F${String(count).padStart(31, '0')}`;
    const event_time = template.row.event_time + count * 7_200_000_000;
    const own = {
      payer_number: 'x',
      payer_document: 'x',
      payee_number: 'x',
      payee_document: 'y',
      pix_key: 'x',
      device_id: 'x',
    };
    const row = { ...template.row, ...own, end_to_end_id: id, event_time };
    const payment = { row, keys: entityKeys(row) };
    await store.observePayment(payment);
    if (!SIZES.includes(count)) continue;
    const [, , , ownKey, retryKey, , ...entities] = prepare(payment);
    const sizes = { set: name, payments: count };
    for (const [at, kind] of ENTITY_KINDS.entries())
      sizes[kind] = (await used(entities[at * 2])) + (await used(entities[at * 2 + 1]));
    rows.push({ ...sizes, 'the payment': await used(ownKey), 'for its retry': await used(retryKey) });
  }
  await store.close();
  redis.disconnect();
  return rows;
}

const sets = [
  ['40 windows', fortyWindows()],
  [`shipped`, compileFeatureSet(PIX_CORE)],
];
const server = await startRedis();
console.log(`load ${loadavg()[0].toFixed(1)} at the start`);
const stream = streamOf(FILL + CHUNK * (ROUNDS + 1) * 3 * IN_FLIGHT.length);
const rows = [];
const bytes = [];
for (const [name, set] of sets) {
  rows.push(...(await compare(server.url, name, set, stream)));
  bytes.push(...(await bytesAsWindowsFill(server.url, `${name}, bytes`, set)));
}
server.stop();
console.log(
  `\nRedis: ${FILL.toLocaleString('en-US')} payments of fill, medians of ${ROUNDS} alternated rounds of ${CHUNK}; ${machine()}`,
);
printTable(rows);
console.log('\nBytes of memory that Redis takes (MEMORY USAGE) as windows fill');
printTable(bytes);
const missed = rows.filter((row) => row.way === 'store' && Number(row['time to bare']) > WANTED_RATIO);
for (const row of rows.filter(({ way }) => way === 'store')) {
  const isMet = !missed.includes(row);
  console.log(
    `wanted: ${row.set} at ${row['in flight']} in flight within ${WANTED_RATIO} times the bare commands: ${row['time to bare']}: ${isMet ? 'met' : 'NOT MET'}`,
  );
}
process.exit(missed.length === 0 ? 0 : 5);
