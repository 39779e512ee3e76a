import { AppError } from '../../base/errors.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { FileSum } from './file-checksum.ts';
import { type LastCheckpoint, readLastCheckpoint } from './last-checkpoint.ts';
import { type LogName, logFolder, padded, parseLogName } from './log-names.ts';

/** A checkpoint that is whole by its names. */
export interface CheckpointFiles {
  readonly version: number;
  /** Keys of its parts; one where it is not in parts. */
  readonly keys: readonly string[];
  readonly format: 'json' | 'parquet';
  /** What its file must be, where the hint tells. */
  readonly sum?: FileSum;
}

/** Commits in one file: a commit, or a compaction of several. */
export interface CommitFile {
  readonly key: string;
  readonly from: number;
  readonly to: number;
  /** When the store last saw it written; of a commit only. */
  readonly modifiedMs: number;
}

/** What there is of a log up to a version. */
export interface LogSegment {
  readonly version: number;
  /** Checkpoints at or before the version, the newest first; a broken one gives way to the next. */
  readonly checkpoints: readonly CheckpointFiles[];
  /** Commits, ascending. */
  readonly commits: readonly CommitFile[];
  /** Compactions that end at or before the version. */
  readonly compactions: readonly CommitFile[];
}

/**
 * Lists what there is of a log up to a version; without one, up to the newest.
 *
 * @param whole lists the whole log, though `_last_checkpoint` says where a shorter part begins.
 * @throws AppError table_not_found, version_not_found.
 */
export async function findLogSegment(
  store: ObjectStore,
  table: string,
  version: number | undefined,
  whole: boolean,
): Promise<LogSegment> {
  const last = await readLastCheckpoint(store, table);
  const hint = whole ? undefined : last?.version;
  const start = hint !== undefined && (version === undefined || hint <= version) ? hint : undefined;
  const quick = start === undefined ? undefined : await list(store, table, start, version);
  // A hint whose checkpoint is gone, or too far on, costs one listing of the whole log.
  const isGood = quick?.checkpoints.some((checkpoint) => checkpoint.version === start) === true;
  const found = isGood && quick !== undefined ? quick : await list(store, table, 0, version);
  const newest = Math.max(found.commits.at(-1)?.to ?? -1, found.checkpoints[0]?.version ?? -1);
  if (newest < 0 && found.beyond === undefined) {
    throw new AppError('table_not_found', `There is no Delta table at ${table}`, { table });
  }
  if (version !== undefined && newest !== version) {
    const newestText = found.beyond === undefined ? `; the newest is ${newest}` : '';
    throw new AppError('version_not_found', `The table ${table} has no version ${version}${newestText}`, {
      table,
      version,
    });
  }
  const { commits, compactions } = found;
  return { version: newest, checkpoints: summed(found.checkpoints, logFolder(table), last), commits, compactions };
}

/** Checkpoints, the one that the hint names with its sum. */
function summed(
  checkpoints: readonly CheckpointFiles[],
  folder: string,
  last: LastCheckpoint | undefined,
): readonly CheckpointFiles[] {
  const { file } = last ?? {};
  if (file === undefined) return checkpoints;
  return checkpoints.map((checkpoint) =>
    checkpoint.keys.length === 1 && checkpoint.keys[0] === folder + file.name
      ? { ...checkpoint, sum: file }
      : checkpoint,
  );
}

/** The commits to read after a checkpoint, or all of them: compactions where they save reading several. */
export function commitsAfter(
  table: string,
  segment: LogSegment,
  checkpoint: CheckpointFiles | undefined,
): CommitFile[] {
  const first = checkpoint === undefined ? 0 : checkpoint.version + 1;
  const byVersion = new Map(segment.commits.map((commit) => [commit.from, commit]));
  const longest = new Map<number, CommitFile>();
  for (const compaction of segment.compactions) {
    if (compaction.to > (longest.get(compaction.from)?.to ?? -1)) longest.set(compaction.from, compaction);
  }
  const chosen: CommitFile[] = [];
  for (let version = first; version <= segment.version; ) {
    const next = longest.get(version) ?? byVersion.get(version);
    if (next === undefined) throw gap(table, version, checkpoint);
    chosen.push(next);
    version = next.to + 1;
  }
  return chosen;
}

function gap(table: string, version: number, checkpoint: CheckpointFiles | undefined): AppError {
  const before =
    checkpoint === undefined
      ? 'and no checkpoint stands for it'
      : `after the checkpoint of version ${checkpoint.version}`;
  return new AppError('table_corrupt', `The log of ${table} lacks the commit ${version}, ${before}`, {
    table,
    version,
  });
}

/** Whether there is a log at all. */
export async function hasLog(store: ObjectStore, table: string): Promise<boolean> {
  for await (const entry of store.listFrom(logFolder(table))) {
    const kind = parseLogName(entry.key.slice(logFolder(table).length))?.kind;
    if (kind === 'commit' || kind === 'checkpoint') return true;
  }
  return false;
}

/** An object of a log and what its name says. */
export interface LogEntry {
  readonly key: string;
  readonly name: LogName;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

/** Lists a log from a version on; names that the protocol does not know are left out. */
export async function* listLog(store: ObjectStore, table: string, from: number): AsyncGenerator<LogEntry> {
  const folder = logFolder(table);
  for await (const { key, sizeBytes, modifiedMs } of store.listFrom(folder, folder + padded(from))) {
    const name = parseLogName(key.slice(folder.length));
    if (name !== undefined) yield { key, name, sizeBytes, modifiedMs };
  }
}

interface Listing extends Omit<LogSegment, 'version'> {
  /** A version beyond the one that was asked for. */
  readonly beyond: number | undefined;
}

async function list(store: ObjectStore, table: string, from: number, to: number | undefined): Promise<Listing> {
  const commits: CommitFile[] = [];
  const compactions: CommitFile[] = [];
  const checkpoints: LogEntry[] = [];
  let beyond: number | undefined;
  for await (const entry of listLog(store, table, from)) {
    const { key, name, modifiedMs } = entry;
    if (to !== undefined && name.version > to) {
      if (name.kind !== 'commit' && name.kind !== 'checkpoint') continue;
      beyond = name.version;
      break;
    }
    if (name.kind === 'commit') commits.push({ key, from: name.version, to: name.version, modifiedMs });
    else if (name.kind === 'checkpoint') checkpoints.push(entry);
    else if (name.kind === 'compaction' && name.to <= (to ?? name.to)) {
      compactions.push({ key, from: name.version, to: name.to, modifiedMs });
    }
  }
  // A compaction may have been listed before the commits that it reaches to.
  const last = commits.at(-1)?.to ?? -1;
  return {
    checkpoints: wholeCheckpoints(checkpoints),
    commits,
    compactions: compactions.filter((compaction) => compaction.to <= Math.max(last, to ?? -1)),
    beyond,
  };
}

/** Checkpoints whose every part is there, the newest first; of one version those of the newest kind first. */
function wholeCheckpoints(entries: readonly LogEntry[]): CheckpointFiles[] {
  const whole: CheckpointFiles[] = [];
  const inParts = new Map<string, LogEntry[]>();
  for (const entry of entries) {
    if (entry.name.kind !== 'checkpoint') continue;
    const { version, form } = entry.name;
    if (form.kind === 'part') {
      const group = `${version}/${form.parts}`;
      inParts.set(group, [...(inParts.get(group) ?? []), entry]);
      continue;
    }
    const format = form.kind === 'uuid' ? form.format : 'parquet';
    whole.push({ version, keys: [entry.key], format });
  }
  for (const [group, parts] of inParts) {
    const [version, count] = group.split('/').map(Number) as [number, number];
    if (parts.length !== count) continue;
    whole.push({ version, keys: parts.map(({ key }) => key).sort(), format: 'parquet' });
  }
  return whole.sort((left, right) => right.version - left.version || left.keys.length - right.keys.length);
}
