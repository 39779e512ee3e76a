import { AppError } from '../base/errors.ts';
import { REGISTRY_FEATURE_SETS } from '../governance/contracts/registry.ts';
import { definitionOf } from '../governance/contracts/table-contract.ts';
import type { Snapshot } from '../storage/scan/snapshot.ts';
import { readRows } from '../storage/scan/table-read.ts';
import type { ObjectStore } from '../storage/store/object-store.ts';
import { openOrCreateTable, openTable, type TableEnvironment } from '../storage/table.ts';

/** A version of a feature set that was applied. */
export interface AppliedSet {
  readonly name: string;
  /** Which of the name's versions it is, from 1. */
  readonly number: number;
  readonly version: string;
  readonly hash: string;
  /** JSON. */
  readonly definition: string;
  /** Microseconds since 1970. */
  readonly appliedAtMicros: number;
  readonly appliedBy: string;
  readonly reason: string | null;
}

/** What is to be applied. */
export type NewSet = Omit<AppliedSet, 'number'>;

/** What the registry held when it was read: what is applied is applied to that. */
export interface RegistryView {
  /** Every version of every name, in the order of their application. */
  readonly sets: readonly AppliedSet[];
  /** Null where nothing was ever applied. */
  readonly snapshot: Snapshot | null;
}

/** Reads the registry of a lake; one that was never written is empty, and is not made. */
export async function readFeatureRegistry(store: ObjectStore, environment: TableEnvironment): Promise<RegistryView> {
  const table = openTable(store, REGISTRY_FEATURE_SETS.path, environment);
  let snapshot: Snapshot;
  try {
    snapshot = await table.snapshot();
  } catch (error) {
    if (error instanceof AppError && error.code === 'table_not_found') return { sets: [], snapshot: null };
    throw error;
  }
  const sets: AppliedSet[] = [];
  for await (const row of readRows(snapshot)) {
    sets.push({
      name: String(row.name),
      number: Number(row.number),
      version: String(row.version),
      hash: String(row.hash),
      definition: String(row.definition),
      appliedAtMicros: Number(row.applied_at),
      appliedBy: String(row.applied_by),
      reason: row.reason === null ? null : String(row.reason),
    });
  }
  sets.sort((a, b) => a.appliedAtMicros - b.appliedAtMicros || (a.name < b.name ? -1 : 1) || a.number - b.number);
  return { sets, snapshot };
}

/** The newest version of a name; undefined where there is none. */
export function newestOf(view: RegistryView, name: string): AppliedSet | undefined {
  const versions = view.sets.filter((set) => set.name === name);
  return versions.reduce<AppliedSet | undefined>(
    (newest, set) => (newest === undefined || set.number > newest.number ? set : newest),
    undefined,
  );
}

/**
 * Applies a set to the registry as it was read.
 *
 * @returns the number that it got; `nothing` where the newest version of its name is the same.
 * @throws AppError `commit_conflict` where anything was applied since the registry was read.
 */
export async function applySet(
  store: ObjectStore,
  environment: TableEnvironment,
  view: RegistryView,
  set: NewSet,
): Promise<{ readonly kind: 'applied'; readonly number: number } | { readonly kind: 'nothing' }> {
  const before = newestOf(view, set.name);
  if (before?.hash === set.hash) return { kind: 'nothing' };
  const table = await openOrCreateTable(store, definitionOf(REGISTRY_FEATURE_SETS), environment);
  const number = (before?.number ?? 0) + 1;
  const basedOn = view.snapshot ?? (await table.snapshot(0));
  const { name, version, hash, definition, appliedAtMicros, appliedBy, reason } = set;
  // The commit point. It reads the table's rows: whoever came in between is a conflict.
  const outcome = await table.append({
    rows: [{ name, number, version, hash, definition, applied_at: appliedAtMicros, applied_by: appliedBy, reason }],
    basedOn,
    readsRows: true,
    operation: 'WRITE',
  });
  if (outcome.kind === 'committed') return { kind: 'applied', number };
  throw new AppError('commit_conflict', `another set was applied since the registry was read: look at the plan again`, {
    table: REGISTRY_FEATURE_SETS.path,
  });
}
