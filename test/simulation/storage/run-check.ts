import { deletionVectorKey } from '../../../src/storage/deletion-vectors/deletion-vector.ts';
import type { DeltaTable } from '../../../src/storage/table.ts';
import { type ReplayedVersion, replayLog, vectorText } from './log-replay.ts';
import { FILE_RETENTION_MS, HOUR_MS, LOG_RETENTION_MS } from './plan.ts';
import { judgeCommit, judgeQuiet, keyOf } from './row-model.ts';
import type { SimulatedObjects } from './simulated-objects.ts';
import { type RowReader, type SimulatedRow, textOf } from './stored-rows.ts';
import { type Attempt, liveFileOf, type Told } from './table-actions.ts';

/** What is checked at the end of a run. */
export interface RunEnd {
  readonly objects: SimulatedObjects;
  readonly told: Told;
  readonly nowMs: number;
  readonly table: string;
  /** Has read most data files already. */
  readonly reader: RowReader;
  readonly isSerializable: boolean;
  /** Opens the table anew, without faults. */
  readonly open: () => DeltaTable;
}

/** Operations that leave the rows as they are. */
const QUIET = /^(OPTIMIZE|VACUUM (START|END)|(UN)?SET TBLPROPERTIES|CREATE TABLE)$/;

/** All that is wrong at the end of a run; empty where nothing is. */
export async function checkRun(end: RunEnd): Promise<string[]> {
  const { objects, told, table, reader } = end;
  const { versions, violations } = replayLog(table, objects.archive, objects.writtenMs);
  const rows: SimulatedRow[][] = [];
  for (const { files } of versions) {
    rows.push(await reader.rowsOf(files.values(), async (key) => objects.archive.get(key)));
  }
  return [
    ...objects.violations,
    ...told.unexpected,
    ...violations,
    ...judgeHistory(end, versions, rows),
    ...judgeAnswers(told.attempts, versions),
    ...judgeSightings(end, versions, rows),
    ...judgeChecksums(end, versions),
    ...(await judgeReads(end, versions)),
  ];
}

/** Whether each commit did to the rows what its step says. */
function judgeHistory(
  { told, isSerializable }: RunEnd,
  versions: readonly ReplayedVersion[],
  rows: readonly SimulatedRow[][],
): string[] {
  const steps = new Map(told.attempts.map(({ name, step }) => [name, step]));
  const faults: string[] = [];
  for (const commit of versions.slice(1)) {
    const { version, attempt, operation, readVersion, parameters } = commit;
    const at = (number: number): readonly SimulatedRow[] => rows[number] ?? [];
    const step = attempt === undefined ? undefined : steps.get(attempt);
    if (step !== undefined) {
      const blind = new Set<string>();
      for (const other of versions.slice(readVersion + 1, version)) {
        if (other.isBlindAppend) for (const row of at(other.version)) blind.add(keyOf(row));
      }
      const [before, read, after] = [at(version - 1), at(readVersion), at(version)];
      faults.push(...judgeCommit({ commit, step, before, read, after, isSerializable, blind }));
    } else if (operation === 'RESTORE') {
      faults.push(...judgeQuiet(commit, at(Number(parameters.version)), at(version)));
    } else if (QUIET.test(operation)) faults.push(...judgeQuiet(commit, at(version - 1), at(version)));
    else faults.push(`version ${version} (${operation}) is nobody's`);
  }
  return faults;
}

/** Whether what was told to be committed is there once, what was refused is not, and the rest is there once at most. */
function judgeAnswers(attempts: readonly Attempt[], versions: readonly ReplayedVersion[]): string[] {
  const places = new Map<string, number[]>();
  for (const { attempt, version } of versions) {
    if (attempt !== undefined) places.set(attempt, [...(places.get(attempt) ?? []), version]);
  }
  const faults: string[] = [];
  for (const { name, step, outcome, version } of attempts) {
    const found = places.get(name) ?? [];
    const text = `attempt ${name} (${step.action.kind}) was told ${outcome} ${version ?? ''} and is at [${found}]`;
    if (!namesItself(step.action.kind)) {
      const operation = step.action.kind === 'restore' ? 'RESTORE' : 'SET TBLPROPERTIES';
      if (outcome === 'committed' && versions[version ?? -1]?.operation !== operation) faults.push(text);
    } else if (outcome === 'committed') {
      if (found.length !== 1 || found[0] !== version) faults.push(text);
    } else if (outcome === 'unknown') {
      if (found.length > 1) faults.push(text);
    } else if (found.length > 0) faults.push(text);
    const once = step.action.kind === 'append' && step.action.isOnce;
    if (outcome === 'already_committed' && !(once && isThere(step.number, places))) faults.push(text);
  }
  return faults;
}

function namesItself(kind: string): boolean {
  return kind !== 'restore' && kind !== 'alter';
}

function isThere(step: number, places: ReadonlyMap<string, readonly number[]>): boolean {
  const times = [...places].filter(([name]) => name.startsWith(`${step}.`)).flatMap(([, found]) => found);
  return times.length === 1;
}

/** Whether what readers saw is what is there, and whether those could read who had to. */
function judgeSightings(end: RunEnd, versions: readonly ReplayedVersion[], rows: readonly SimulatedRow[][]): string[] {
  const { told } = end;
  const faults: string[] = [];
  for (const { version, rows: seen } of told.sightings) {
    if (seen !== textOf(rows[version] ?? [])) faults.push(`a reader saw other rows of version ${version}: ${seen}`);
  }
  for (const { version, why } of told.unread) {
    if (mustBeReadable(end, versions, version)) faults.push(`a reader could not read version ${version}: ${why}`);
  }
  return faults;
}

/** Whether a version is within both retentions, with an hour for operations under way. */
function mustBeReadable(
  { told, nowMs }: Pick<RunEnd, 'told' | 'nowMs'>,
  versions: readonly ReplayedVersion[],
  version: number,
): boolean {
  const own = versions[version];
  const next = versions[version + 1];
  if (own === undefined || own.committedMs < nowMs - LOG_RETENTION_MS + HOUR_MS) return next === undefined;
  return next === undefined || next.committedMs > told.lastVacuumMs - FILE_RETENTION_MS + HOUR_MS;
}

function judgeChecksums({ objects, table }: RunEnd, versions: readonly ReplayedVersion[]): string[] {
  const faults: string[] = [];
  for (const { version, files, transactions } of versions) {
    const bytes = objects.archive.get(`${table}/_delta_log/${String(version).padStart(20, '0')}.crc`);
    if (bytes === undefined) continue;
    const sum = JSON.parse(Buffer.from(bytes).toString()) as {
      readonly numFiles: number;
      readonly tableSizeBytes: number;
      readonly setTransactions: readonly { readonly appId: string; readonly version: number }[];
    };
    const size = [...files.values()].reduce((total, { sizeBytes }) => total + sizeBytes, 0);
    const isTrue =
      sum.numFiles === files.size &&
      sum.tableSizeBytes === size &&
      sum.setTransactions.every((txn) => transactions.get(txn.appId) === txn.version) &&
      sum.setTransactions.length === transactions.size;
    if (!isTrue) faults.push(`the checksum of version ${version} is not true`);
  }
  return faults;
}

/** Whether every version that must be readable is, by the checkpoints that are there, and is what its commits say. */
async function judgeReads(end: RunEnd, versions: readonly ReplayedVersion[]): Promise<string[]> {
  const faults: string[] = [];
  const table = end.open();
  for (const { version, files, transactions } of versions) {
    if (!mustBeReadable(end, versions, version) || !isTried(end, versions.length, version)) continue;
    try {
      const snapshot = await table.snapshot(version);
      const found = snapshot.files.map(liveFileOf);
      const [left, right] = [found, [...files.values()]].map((list) =>
        list
          .map(({ key, vector }) => `${key} ${vectorText(vector)}`)
          .sort()
          .join('\n'),
      );
      if (left !== right) faults.push(`version ${version} has the files\n${left}\nand its commits say\n${right}`);
      for (const [appId, last] of transactions) {
        if (snapshot.transactionVersion(appId) !== last) faults.push(`version ${version} forgot the txn of ${appId}`);
      }
      for (const { key, vector } of found) {
        const needed = vector?.storageType === 'u' ? [key, ...vectorFile(end, vector.pathOrInlineDv)] : [key];
        for (const one of needed) {
          if (end.objects.get(one) === undefined) faults.push(`version ${version} lacks ${one}`);
        }
      }
    } catch (error) {
      faults.push(`version ${version} cannot be read: ${error instanceof Error ? error.stack : error}`);
    }
  }
  const { findings } = await table.check();
  for (const { kind, key, detail } of findings) faults.push(`fsck: ${kind} ${key}: ${detail}`);
  return faults;
}

/** Checkpoints, what follows them, the newest, and every third of the others: reading a version takes 2 ms. */
function isTried({ objects, table }: RunEnd, versions: number, version: number): boolean {
  const hasCheckpoint = (at: number): boolean =>
    objects.archive.has(`${table}/_delta_log/${String(at).padStart(20, '0')}.checkpoint.parquet`);
  return version === versions - 1 || version % 3 === 0 || hasCheckpoint(version) || hasCheckpoint(version - 1);
}

function vectorFile({ table }: RunEnd, pathOrInlineDv: string): string[] {
  return [`${table}/${deletionVectorKey({ pathOrInlineDv })}`];
}
