import type { EmbeddedStore } from '../embedded/embedded-store.ts';
import { type RedisClient, runScript } from './redis-connection.ts';
import { type DumpedKey, dumpState } from './redis-dump.ts';
import { type EpochKeys, PAYMENT_TTL_MS } from './redis-layout.ts';
import { LOAD_SCRIPT, LOAD_TILES_SCRIPT } from './redis-scripts.ts';

/** Keys of one command: Redis does nothing else meanwhile, for about 1 ms. */
const BATCH_KEYS = 512;
/** Keys that wait over all partitions: in a Cluster that is 16 a command, and 10 MB here. */
const WAITING_KEYS = 4096;

/** What waits to be written to one partition. */
interface Batch {
  readonly entities: Values;
  readonly payments: Values;
  readonly tiles: (DumpedKey & { readonly kind: 'tiles' })[];
}

interface Values {
  readonly keys: Buffer[];
  readonly values: Buffer[];
}

/** Another one builds, or Redis was flushed: what was written is good for nothing. */
export class Overtaken extends Error {}

/**
 * Writes a state as the keys of an epoch. Many keys a command, since one command each takes four times as long, most of
 * it in this process; commands of all partitions go out together, so that the nodes of a Cluster work side by side.
 *
 * @param token the builder's.
 * @throws Overtaken.
 */
export async function loadState(
  redis: RedisClient,
  state: EmbeddedStore,
  epoch: EpochKeys,
  token: string,
): Promise<void> {
  const batches = new Map<number, Batch>();
  const most = Math.min(WAITING_KEYS, BATCH_KEYS * epoch.set.partitions);
  let waiting = 0;
  for (const dumped of dumpState(state, epoch)) {
    add(batches, dumped);
    waiting += 1;
    if (waiting < most) continue;
    await writeAll(redis, batches, epoch, token);
    batches.clear();
    waiting = 0;
  }
  await writeAll(redis, batches, epoch, token);
}

function add(batches: Map<number, Batch>, dumped: DumpedKey): void {
  let batch = batches.get(dumped.partition);
  if (batch === undefined) {
    batch = { entities: { keys: [], values: [] }, payments: { keys: [], values: [] }, tiles: [] };
    batches.set(dumped.partition, batch);
  }
  if (dumped.kind === 'tiles') batch.tiles.push(dumped);
  else {
    const { keys, values } = dumped.kind === 'entity' ? batch.entities : batch.payments;
    keys.push(dumped.key);
    values.push(dumped.value);
  }
}

async function writeAll(
  redis: RedisClient,
  batches: ReadonlyMap<number, Batch>,
  { set }: EpochKeys,
  token: string,
): Promise<void> {
  const written: Promise<unknown>[] = [];
  for (const [partition, { entities, payments, tiles }] of batches) {
    const builder = set.builder(partition);
    const load = ({ keys, values }: Values, livesMs: string): void => {
      if (keys.length > 0) written.push(runScript(redis, LOAD_SCRIPT, [builder, ...keys], [token, livesMs, ...values]));
    };
    load(entities, '');
    load(payments, String(PAYMENT_TTL_MS));
    for (const { key, fields } of tiles)
      written.push(runScript(redis, LOAD_TILES_SCRIPT, [builder, key], [token, ...fields]));
  }
  if ((await Promise.all(written)).some((done) => done !== 1)) throw new Overtaken();
}
