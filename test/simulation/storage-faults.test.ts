import { describe, expect, it } from 'vitest';
import { manualClock } from '../../src/base/clock.ts';
import { AppError } from '../../src/base/errors.ts';
import { type Random, seededRandom } from '../../src/base/random.ts';
import { readRows } from '../../src/storage/scan/table-read.ts';
import { memoryObjectStore } from '../../src/storage/store/memory-object-store.ts';
import type { ObjectStore } from '../../src/storage/store/object-store.ts';
import { createTable, openTable } from '../../src/storage/table.ts';
import { field, structOf } from '../../src/storage/types/delta-type.ts';

const SCHEMA = structOf([field('id', 'long'), field('part', 'string')]);
const SEEDS = 60;

/** A store whose writes fail now and then, before or after they landed, and whose answers come late. */
function faultyStore(store: ObjectStore, random: Random): ObjectStore {
  const late = async (): Promise<void> => {
    for (let turns = random.below(4); turns > 0; turns -= 1) await new Promise((resolve) => setImmediate(resolve));
  };
  const write = async <T>(act: () => Promise<T>): Promise<T> => {
    await late();
    const fails = random.chance(0.08);
    if (fails && random.chance(0.5)) throw new AppError('storage_failed', 'lost on the way');
    const outcome = await act();
    await late();
    if (fails) throw new AppError('storage_failed', 'the answer was lost');
    return outcome;
  };
  return {
    ...store,
    async get(key, range) {
      await late();
      return store.get(key, range);
    },
    put: (key, bytes) => write(() => store.put(key, bytes)),
    putIfAbsent: (key, bytes) => write(() => store.putIfAbsent(key, bytes)),
  };
}

/** Five writers with eight commits each; gives what each was told. */
async function run(seed: number): Promise<void> {
  const random = seededRandom(seed);
  const sound = memoryObjectStore();
  const environment = { clock: manualClock(1_800_000_000_000_000) };
  await createTable(sound, { path: 't', schema: SCHEMA, partitionColumns: ['part'] }, environment);
  const acknowledged = new Set<number>();
  const attempted = new Set<number>();
  const writer = async (number: number): Promise<void> => {
    const table = openTable(faultyStore(sound, seededRandom(seed, number + 1)), 't', environment);
    for (let commit = 0; commit < 8; commit += 1) {
      const id = number * 100 + commit * 2;
      const rows = [
        { id, part: 'a' },
        { id: id + 1, part: random.chance(0.5) ? 'a' : 'b' },
      ];
      const txn = { appId: `writer ${number}`, version: commit + 1 };
      attempted.add(id);
      // A writer that was told of a failure tries the same again, as the bronze consumer does.
      for (let attempt = 0; attempt < 6; attempt += 1) {
        try {
          const outcome = await table.append({ rows, txn });
          if (outcome.kind !== 'conflict') acknowledged.add(id);
          if (outcome.kind !== 'conflict') break;
        } catch (error) {
          if (!(error instanceof AppError)) throw error;
        }
      }
    }
  };
  await Promise.all([0, 1, 2, 3, 4].map(writer));
  const table = openTable(sound, 't', environment);
  const newest = await table.snapshot();
  const seen = new Map<number, number>();
  for await (const { id } of readRows(newest)) seen.set(Number(id), (seen.get(Number(id)) ?? 0) + 1);
  for (const id of attempted) {
    const times = [seen.get(id) ?? 0, seen.get(id + 1) ?? 0];
    // Acknowledged: exactly once. Not acknowledged: all of it once, or nothing.
    expect(
      acknowledged.has(id)
        ? [[1, 1]]
        : [
            [0, 0],
            [1, 1],
          ],
      `seed ${seed}, rows ${id}`,
    ).toContainEqual(times);
  }
  // Every version is readable, and holds what the one before it held.
  let before = 0;
  for (let version = 0; version <= newest.version; version += 1) {
    const { rowCount = 0 } = await table.snapshot(version);
    expect(rowCount).toBeGreaterThanOrEqual(before);
    before = rowCount;
  }
}

describe('writers over a store that fails', () => {
  it.each(Array.from({ length: SEEDS }, (_, seed) => seed))('lose and double nothing, seed %i', run);
});
