import type { EmbeddedStore } from '../embedded/embedded-store.ts';
import { type RedisClient, runScript } from './redis-connection.ts';
import { type DumpedKey, dumpState } from './redis-dump.ts';
import { type EpochKeys, PAYMENT_TTL_MS } from './redis-layout.ts';
import { LOAD_SCRIPT } from './redis-scripts.ts';

/** Keys of one command: Redis does nothing else meanwhile, for about 1 ms. */
const BATCH_KEYS = 512;
/** Keys that wait over all partitions: in a Cluster that is 16 a command, and 10 MB here. */
const WAITING_KEYS = 4096;

/** What waits to be written to one partition. */
interface Batch {
  readonly entities: Buffer[];
  readonly payments: Buffer[];
  readonly values: Buffer[];
  readonly tiles: (DumpedKey & { readonly kind: 'tiles' })[];
}

/**
 * Writes a state as the keys of an epoch. Many keys a command, since one command each takes four times as long, most of
 * it in this process; commands of all partitions go out together, so that the nodes of a Cluster work side by side.
 */
export async function loadState(redis: RedisClient, state: EmbeddedStore, epoch: EpochKeys): Promise<void> {
  const batches = new Map<number, Batch>();
  const most = Math.min(WAITING_KEYS, BATCH_KEYS * epoch.set.partitions);
  let waiting = 0;
  for (const dumped of dumpState(state, epoch)) {
    add(batches, dumped);
    waiting += 1;
    if (waiting < most) continue;
    await Promise.all([...batches.values()].map((batch) => write(redis, batch)));
    batches.clear();
    waiting = 0;
  }
  await Promise.all([...batches.values()].map((batch) => write(redis, batch)));
}

function add(batches: Map<number, Batch>, dumped: DumpedKey): void {
  let batch = batches.get(dumped.partition);
  if (batch === undefined) {
    batch = { entities: [], payments: [], values: [], tiles: [] };
    batches.set(dumped.partition, batch);
  }
  if (dumped.kind === 'tiles') batch.tiles.push(dumped);
  else if (dumped.kind === 'entity') batch.entities.push(dumped.key, dumped.value);
  else {
    batch.payments.push(dumped.key);
    batch.values.push(dumped.value);
  }
}

async function write(redis: RedisClient, { entities, payments, values, tiles }: Batch): Promise<void> {
  await Promise.all([
    ...(entities.length > 0 ? [redis.mset(entities)] : []),
    ...(payments.length > 0 ? [runScript(redis, LOAD_SCRIPT, payments, [...values, String(PAYMENT_TTL_MS)])] : []),
    ...tiles.map(({ key, fields }) => redis.hset(key, ...fields)),
  ]);
}
