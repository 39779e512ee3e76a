import type { ReplayedVersion } from './log-replay.ts';
import { MERGED_IDS, type PlannedStep } from './plan.ts';
import type { SimulatedRow } from './stored-rows.ts';
import { rowsOfStep } from './table-actions.ts';

/*
 * What each commit must do to the rows, in plain JavaScript. A change is made from the version that it read and
 * lands after others: what it takes out are the rows that it read, all of which must still be there, and what it
 * left standing that it would have taken can only come from a blind append (WriteSerializable), or not at all
 * (Serializable).
 */

/** A commit and the rows around it. */
export interface CommittedStep {
  readonly commit: ReplayedVersion;
  readonly step: PlannedStep;
  /** Rows of the version before it, and of the one that it read. */
  readonly before: readonly SimulatedRow[];
  readonly read: readonly SimulatedRow[];
  readonly after: readonly SimulatedRow[];
  readonly isSerializable: boolean;
  /** Rows that blind appends added after the version that it read. */
  readonly blind: ReadonlySet<string>;
}

/** What is wrong with a commit; empty where nothing is. */
export function judgeCommit(committed: CommittedStep): string[] {
  const { step, commit, before, read, after, isSerializable, blind } = committed;
  const { action } = step;
  const name = `version ${commit.version}, step ${step.number} (${action.kind}, read ${commit.readVersion})`;
  const taken = read.filter((row) => takes(step, row));
  const added = addedRows(step, taken, read);
  const expected = counted(before);
  const faults: string[] = [];
  for (const row of taken) if (!take(expected, row)) faults.push(`${name} took ${keyOf(row)}, which was gone already`);
  for (const row of added) expected.set(keyOf(row), (expected.get(keyOf(row)) ?? 0) + 1);
  const difference = differenceOf(expected, counted(after));
  if (difference !== '') faults.push(`${name}: ${difference}`);
  // What came between and would have been taken, had it been seen.
  const seen = counted(read);
  for (const row of before) {
    if (take(seen, row) || !takes(step, row)) continue;
    if (isSerializable || !blind.has(keyOf(row))) faults.push(`${name} did not see ${keyOf(row)}`);
  }
  if (action.kind === 'append-read' && differenceOf(counted(read), counted(before)) !== '') {
    faults.push(`${name} tells of rows that others changed: ${differenceOf(counted(read), counted(before))}`);
  }
  return [...faults, ...doubledKeys(name, after)];
}

/** What is wrong with a commit that must leave the rows as they are. */
export function judgeQuiet(
  { version, operation }: ReplayedVersion,
  before: readonly SimulatedRow[],
  after: readonly SimulatedRow[],
): string[] {
  const difference = differenceOf(counted(before), counted(after));
  return difference === '' ? [] : [`version ${version} (${operation}) changed rows: ${difference}`];
}

function takes({ action }: PlannedStep, row: SimulatedRow): boolean {
  switch (action.kind) {
    case 'replace':
      return action.parts.some((part) => part === row.part);
    case 'overwrite-partitions':
    case 'replace-where':
      return row.part === action.part;
    case 'delete':
    case 'update':
      return row.id % 3 === action.remainder && (action.part === undefined || row.part === action.part);
    case 'merge':
      return action.ids.includes(row.id);
    default:
      return false;
  }
}

function addedRows(
  step: PlannedStep,
  taken: readonly SimulatedRow[],
  read: readonly SimulatedRow[],
): readonly SimulatedRow[] {
  const { action, number } = step;
  if (action.kind === 'update') return taken.map((row) => ({ ...row, value: number }));
  if (action.kind === 'append-read') return [{ id: number * 100, part: action.part, value: read.length }];
  return rowsOfStep(step);
}

/** Keys that merges share are there once, whoever inserted them at once. */
function doubledKeys(name: string, rows: readonly SimulatedRow[]): string[] {
  const seen = new Set<number>();
  const faults: string[] = [];
  for (const { id } of rows) {
    if (id < MERGED_IDS && seen.has(id)) faults.push(`${name}: the merged key ${id} is there twice`);
    seen.add(id);
  }
  return faults;
}

/** A row as a text. */
export function keyOf({ id, part, value }: SimulatedRow): string {
  return `${id}/${part}/${value}`;
}

function counted(rows: readonly SimulatedRow[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const row of rows) counts.set(keyOf(row), (counts.get(keyOf(row)) ?? 0) + 1);
  return counts;
}

function take(counts: Map<string, number>, row: SimulatedRow): boolean {
  const count = counts.get(keyOf(row)) ?? 0;
  if (count === 0) return false;
  if (count === 1) counts.delete(keyOf(row));
  else counts.set(keyOf(row), count - 1);
  return true;
}

function differenceOf(expected: ReadonlyMap<string, number>, found: ReadonlyMap<string, number>): string {
  const texts: string[] = [];
  for (const key of new Set([...expected.keys(), ...found.keys()])) {
    const [want = 0, have = 0] = [expected.get(key), found.get(key)];
    if (want !== have) texts.push(`${key} is there ${have} times and should be ${want} times`);
  }
  return texts.slice(0, 5).join(', ');
}
