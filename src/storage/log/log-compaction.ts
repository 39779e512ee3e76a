import { assert } from '../../base/assert.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { encodeActions } from './action-json.ts';
import type { Action, AddFile, DomainMetadata, Metadata, Protocol, RemoveFile, SetTransaction } from './actions.ts';
import { vectorId } from './file-table.ts';
import { compactionKey } from './log-names.ts';
import type { TableLog } from './table-log.ts';

/**
 * Writes the commits from one version to another in one file (PROTOCOL.md, "Log Compaction Files"):
 * of each file, application and domain the newest action; domains that were removed stay, as
 * removed; no commitInfo and no cdc.
 *
 * @returns false where a commit of the range is not there.
 */
export async function writeCompaction(log: TableLog, from: number, to: number): Promise<boolean> {
  assert(to > from, 'a compaction holds several commits');
  const merged = new MergedActions(log.keyOf);
  for (let version = from; version <= to; version += 1) {
    const actions = await log.commit(version);
    if (actions === undefined) return false;
    for (const action of actions) merged.take(action);
  }
  await put(log.store, log.table, from, to, merged.actions());
  return true;
}

async function put(
  store: ObjectStore,
  table: string,
  from: number,
  to: number,
  actions: readonly Action[],
): Promise<void> {
  await store.putIfAbsent(compactionKey(table, from, to), encodeActions(actions));
}

class MergedActions {
  readonly #keyOf: (path: string) => string;
  #protocol: Protocol | undefined;
  #metadata: Metadata | undefined;
  readonly #transactions = new Map<string, SetTransaction>();
  readonly #domains = new Map<string, DomainMetadata>();
  readonly #files = new Map<string, { readonly add: AddFile } | { readonly remove: RemoveFile }>();

  constructor(keyOf: (path: string) => string) {
    this.#keyOf = keyOf;
  }

  take(action: Action): void {
    if ('add' in action) this.#file(action.add, action);
    else if ('remove' in action) this.#file(action.remove, action);
    else if ('txn' in action) this.#transactions.set(action.txn.appId, action.txn);
    else if ('domainMetadata' in action) this.#domains.set(action.domainMetadata.domain, action.domainMetadata);
    else if ('metaData' in action) this.#metadata = action.metaData;
    else if ('protocol' in action) this.#protocol = action.protocol;
  }

  actions(): Action[] {
    return [
      ...(this.#protocol === undefined ? [] : [{ protocol: this.#protocol }]),
      ...(this.#metadata === undefined ? [] : [{ metaData: this.#metadata }]),
      ...[...this.#transactions.values()].map((txn) => ({ txn })),
      ...[...this.#domains.values()].map((domainMetadata) => ({ domainMetadata })),
      ...this.#files.values(),
    ];
  }

  #file(file: AddFile | RemoveFile, action: { readonly add: AddFile } | { readonly remove: RemoveFile }): void {
    const name = `${this.#keyOf(file.path)}\n${vectorId(file.deletionVector)}`;
    // The newest comes last, as it does in the commits.
    this.#files.delete(name);
    this.#files.set(name, action);
  }
}
