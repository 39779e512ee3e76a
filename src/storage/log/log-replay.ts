import { AppError } from '../../base/errors.ts';
import type {
  Action,
  AddFile,
  DomainMetadata,
  LogInteger,
  Metadata,
  Protocol,
  RemoveFile,
  SetTransaction,
} from './delta-actions.ts';
import { keyOfActionPath } from './delta-path.ts';

/**
 * A table's state at a version (PROTOCOL.md, "Action Reconciliation"): the newest protocol and
 * metaData, the newest txn of each application, and of each file the newest add or remove.
 */
export interface LogState {
  readonly version: number;
  readonly protocol: Protocol;
  readonly metadata: Metadata;
  /** By object key, in the order in which they were added. */
  readonly files: ReadonlyMap<string, AddFile>;
  readonly tombstones: ReadonlyMap<string, RemoveFile>;
  readonly transactions: ReadonlyMap<string, SetTransaction>;
  readonly domains: ReadonlyMap<string, DomainMetadata>;
}

/** Applies commits in their order. */
export interface LogReplay {
  apply(action: Action): void;
  /** @throws AppError table_corrupt where no commit held a protocol and a metaData. */
  stateAt(version: number): LogState;
}

/**
 * Starts a replay for a table.
 *
 * @param from the state to go on from; it is copied, so that it stays as it is.
 */
export function logReplay(table: string, from?: LogState): LogReplay {
  let { protocol, metadata } = from ?? {};
  const files = new Map(from?.files);
  const tombstones = new Map(from?.tombstones);
  const transactions = new Map(from?.transactions);
  const domains = new Map(from?.domains);
  return {
    apply(action) {
      if ('add' in action) {
        const key = keyOfActionPath(table, action.add.path);
        tombstones.delete(key);
        files.set(key, action.add);
      } else if ('remove' in action) {
        const key = keyOfActionPath(table, action.remove.path);
        files.delete(key);
        tombstones.set(key, action.remove);
      } else if ('txn' in action) {
        transactions.set(action.txn.appId, action.txn);
      } else if ('metaData' in action) {
        metadata = action.metaData;
      } else if ('protocol' in action) {
        protocol = action.protocol;
      } else if ('domainMetadata' in action) {
        const { domain, removed } = action.domainMetadata;
        if (removed) domains.delete(domain);
        else domains.set(domain, action.domainMetadata);
      }
    },
    stateAt(version) {
      if (protocol === undefined || metadata === undefined) {
        throw new AppError('table_corrupt', `The log of ${table} holds no protocol or no metaData`, { table });
      }
      return { version, protocol, metadata, files, tombstones, transactions, domains };
    },
  };
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
