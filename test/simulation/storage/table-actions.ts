import { AppError } from '../../../src/base/errors.ts';
import type { Snapshot } from '../../../src/storage/scan/snapshot.ts';
import type { DeltaTable } from '../../../src/storage/table.ts';
import type { CommitOutcome } from '../../../src/storage/transaction/commit-loop.ts';
import type { Action, PlannedStep } from './plan.ts';
import { ProcessDied } from './schedule.ts';
import { type LiveFile, type RowReader, type SimulatedRow, textOf } from './stored-rows.ts';

/** What a process was told of a step, once it was. */
export interface Attempt {
  /** Stands in the commit's userMetadata, where the operation takes any. */
  readonly name: string;
  readonly step: PlannedStep;
  /** `unknown` after an error, or a death: the commit may be there or not. */
  outcome: CommitOutcome['kind'] | 'unknown';
  version?: number;
}

/** What a process saw of a version. */
export interface Sighting {
  readonly version: number;
  readonly rows: string;
}

/** What processes were told in a run. */
export interface Told {
  readonly attempts: Attempt[];
  readonly sightings: Sighting[];
  /** Errors that no fault explains. */
  readonly unexpected: string[];
  /** When the last vacuum began. */
  lastVacuumMs: number;
  /** Reads of versions that could not be read. */
  readonly unread: { readonly version: number; readonly why: string }[];
}

/** A table as a process holds it. */
export interface Handle {
  readonly table: DeltaTable;
  readonly reader: RowReader;
  readonly told: Told;
  readonly nowMs: () => number;
}

/** Tries of an append that must come once: as the bronze consumer repeats it. */
const ONCE_TRIES = 3;

/** The rows that a step adds. */
export function rowsOfStep({ number, action }: PlannedStep): SimulatedRow[] {
  switch (action.kind) {
    case 'append':
      return own(number, action.rows, action.part);
    case 'overwrite-partitions':
    case 'replace-where':
      return own(number, action.rows, action.part);
    case 'replace':
      return own(number, action.rows, action.parts[0] as string);
    case 'merge':
      return action.ids.map((id) => ({ id, part: action.part, value: number }));
    default:
      return [];
  }
}

function own(number: number, count: number, part: string): SimulatedRow[] {
  return Array.from({ length: count }, (_, at) => ({ id: number * 100 + at, part, value: number }));
}

/** The condition of a delete or an update. */
export function conditionOf({ part, remainder }: Extract<Action, { kind: 'delete' | 'update' }>): string {
  const rest = `id % 3 = ${remainder}`;
  return part === undefined ? rest : `part = '${part}' AND ${rest}`;
}

/** Does a step, and notes what came of it. */
export async function performStep(handle: Handle, step: PlannedStep, reopen: () => Handle): Promise<void> {
  const isOnce = step.action.kind === 'append' && step.action.isOnce;
  let own = handle;
  for (let attempt = 1; attempt <= (isOnce ? ONCE_TRIES : 1); attempt += 1) {
    const noted: Attempt = { name: `${step.number}.${attempt}`, step, outcome: 'unknown' };
    if (writes(step.action)) own.told.attempts.push(noted);
    try {
      const outcome = await perform(own, step, noted.name);
      if (outcome === undefined) return;
      noted.outcome = outcome.kind;
      noted.version = outcome.version;
      if (outcome.kind !== 'conflict') return;
    } catch (error) {
      noteError(own, step, error);
      // A process that died starts anew and repeats what it was not told of.
      if (error instanceof ProcessDied) own = reopen();
    }
  }
}

function writes({ kind }: Action): boolean {
  return !['vacuum', 'checkpoint', 'read', 'optimize'].includes(kind);
}

/** Faults of the store, and what they lead to. */
const EXPECTED = new Set(['storage_failed', 'commit_undecided', 'commit_conflict']);

function noteError({ told }: Handle, { number, action }: PlannedStep, error: unknown): void {
  if (error instanceof ProcessDied) return;
  if (error instanceof AppError) {
    if (EXPECTED.has(error.code)) return;
    // RESTORE finds files that a vacuum took, or versions that a clean-up did; so does a lite vacuum.
    if (action.kind === 'restore' && /is gone|no version|lacks the commit/.test(error.message)) return;
    if (action.kind === 'vacuum' && error.code === 'invalid_request') return;
    // A stale listing has no newest version yet.
    if (error.code === 'version_not_found') return;
  }
  // DuckDB, and what wraps its errors, hands on the death as a text.
  if (/the process died/.test(String(error))) return;
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  told.unexpected.push(`step ${number} (${action.kind}): ${stack}`);
}

async function perform(handle: Handle, step: PlannedStep, name: string): Promise<CommitOutcome | undefined> {
  const { table, told, nowMs } = handle;
  const { action } = step;
  const rows = rowsOfStep(step).map((row) => ({ ...row }));
  const commitMetadata = { attempt: name };
  switch (action.kind) {
    case 'append': {
      const txn = { txn: { appId: `step ${step.number}`, version: 1 } };
      return table.append({ rows, commitMetadata, ...(action.isOnce ? txn : {}) });
    }
    case 'append-read': {
      const basedOn = await table.snapshot();
      const seen = await rowsOf(handle, basedOn);
      const row = { id: step.number * 100, part: action.part, value: seen.length };
      return table.append({ rows: [row], basedOn, readsRows: true, commitMetadata });
    }
    case 'replace':
      return table.replacePartitions({ rows, partitions: action.parts.map((part) => ({ part })), commitMetadata });
    case 'delete':
      return table.delete({ where: conditionOf(action), commitMetadata });
    case 'update':
      return table.update({ where: conditionOf(action), set: { value: String(step.number) }, commitMetadata });
    case 'merge':
      return table.merge({
        source: { rows },
        on: 'target.id = source.id',
        whenMatched: [{ action: 'update' }],
        whenNotMatched: [{}],
        commitMetadata,
      });
    case 'overwrite-partitions':
      return table.write({ source: { rows }, mode: 'overwrite-partitions', commitMetadata });
    case 'replace-where':
      return table.write({
        source: { rows },
        mode: 'overwrite',
        replaceWhere: `part = '${action.part}'`,
        commitMetadata,
      });
    case 'restore': {
      const { version } = await table.snapshot();
      return table.restore({ version: Math.max(0, version - action.back) });
    }
    case 'alter':
      return table.alter.properties({ set: { 'simulation.step': String(step.number) } });
    case 'optimize':
      await table.optimize();
      return undefined;
    case 'vacuum':
      told.lastVacuumMs = nowMs();
      await table.vacuum({ mode: action.mode });
      return undefined;
    case 'checkpoint':
      await table.checkpoint();
      return undefined;
    case 'read':
      await sight(handle, action.back);
      return undefined;
  }
}

async function sight(handle: Handle, back: number): Promise<void> {
  const newest = await handle.table.snapshot();
  const version = Math.max(0, newest.version - back);
  try {
    const snapshot = version === newest.version ? newest : await handle.table.snapshot(version);
    handle.told.sightings.push({ version, rows: textOf(await rowsOf(handle, snapshot)) });
  } catch (error) {
    if (error instanceof ProcessDied || (error instanceof AppError && EXPECTED.has(error.code))) throw error;
    // A listing without what was written last has no such version.
    if (error instanceof AppError && error.code === 'version_not_found') return;
    handle.told.unread.push({ version, why: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
}

function rowsOf({ reader, table }: Handle, snapshot: Snapshot): Promise<SimulatedRow[]> {
  return reader.rowsOf(snapshot.files.map(liveFileOf), (key) => table.store.get(key));
}

/** A file as a snapshot has it. */
export function liveFileOf({ key, partitionValues, add }: Snapshot['files'][number]): LiveFile {
  return { key, part: partitionValues.part ?? '', vector: add.deletionVector };
}
