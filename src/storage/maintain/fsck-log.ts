import { AppError, messageOf } from '../../base/errors.ts';
import type { Action } from '../log/actions.ts';
import { readCheckpoint } from '../log/checkpoint-read.ts';
import { checksumKey, commitKey, tablePrefix } from '../log/log-names.ts';
import { type CheckpointFiles, findLogSegment, type LogSegment } from '../log/log-segment.ts';
import type { TableLog } from '../log/table-log.ts';
import { StateReplay, type TableState } from '../log/table-state.ts';
import { verifyChecksum } from '../log/version-checksum.ts';
import type { FsckFinding } from './fsck-finding.ts';
import { liveRows } from './live-files.ts';
import { isSame } from './same-action.ts';

/**
 * Replays the whole log, commit by commit from where it begins, and holds every version against its checksum
 * and every checkpoint against what was replayed. Where a commit is missing or broken, the replay goes on from
 * the next checkpoint that can be read.
 *
 * @returns what is wrong, in the order of versions.
 */
export async function checkLog(log: TableLog): Promise<FsckFinding[]> {
  const segment = await findLogSegment(log.store, log.table, undefined, true);
  const audit = new LogAudit(log, segment);
  const first = Math.min(segment.commits[0]?.from ?? segment.version, segment.checkpoints.at(-1)?.version ?? 0);
  for (let version = Math.max(0, first); version <= segment.version; version += 1) await audit.step(version);
  return audit.findings;
}

class LogAudit {
  readonly findings: FsckFinding[] = [];
  readonly #log: TableLog;
  readonly #checkpoints = new Map<number, CheckpointFiles[]>();
  readonly #firstCommit: number;
  /** What the commits say so far; undefined before the first checkpoint, and after a gap. */
  #replay: StateReplay | undefined;

  constructor(log: TableLog, { checkpoints, commits }: LogSegment) {
    this.#log = log;
    this.#firstCommit = commits[0]?.from ?? Number.POSITIVE_INFINITY;
    for (const checkpoint of checkpoints) {
      const { version } = checkpoint;
      this.#checkpoints.set(version, [...(this.#checkpoints.get(version) ?? []), checkpoint]);
    }
    if (this.#firstCommit === 0) this.#replay = this.#fresh();
  }

  async step(version: number): Promise<void> {
    const actions = await this.#commit(version);
    if (actions === undefined) this.#replay = undefined;
    else this.#replay?.apply(actions, version);
    for (const checkpoint of this.#checkpoints.get(version) ?? []) await this.#checkpoint(checkpoint);
    const state = this.#stateAt(version);
    if (state !== undefined) await this.#checksum(state);
  }

  async #commit(version: number): Promise<Action[] | undefined> {
    const { table } = this.#log;
    const key = commitKey(table, version);
    try {
      const actions = await this.#log.commit(version);
      // What a clean-up took lies before all that is there.
      if (actions === undefined && version > this.#firstCommit) {
        this.#tell('missing_commit', key, `there are later versions of ${table} than ${version}`);
      }
      return actions;
    } catch (error) {
      if (!isCorrupt(error)) throw error;
      this.#tell('broken_commit', key, messageOf(error));
      return undefined;
    }
  }

  async #checkpoint(checkpoint: CheckpointFiles): Promise<void> {
    const { store, table } = this.#log;
    const [key = ''] = checkpoint.keys;
    const replay = this.#fresh();
    try {
      await readCheckpoint(store, table, checkpoint, replay);
      const found = replay.stateAt(checkpoint.version);
      const expected = this.#stateAt(checkpoint.version);
      if (expected === undefined) this.#replay = replay;
      else for (const detail of differences(expected, found)) this.#tell('differing_checkpoint', key, detail);
    } catch (error) {
      if (!isCorrupt(error)) throw error;
      this.#tell('broken_checkpoint', key, messageOf(error));
    }
  }

  async #checksum(state: TableState): Promise<void> {
    const { store, table } = this.#log;
    for (const { member, written, computed } of (await verifyChecksum(store, table, state)) ?? []) {
      this.#tell('wrong_checksum', checksumKey(table, state.version), `${member} is ${computed}, written ${written}`);
    }
  }

  #stateAt(version: number): TableState | undefined {
    return this.#replay?.stateAt(version);
  }

  #fresh(): StateReplay {
    const { table, keyOf } = this.#log;
    return new StateReplay(table, { keyOf, prefix: tablePrefix(table) });
  }

  #tell(kind: FsckFinding['kind'], key: string, detail: string): void {
    this.findings.push({ kind, key, detail });
  }
}

function isCorrupt(error: unknown): boolean {
  return error instanceof AppError && error.code === 'table_corrupt';
}

/**
 * In what a checkpoint differs from the replay of the commits. Removes may lack that have expired by now, and so
 * may transactions.
 */
function* differences(expected: TableState, found: TableState): Generator<string> {
  if (!isSame(expected.protocol, found.protocol)) yield 'its protocol is another than that of the commits';
  if (!isSame(expected.metadata, found.metadata)) yield 'its metaData is another than that of the commits';
  if (expected.fileCount !== found.fileCount) {
    yield `it has ${found.fileCount} files, and the commits ${expected.fileCount}`;
  }
  const strange = firstUnknown(expected, found);
  if (strange !== undefined) yield `the file ${strange} of it is not live by the commits, or of another size`;
  for (const [appId, { version }] of found.transactions) {
    const known = expected.transactions.get(appId)?.version;
    if (known === undefined || BigInt(known) !== BigInt(version)) {
      yield `its txn of ${appId} is ${version}, and that of the commits ${known ?? 'none'}`;
    }
  }
  for (const domain of new Set([...expected.domains.keys(), ...found.domains.keys()])) {
    if (expected.domains.get(domain)?.configuration !== found.domains.get(domain)?.configuration) {
      yield `its domain ${domain} is another than that of the commits`;
    }
  }
}

/** The key of a file of the one state that is not in the other as it is. */
function firstUnknown(expected: TableState, found: TableState): string | undefined {
  for (const row of liveRows(found)) {
    const key = found.files.keyOfRow(row);
    const other = expected.files.find(key, found.files.addOf(row).deletionVector);
    if (other < 0 || expected.files.sizeOf(other) !== found.files.sizeOf(row)) return key;
  }
  return undefined;
}
