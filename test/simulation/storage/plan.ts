import { type Random, seededRandom } from '../../../src/base/random.ts';
import type { FaultKind } from './schedule.ts';

/** Values of the partition column. */
export const PARTS = ['a', 'b', 'c'] as const;
export type Part = (typeof PARTS)[number];

/** What a process does in one step. */
export type Action =
  | { readonly kind: 'append'; readonly part: Part; readonly rows: number; readonly isOnce: boolean }
  /** Adds a row that tells what was in the table: nothing may have changed when it lands. */
  | { readonly kind: 'append-read'; readonly part: Part }
  | { readonly kind: 'replace'; readonly parts: readonly Part[]; readonly rows: number }
  | { readonly kind: 'delete'; readonly part: Part | undefined; readonly remainder: number }
  | { readonly kind: 'update'; readonly part: Part | undefined; readonly remainder: number }
  | { readonly kind: 'merge'; readonly part: Part; readonly ids: readonly number[] }
  | { readonly kind: 'overwrite-partitions'; readonly part: Part; readonly rows: number }
  | { readonly kind: 'replace-where'; readonly part: Part; readonly rows: number }
  | { readonly kind: 'optimize' }
  | { readonly kind: 'restore'; readonly back: number }
  | { readonly kind: 'alter' }
  | { readonly kind: 'vacuum'; readonly mode: 'full' | 'lite' }
  | { readonly kind: 'checkpoint' }
  | { readonly kind: 'read'; readonly back: number };

/** A step of a process: its number tells its rows and its commits. */
export interface PlannedStep {
  readonly number: number;
  readonly process: number;
  readonly action: Action;
}

/** Steps that run at once, and how long nothing happens before them. */
export interface Round {
  readonly pauseMs: number;
  readonly steps: readonly PlannedStep[];
}

/** A run of the simulation, all of it: the same plan gives the same run. */
export interface Plan {
  readonly seed: number;
  /** Separates schedules of one plan. */
  readonly schedule: number;
  readonly configuration: Readonly<Record<string, string>>;
  readonly compactionInterval: number | undefined;
  /** How often each process is chosen: a slow one seldom. */
  readonly weights: readonly number[];
  readonly rounds: readonly Round[];
  readonly faults: readonly { readonly call: number; readonly kind: FaultKind }[];
}

/** How large runs are. */
export interface PlanSize {
  readonly rounds: number;
  readonly stepsARound: number;
  /** Whether steps need DuckDB: each takes 40 ms instead of two. */
  readonly duckdb: boolean;
}

/** A run whose steps are JavaScript's alone: about 35 of them. */
export const SCRIPT_SIZE: PlanSize = { rounds: 4, stepsARound: 9, duckdb: false };
/** A run that also deletes, updates, merges and optimizes. */
export const DUCKDB_SIZE: PlanSize = { rounds: 3, stepsARound: 6, duckdb: true };

export const HOUR_MS = 3_600_000;
/** What the simulated tables keep: files a day, commits two. */
export const FILE_RETENTION_MS = 24 * HOUR_MS;
export const LOG_RETENTION_MS = 48 * HOUR_MS;

/** Keys that merges share; those of other steps are their own. */
export const MERGED_IDS = 12;

/** The plan of a seed. */
export function planOf(seed: number, size: PlanSize): Plan {
  const random = seededRandom(seed, size.duckdb ? 2 : 1);
  const processes = 2 + random.below(3);
  let number = 0;
  const rounds = Array.from({ length: size.rounds }, (_, round): Round => {
    const steps = Array.from({ length: size.stepsARound }, () => {
      number += 1;
      return { number, process: random.below(processes), action: actionOf(random, size.duckdb) };
    });
    return { pauseMs: round === 0 ? 0 : Math.floor(random.next() * 90 * HOUR_MS), steps };
  });
  return {
    seed,
    schedule: 0,
    configuration: configurationOf(random),
    compactionInterval: random.chance(0.5) ? 2 + random.below(3) : undefined,
    weights: Array.from({ length: processes }, () => (random.chance(0.3) ? 0.1 : 1)),
    rounds,
    faults: faultsOf(random, size.rounds * size.stepsARound * 30),
  };
}

function configurationOf(random: Random): Record<string, string> {
  const maybe = (probability: number, properties: Record<string, string>): Record<string, string> =>
    random.chance(probability) ? properties : {};
  return {
    'delta.checkpointInterval': String(3 + random.below(6)),
    'delta.deletedFileRetentionDuration': 'interval 24 hours',
    'delta.logRetentionDuration': 'interval 48 hours',
    ...maybe(0.5, { 'delta.enableDeletionVectors': 'true' }),
    ...maybe(0.4, { 'delta.checkpointPolicy': 'v2', 'delta.feature.v2Checkpoint': 'supported' }),
    ...maybe(0.4, { 'delta.enableInCommitTimestamps': 'true' }),
    ...maybe(0.3, { 'delta.enableRowTracking': 'true' }),
    ...maybe(0.4, { 'delta.isolationLevel': 'Serializable' }),
  };
}

const FAULTS: readonly FaultKind[] = [
  'refused',
  'refused',
  'answer_lost',
  'answer_lost',
  'late',
  'late',
  'torn',
  'crash_before',
  'crash_after',
  'crash_late',
  'stale',
];

/** What an outage of the store is made of: only a row of them leaves a commit undecided. */
const OUTAGES: readonly (readonly FaultKind[])[] = [
  ['refused', 'refused', 'late', 'answer_lost'],
  // Reads go through, and writes land when nobody waits for them any more.
  ['late_write'],
];

/** Half of the seeds have few faults and half many: rare ones let runs come far, many meet one another. */
function faultsOf(random: Random, calls: number): { readonly call: number; readonly kind: FaultKind }[] {
  const rate = random.chance(0.1) ? 0 : random.chance(0.5) ? 0.01 : 0.05;
  const faults: { call: number; kind: FaultKind }[] = [];
  const some = <T>(list: readonly T[]): T => list[random.below(list.length)] as T;
  const outage = random.chance(0.5) ? random.below(calls / 2) : calls;
  const kinds = some(OUTAGES);
  const outageEnd = outage + 8 + random.below(40);
  for (let call = 1; call <= calls; call += 1) {
    if (call >= outage && call < outageEnd) faults.push({ call, kind: some(kinds) });
    else if (random.chance(rate)) faults.push({ call, kind: some(FAULTS) });
  }
  return faults;
}

function actionOf(random: Random, duckdb: boolean): Action {
  const part = (): Part => PARTS[random.below(PARTS.length)] as Part;
  const rows = (): number => 1 + random.below(3);
  const die = random.below(100);
  if (duckdb && die < 60) return duckdbAction(random, part, rows);
  if (die < 30) return { kind: 'append', part: part(), rows: rows(), isOnce: random.chance(0.5) };
  if (die < 42) return { kind: 'replace', parts: random.chance(0.7) ? [part()] : PARTS.slice(0, 2), rows: rows() };
  if (die < 54) return { kind: 'replace', parts: [part()], rows: 0 };
  if (die < 62) return { kind: 'append-read', part: part() };
  if (die < 70) return { kind: 'vacuum', mode: random.chance(0.6) ? 'full' : 'lite' };
  if (die < 75) return { kind: 'checkpoint' };
  if (die < 79) return { kind: 'alter' };
  if (die < 85) return { kind: 'restore', back: 1 + random.below(5) };
  return { kind: 'read', back: random.chance(0.5) ? 0 : random.below(8) };
}

function duckdbAction(random: Random, part: () => Part, rows: () => number): Action {
  const where = { part: random.chance(0.6) ? part() : undefined, remainder: random.below(3) };
  switch (random.below(7)) {
    case 0:
    case 1:
      return { kind: 'delete', ...where };
    case 2:
      return { kind: 'update', ...where };
    case 3:
      return { kind: 'optimize' };
    case 4:
      return { kind: 'replace-where', part: part(), rows: rows() };
    case 5:
      return { kind: 'overwrite-partitions', part: part(), rows: rows() };
    default: {
      const ids = Array.from({ length: 1 + random.below(3) }, () => random.below(MERGED_IDS));
      return { kind: 'merge', part: part(), ids: [...new Set(ids)] };
    }
  }
}
