import { AppError } from '../../base/errors.ts';
import type {
  Action,
  AddFile,
  CommitInfo,
  DomainMetadata,
  LogInteger,
  Metadata,
  Protocol,
  RemoveFile,
  SetTransaction,
} from './actions.ts';
import { type FileKeys, FileTable, vectorId } from './file-table.ts';

/**
 * A table's state at a version (PROTOCOL.md, "Action Reconciliation"): the newest protocol and
 * metaData, the newest txn of each application, and of each file the newest add or remove. It never
 * changes; later versions share its columns.
 */
export interface TableState {
  readonly version: number;
  readonly protocol: Protocol;
  readonly metadata: Metadata;
  /** All rows of files; those below `fileRows` that are live at the version are the table's. */
  readonly files: FileTable;
  readonly fileRows: number;
  readonly fileCount: number;
  readonly sizeBytes: number;
  readonly transactions: ReadonlyMap<string, SetTransaction>;
  readonly domains: ReadonlyMap<string, DomainMetadata>;
  /** What the commit of the version says of itself; undefined where only a checkpoint was read. */
  readonly commitInfo: CommitInfo | undefined;
  /** Files that left the table and may still be there. */
  tombstones(): Iterable<RemoveFile>;
}

/** Removes of a checkpoint, decoded when they are asked for. */
export type LazyRemoves = () => Iterable<RemoveFile>;

/** Builds states, version by version, over one table of files. */
export class StateReplay {
  readonly #table: string;
  readonly #keys: FileKeys;
  readonly #files: FileTable;
  #protocol: Protocol | undefined;
  #metadata: Metadata | undefined;
  #transactions = new Map<string, SetTransaction>();
  #domains = new Map<string, DomainMetadata>();
  #commitInfo: CommitInfo | undefined;
  #fileCount = 0;
  #sizeBytes = 0;
  readonly #lazyRemoves: LazyRemoves[] = [];
  /** Removes of commits, and the adds that took a file back, by file: the version says since when. */
  readonly #removes = new Map<string, { readonly version: number; readonly remove: RemoveFile | undefined }[]>();

  constructor(table: string, keys: FileKeys) {
    this.#table = table;
    this.#keys = keys;
    this.#files = new FileTable(keys);
  }

  /** Takes the rows of a checkpoint's adds. */
  addFiles(chunk: Parameters<FileTable['addChunk']>[0]): void {
    this.#files.addChunk(chunk);
    this.#fileCount += chunk.rows;
    for (let row = 0; row < chunk.rows; row += 1) this.#sizeBytes += chunk.sizeBytes(row);
  }

  /** Takes the removes of a checkpoint. */
  addRemoves(removes: LazyRemoves): void {
    this.#lazyRemoves.push(removes);
  }

  /** Applies the actions of a commit, or those of a checkpoint that are no files. */
  apply(actions: Iterable<Action>, version: number): void {
    this.#commitInfo = undefined;
    let copied = false;
    for (const action of actions) {
      if (!copied && ('txn' in action || 'domainMetadata' in action)) {
        // States of earlier versions keep theirs.
        this.#transactions = new Map(this.#transactions);
        this.#domains = new Map(this.#domains);
        copied = true;
      }
      this.#applyOne(action, version);
    }
  }

  /**
   * The state at the version that was applied last.
   *
   * @throws AppError table_corrupt where no commit held a protocol and a metaData.
   */
  stateAt(version: number): TableState {
    if (this.#protocol === undefined || this.#metadata === undefined) {
      const table = this.#table;
      throw new AppError('table_corrupt', `The log of ${table} holds no protocol or no metaData`, { table });
    }
    return {
      version,
      protocol: this.#protocol,
      metadata: this.#metadata,
      files: this.#files,
      fileRows: this.#files.rows,
      fileCount: this.#fileCount,
      sizeBytes: this.#sizeBytes,
      transactions: this.#transactions,
      domains: this.#domains,
      commitInfo: this.#commitInfo,
      tombstones: () => this.#tombstonesAt(version),
    };
  }

  #applyOne(action: Action, version: number): void {
    if ('add' in action) this.#add(action.add, version);
    else if ('remove' in action) this.#remove(action.remove, version);
    else if ('txn' in action) this.#transactions.set(action.txn.appId, action.txn);
    else if ('metaData' in action) this.#metadata = action.metaData;
    else if ('protocol' in action) this.#protocol = action.protocol;
    else if ('commitInfo' in action) this.#commitInfo = action.commitInfo;
    else if ('domainMetadata' in action) {
      const { domain, removed } = action.domainMetadata;
      if (removed) this.#domains.delete(domain);
      else this.#domains.set(domain, action.domainMetadata);
    }
  }

  #add(add: AddFile, version: number): void {
    const replaced = this.#files.add(add, version);
    if (replaced >= 0) this.#forget(replaced);
    this.#fileCount += 1;
    this.#sizeBytes += Number(add.size);
    const name = this.#nameOf(add);
    if (this.#removes.has(name) || this.#lazyRemoves.length > 0) this.#note(name, { version, remove: undefined });
  }

  #remove(remove: RemoveFile, version: number): void {
    const row = this.#files.remove(remove, version);
    if (row >= 0) this.#forget(row);
    this.#note(this.#nameOf(remove), { version, remove });
  }

  #forget(row: number): void {
    this.#fileCount -= 1;
    this.#sizeBytes -= this.#files.sizeOf(row);
  }

  #note(name: string, entry: { readonly version: number; readonly remove: RemoveFile | undefined }): void {
    const known = this.#removes.get(name);
    if (known === undefined) this.#removes.set(name, [entry]);
    else known.push(entry);
  }

  #nameOf({ path, deletionVector }: Pick<RemoveFile, 'path' | 'deletionVector'>): string {
    return `${this.#keys.keyOf(path)}\n${vectorId(deletionVector)}`;
  }

  *#tombstonesAt(version: number): Generator<RemoveFile> {
    for (const removes of this.#lazyRemoves) {
      for (const remove of removes()) {
        const since = this.#removes.get(this.#nameOf(remove))?.some((entry) => entry.version <= version);
        if (since !== true) yield remove;
      }
    }
    for (const entries of this.#removes.values()) {
      const newest = entries.findLast((entry) => entry.version <= version);
      if (newest?.remove !== undefined) yield newest.remove;
    }
  }
}

/**
 * An integer of the log as a number.
 *
 * @throws AppError table_corrupt beyond 2^53.
 */
export function safeNumber(value: LogInteger, what: string): number {
  if (typeof value === 'bigint') throw new AppError('table_corrupt', `${what} is ${value}, beyond 2^53`);
  return value;
}
