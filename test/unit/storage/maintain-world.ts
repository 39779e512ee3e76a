import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ManualClock, manualClock } from '../../../src/base/clock.ts';
import { encodeActions } from '../../../src/storage/log/action-json.ts';
import { commitKey } from '../../../src/storage/log/log-names.ts';
import type { Snapshot } from '../../../src/storage/scan/snapshot.ts';
import { readRows } from '../../../src/storage/scan/table-read.ts';
import { localObjectStore } from '../../../src/storage/store/local-object-store.ts';
import { memoryObjectStore } from '../../../src/storage/store/memory-object-store.ts';
import type { ObjectStore } from '../../../src/storage/store/object-store.ts';
import { createTable, type DeltaTable, type TableEnvironment } from '../../../src/storage/table.ts';
import { field, structOf } from '../../../src/storage/types/delta-type.ts';

export const SCHEMA = structOf([field('id', 'long'), field('part', 'string')]);
export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
const START_MS = 1_800_000_000_000;
const VECTORS: Readonly<Record<string, string>> = { 'delta.enableDeletionVectors': 'true' };

/** A store, a clock that stands until it is moved, and objects whose times are that clock's. */
export interface World {
  readonly store: ObjectStore;
  readonly clock: ManualClock;
  readonly environment: TableEnvironment;
  /** Faults that tending the log told of. */
  readonly faults: unknown[];
  nowMs(): number;
  wait(durationMs: number): void;
  close(): void;
}

export const STORES = ['memory', 'a local disk'] as const;

export function openWorld(kind: (typeof STORES)[number], more: Partial<TableEnvironment> = {}): World {
  const folder = kind === 'memory' ? undefined : mkdtempSync(join(tmpdir(), 'sentinela-maintain-'));
  const clock = manualClock(START_MS * 1000);
  const nowMs = (): number => clock.nowMicros() / 1000;
  const store = timedStore(folder === undefined ? memoryObjectStore() : localObjectStore(folder), nowMs);
  const faults: unknown[] = [];
  return {
    store,
    clock,
    faults,
    environment: { clock, onLogFault: (error) => void faults.push(error), ...more },
    nowMs,
    wait: (durationMs) => clock.advanceTo((nowMs() + durationMs) * 1000),
    close: () => folder !== undefined && rmSync(folder, { recursive: true, force: true }),
  };
}

/** A store that says of its objects that they were written when the clock said so. */
function timedStore(store: ObjectStore, nowMs: () => number): ObjectStore {
  const times = new Map<string, number>();
  return {
    ...store,
    async putIfAbsent(key, bytes) {
      const outcome = await store.putIfAbsent(key, bytes);
      if (outcome === 'created') times.set(key, nowMs());
      return outcome;
    },
    async put(key, bytes) {
      await store.put(key, bytes);
      times.set(key, nowMs());
    },
    async putFile(key, path) {
      await store.putFile(key, path);
      times.set(key, nowMs());
    },
    async *listFrom(prefix, startAfter) {
      for await (const entry of store.listFrom(prefix, startAfter))
        yield { ...entry, modifiedMs: times.get(entry.key) ?? entry.modifiedMs };
    },
  };
}

export function makeTable(
  world: World,
  path = 't',
  { configuration = VECTORS, partitionColumns = [] as readonly string[], schema = SCHEMA } = {},
): Promise<DeltaTable> {
  return createTable(world.store, { path, schema, configuration, partitionColumns }, world.environment);
}

export function rowsOf(from: number, through: number, part = 'a'): Record<string, unknown>[] {
  return Array.from({ length: through - from + 1 }, (_, at) => ({ id: from + at, part }));
}

export async function idsOf(snapshot: Snapshot): Promise<number[]> {
  const ids: number[] = [];
  for await (const { id } of readRows(snapshot)) ids.push(Number(id));
  return ids.sort((left, right) => left - right);
}

export async function keysOf(store: ObjectStore, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.listFrom(prefix)) keys.push(key);
  return keys;
}

/** Data files and vectors of a table: what is not hidden. */
export async function dataKeys(store: ObjectStore, table = 't'): Promise<string[]> {
  return (await keysOf(store, `${table}/`)).filter((key) => !key.startsWith(`${table}/_delta_log/`));
}

/** Writes a commit as another engine would. */
export async function foreignCommit(world: World, table: DeltaTable, actions: readonly object[]): Promise<void> {
  const version = (await table.snapshot()).version + 1;
  await world.store.put(commitKey(table.path, version), encodeActions([{ commitInfo: {} }, ...actions] as never));
}
