import type { DuckDBInstance } from '@duckdb/node-api';

/** A DuckDB that some connections use. */
export interface HeldInstance {
  readonly instance: DuckDBInstance;
  /** Gives it back; `broken` where it must not be used again. */
  release(state: 'sound' | 'broken'): void;
}

/** How an instance is set up. */
export type InstanceSettings = Readonly<Record<string, string>>;

/** How long a shared instance waits for its next user: opening one takes 20 ms, more than a small commit. */
const IDLE_MS = 10_000;

interface Shared {
  readonly opened: Promise<DuckDBInstance>;
  users: number;
  isBroken: boolean;
  /** While it waits for its next user. */
  idle?: { readonly timer: NodeJS.Timeout; close(): void };
}

const shared = new Map<string, Shared>();

/**
 * An instance of its own, or one that all of equal settings share: then connections see only their
 * own temporary tables, and nobody makes others.
 */
export async function holdInstance(settings: InstanceSettings, isShared: boolean): Promise<HeldInstance> {
  if (!isShared) {
    const instance = await open(settings);
    return { instance, release: () => instance.closeSync() };
  }
  const key = JSON.stringify(settings);
  const found = shared.get(key) ?? { opened: open(settings), users: 0, isBroken: false };
  shared.set(key, found);
  clearTimeout(found.idle?.timer);
  found.users += 1;
  const instance = await found.opened.catch((error: unknown) => {
    shared.delete(key);
    throw error;
  });
  return { instance, release: (state) => release(key, found, instance, state) };
}

/**
 * Closes shared instances that wait for their next user: before long work that needs the memory, 0.3 GB after a scan of
 * 1 M payments. A thread that computes lets no timer come to its turn.
 */
export function closeIdleInstances(): void {
  for (const { idle, users } of [...shared.values()]) if (users === 0) idle?.close();
}

function release(key: string, held: Shared, instance: DuckDBInstance, state: 'sound' | 'broken'): void {
  held.users -= 1;
  held.isBroken ||= state === 'broken';
  if (held.isBroken && shared.get(key) === held) shared.delete(key);
  if (held.users > 0) return;
  if (held.isBroken) {
    instance.closeSync();
    return;
  }
  const close = (): void => {
    clearTimeout(timer);
    if (held.users > 0 || shared.get(key) !== held) return;
    shared.delete(key);
    instance.closeSync();
  };
  const timer = setTimeout(close, IDLE_MS).unref();
  held.idle = { timer, close };
}

/** The library is loaded at the first call: it takes 60 ms, which a command without it need not pay. */
async function open(settings: InstanceSettings): Promise<DuckDBInstance> {
  const { DuckDBInstance } = await import('@duckdb/node-api');
  return DuckDBInstance.create(':memory:', { ...settings });
}
