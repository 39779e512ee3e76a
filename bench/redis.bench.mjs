// The online store on Redis beside the bare commands that it sends: a payment read and recorded after 30 days of fill,
// by the store; by its very bytes, made beforehand, with replies thrown away; and by plain commands of the same sizes in
// one pipeline, which no reader could trust. On one server, and on a Cluster of three nodes on this machine, whose bare
// commands are a payment's calls all at once, though the store has to wait for the first. Then the bytes that an entity
// takes as its windows fill. Wanted: at most 1.5 times the bare commands, on one server.
import { loadavg } from 'node:os';
import { fortyWindows } from './feature-sets.mjs';
import { streamOf } from './feature-stream.mjs';
import { machine, median, printTable } from './figures.mjs';
import { processorMicros, startCluster, startRedis } from './redis-process.mjs';

const { compileFeatureSet } = await import('../dist/features/feature-set.js');
const { EmbeddedStore } = await import('../dist/features/embedded/embedded-store.js');
const { PIX_CORE } = await import('../dist/features/pix-core.js');
const { connectRedis, openRedis, sendCall, serversOf } = await import('../dist/features/redis/redis-connection.js');
const { epochKey, epochKeys, KIND_CODES, nameOf, setKeys } = await import('../dist/features/redis/redis-layout.js');
const { rebuildEpoch, setKeysAt } = await import('../dist/features/redis/redis-epoch.js');
const { RedisOnlineStore } = await import('../dist/features/redis/redis-online-store.js');
const { homeOf, partsOf, paymentNames, ScriptCalls } = await import('../dist/features/redis/redis-request.js');
const { labelScript, observeScript } = await import('../dist/features/redis/redis-scripts.js');
const { createVectorEngine } = await import('../dist/features/engine/vector-engine.js');
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
    { onNumbersLearned() {}, onLabelLearned() {}, onStateLost() {}, onUnreachable() {}, onEpochOpened() {} },
    TIMEOUT_MS,
  );
  await store.connect();
  const parts = {
    leastEpoch: async () => 1,
    async build() {
      const state = new EmbeddedStore(set, { maxPayments: payments.length + 1 });
      for (const payment of payments) state.applyRecorded(payment);
      return { state, base: { reason: 'bench', silverVersion: null, offsets: {} } };
    },
    publish: async () => {},
    onOvertaken() {},
    onOpened: () => {},
    onFreed: () => {},
  };
  await store.rebuild(({ settle }) => rebuildEpoch(url, set, setKeysAt(url, set), { ...parts, settle }));
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
  const [redisBefore, nodeBefore, began] = [
    await processorMicros(serversOf(redis)),
    process.cpuUsage(),
    performance.now(),
  ];
  await Promise.all(Array.from({ length: inFlight }, worker));
  const seconds = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(nodeBefore);
  const redisMicros = (await processorMicros(serversOf(redis))) - redisBefore;
  return {
    perSecond: items.length / seconds,
    p50: times.sort()[Math.floor(items.length / 2)] * 1000,
    node: (user + system) / items.length,
    redis: redisMicros / items.length,
  };
}

/** The ways, each with what is made before the clock runs. */
function waysOf(redis, set, store, isCluster) {
  const epoch = epochKeys(setKeys(set, isCluster), store.epoch);
  const engine = createVectorEngine(set);
  const calls = new ScriptCalls(set, observeScript(set), labelScript(set));
  const partsWith = ({ row, keys }) => {
    const names = paymentNames(row.end_to_end_id, keys);
    const events = engine.write(row);
    const side = 'P';
    const tail = calls.tail(names, row.event_time, events, keys.payee);
    if (!isCluster)
      return { names, parts: [{ partition: 0, kinds: names.kinds, payment: 'value', side, tail, events }] };
    const home = { partition: homeOf(names, epoch.set.partitions), kinds: [], payment: 'value', side, tail };
    const entities = partsOf(names, epoch.set.partitions);
    return { names, parts: [home, ...entities.map((part) => ({ ...part, payment: 'marker', side, events }))] };
  };
  const ways = {
    store: { prepare: (payment) => payment, run: (payment) => store.observePayment(payment) },
    bare: {
      prepare(payment) {
        const { names, parts } = partsWith(payment);
        return parts.map((part) => calls.observe(part, names, epoch));
      },
      run: (all) => Promise.all(all.map((call) => sendCall(redis, call))),
    },
  };
  if (isCluster) return ways;
  const plain = {
    prepare: (payment) => plainCommands(set, epoch, partsWith(payment).parts[0], payment),
    run: (commands) => pipelined(redis, commands),
  };
  return { ...ways, plain };
}

/** Reads what the script reads, and writes as many bytes as it writes, beside the state. */
function plainCommands(set, epoch, { tail, events }, { row, keys }) {
  const beside = (key) => Buffer.concat([Buffer.from('plain:'), key]);
  const keyOf = (kind, name) => epochKey(epoch, 0, kind, nameOf(name));
  const payment = keyOf('e', row.end_to_end_id);
  const commands = [
    ['GET', epoch.markers[0]],
    ['GET', payment],
  ];
  for (const [at, kind] of ENTITY_KINDS.entries()) {
    const key = keyOf(KIND_CODES[kind], keys[kind]);
    const { widthMicros, hasTotals } = set.kinds[kind].keeping.tiles;
    const { buffer, byteOffset, byteLength } = events[at];
    // Copied: the engine fills its arrays again for the next payment.
    commands.push(['GET', key], ['APPEND', beside(key), Buffer.from(Buffer.from(buffer, byteOffset, byteLength))]);
    if (widthMicros > 0 || hasTotals) commands.push(['HGETALL', keyOf(`t${KIND_CODES[kind]}`, keys[kind])]);
    if (set.kinds[kind].labels.length > 0) commands.push(['GET', keyOf('l', keys[kind])]);
  }
  const numbers = Buffer.alloc(2 + ENTITY_KINDS.length * 8);
  commands.push(['SET', beside(payment), Buffer.concat([numbers, tail]), 'PX', '600000']);
  const below = beside(keyOf('r', row.end_to_end_id));
  commands.push(['SET', below, Buffer.alloc(ENTITY_KINDS.length * 64 + 32), 'PX', '600000']);
  return commands;
}

function pipelined(redis, commands) {
  const pipeline = redis.pipeline();
  for (const [name, ...args] of commands) pipeline.callBuffer(name, ...args);
  return pipeline.exec();
}

async function compare(where, url, name, set, stream) {
  const isCluster = url.startsWith('redis-cluster:');
  const redis = openRedis(url, TIMEOUT_MS);
  await connectRedis(redis);
  const store = await openStore(url, set, stream.slice(0, FILL));
  const ways = waysOf(redis, set, store, isCluster);
  let at = FILL;
  const rows = [];
  for (const inFlight of IN_FLIGHT) {
    const runs = Object.fromEntries(Object.keys(ways).map((way) => [way, []]));
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
        on: where,
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
  await connectRedis(redis);
  const store = await openStore(url, set, []);
  const epoch = epochKeys(setKeys(set, false), store.epoch);
  const used = async (kind, key) =>
    Number((await redis.callBuffer('MEMORY', 'USAGE', epochKey(epoch, 0, kind, nameOf(key)), 'SAMPLES', '0')) ?? 0);
  const [template] = streamOf(1);
  const rows = [];
  for (let count = 1; count <= SIZES.at(-1); count += 1) {
    const id = `F${String(count).padStart(31, '0')}`;
    const own = { payer_number: 'x', payer_document: 'x', payee_number: 'x', payee_document: 'y' };
    const event_time = template.row.event_time + count * 7_200_000_000;
    const row = { ...template.row, ...own, pix_key: 'x', device_id: 'x', end_to_end_id: id, event_time };
    const keys = entityKeys(row);
    await store.observePayment({ row, keys });
    if (!SIZES.includes(count)) continue;
    const sizes = { set: name, payments: count };
    for (const kind of ENTITY_KINDS) {
      const code = KIND_CODES[kind];
      sizes[kind] = (await used(code, keys[kind])) + (await used(`t${code}`, keys[kind]));
    }
    rows.push({ ...sizes, 'the payment': await used('e', id), 'for its retry': await used('r', id) });
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
const cluster = await startCluster();
console.log(`load ${loadavg()[0].toFixed(1)} at the start`);
const stream = streamOf(FILL + CHUNK * (ROUNDS + 1) * 3 * IN_FLIGHT.length);
const rows = [];
const bytes = [];
for (const [name, set] of sets) {
  rows.push(...(await compare('one server', server.url, name, set, stream)));
  rows.push(...(await compare('Cluster', cluster.url, name, set, stream)));
  bytes.push(...(await bytesAsWindowsFill(server.url, name, set)));
}
server.stop();
cluster.stop();
console.log(
  `\nRedis: ${FILL.toLocaleString('en-US')} payments of fill, medians of ${ROUNDS} alternated rounds of ${CHUNK}; ${machine()}`,
);
printTable(rows);
console.log('\nBytes of memory that Redis takes (MEMORY USAGE) as windows fill');
printTable(bytes);
let missed = 0;
for (const row of rows.filter((of) => of.way === 'store' && of.on === 'one server')) {
  const isMet = Number(row['time to bare']) <= WANTED_RATIO;
  if (!isMet) missed += 1;
  console.log(
    `wanted: ${row.set} at ${row['in flight']} in flight within ${WANTED_RATIO} times the bare commands: ${row['time to bare']}: ${isMet ? 'met' : 'NOT MET'}`,
  );
}
process.exit(missed === 0 ? 0 : 5);
