import type { ExactJson } from '../../base/exact-json.ts';
import type {
  AddCdcFile,
  AddFile,
  DomainMetadata,
  Metadata,
  Protocol,
  RemoveFile,
  SetTransaction,
} from '../log/actions.ts';
import type { TableLog } from '../log/table-log.ts';
import type { Snapshot } from '../scan/snapshot.ts';

/** What transactions work with. */
export interface TransactionContext {
  readonly log: TableLog;
  /** The snapshot of a version; the newest without it. */
  readonly snapshot: (version?: number) => Promise<Snapshot>;
  readonly nowMs: () => number;
  readonly newUuid: () => string;
  readonly engineInfo: string;
  /** Told of each commit; what it does must not fail. */
  committed?: (version: number, work: Work) => Promise<void>;
  /** A commit of this process whose outcome is not known yet: it is settled before the next one. */
  undecided?: UndecidedCommit | undefined;
}

/** A put that was neither refused nor acknowledged. */
export interface UndecidedCommit {
  readonly version: number;
  readonly txnId: string;
  readonly bytes: Uint8Array;
}

/**
 * How much of what others did meanwhile a commit bears (Delta Spark, "Isolation levels"):
 * `Serializable`: nothing that it would have read; `WriteSerializable`: blind appends too;
 * `SnapshotIsolation`: every append; none of them a file that it took out.
 */
export type IsolationLevel = 'Serializable' | 'WriteSerializable' | 'SnapshotIsolation';

/** What a transaction read, and so what a winner must not have changed. */
export interface Reads {
  /** Whether every file was looked at: then any that came or went is a conflict. */
  readonly wholeTable: boolean;
  /** Tests of a file by the predicates that were read: whether it may hold a row that passes. */
  readonly predicates: readonly ((file: ReadFile) => boolean)[];
  /** Object keys of the files that were read. */
  readonly files: ReadonlySet<string>;
  /** Applications whose txn was read. */
  readonly appIds: ReadonlySet<string>;
}

/** What a predicate is asked of: a file that a winner added. */
export type ReadFile = Pick<AddFile, 'partitionValues' | 'stats' | 'deletionVector'>;

/** A transaction that read nothing. */
export const READ_NOTHING: Reads = { wholeTable: false, predicates: [], files: new Set(), appIds: new Set() };

/** What history calls the first commit of a VACUUM. */
export const VACUUM_START = 'VACUUM START';
/** What history calls its last one. */
export const VACUUM_END = 'VACUUM END';

/** What a transaction wants to be in the log. */
export interface Work {
  /** What history calls it, by Spark's names: `WRITE`, `DELETE`, `MERGE`. */
  readonly operation: string;
  readonly parameters?: Readonly<Record<string, ExactJson>>;
  readonly metrics?: Readonly<Record<string, string>>;
  readonly userMetadata?: string;
  readonly reads: Reads;
  readonly adds?: readonly AddFile[];
  readonly removes?: readonly RemoveFile[];
  readonly cdc?: readonly AddCdcFile[];
  readonly transactions?: readonly SetTransaction[];
  readonly domains?: readonly DomainMetadata[];
  readonly metadata?: Metadata;
  readonly protocol?: Protocol;
  /** Stricter than the table asks for; as the table asks without it. */
  readonly isolation?: IsolationLevel;
  /** Whether its adds name files that had left the table: a VACUUM that begins meanwhile may delete them. */
  readonly revivesFiles?: boolean;
  /** Whether row ids of rewritten rows were kept in materialised columns. */
  readonly keepsRowIds?: boolean;
}

/** The remove of a file: with what the add said, so that readers of changes need not look it up. */
export function removeOf(add: AddFile, nowMs: number, dataChange: boolean): RemoveFile {
  const { path, partitionValues, size, tags, deletionVector, baseRowId, defaultRowCommitVersion } = add;
  return {
    path,
    deletionTimestamp: nowMs,
    dataChange,
    extendedFileMetadata: true,
    partitionValues,
    size,
    ...(tags === undefined ? {} : { tags }),
    ...(deletionVector === undefined ? {} : { deletionVector }),
    ...(baseRowId === undefined ? {} : { baseRowId }),
    ...(defaultRowCommitVersion === undefined ? {} : { defaultRowCommitVersion }),
  };
}
