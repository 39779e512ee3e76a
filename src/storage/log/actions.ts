import type { JsonObject } from '../../base/exact-json.ts';

/**
 * The actions of a commit (PROTOCOL.md, "Actions"): a commit is lines of JSON, each an object of
 * one member whose name says the action. Members that we do not know are ignored, as the protocol
 * asks; what a table needs beyond them is named by its `protocol` action and refused there.
 */
export type Action =
  | { readonly add: AddFile }
  | { readonly remove: RemoveFile }
  | { readonly cdc: AddCdcFile }
  | { readonly metaData: Metadata }
  | { readonly protocol: Protocol }
  | { readonly txn: SetTransaction }
  | { readonly domainMetadata: DomainMetadata }
  | { readonly commitInfo: CommitInfo };

/** What a checkpoint of the V2 spec holds besides. */
export type CheckpointAction =
  | Action
  | { readonly checkpointMetadata: CheckpointMetadata }
  | { readonly sidecar: Sidecar };

/** Values of partition columns by their physical names, in their text form; null is null. */
export type PartitionValues = Readonly<Record<string, string | null>>;

/** An integer of the log: a bigint only beyond 2^53. */
export type LogInteger = number | bigint;

/** Free texts. */
export type Tags = Readonly<Record<string, string | null>>;

/** What a file is, whether it comes or goes. */
export interface FileIdentity {
  /** A percent-encoded URI: relative to the table's root, or absolute. */
  readonly path: string;
  readonly deletionVector?: DeletionVectorDescriptor;
}

/** Which rows of a file are deleted, and where that is written (PROTOCOL.md, "Deletion Vector Descriptor Schema"). */
export interface DeletionVectorDescriptor {
  /** `u`: a file of the table named by a UUID, `p`: a file by its path, `i`: inline. */
  readonly storageType: 'u' | 'p' | 'i';
  readonly pathOrInlineDv: string;
  /** Byte of the vector's size in its file; absent is 0. */
  readonly offset?: number;
  readonly sizeInBytes: number;
  readonly cardinality: number;
}

/** A data file becomes part of the table. */
export interface AddFile extends FileIdentity {
  readonly partitionValues: PartitionValues;
  readonly size: LogInteger;
  /** Milliseconds since 1970. */
  readonly modificationTime: LogInteger;
  readonly dataChange: boolean;
  /** JSON text; parsed when it is asked for. */
  readonly stats?: string;
  readonly tags?: Tags;
  readonly baseRowId?: LogInteger;
  readonly defaultRowCommitVersion?: LogInteger;
  readonly clusteringProvider?: string;
}

/** A data file leaves the table; a tombstone until it is vacuumed. */
export interface RemoveFile extends FileIdentity {
  readonly deletionTimestamp?: LogInteger;
  readonly dataChange: boolean;
  readonly extendedFileMetadata?: boolean;
  readonly partitionValues?: PartitionValues;
  readonly size?: LogInteger;
  readonly stats?: string;
  readonly tags?: Tags;
  readonly baseRowId?: LogInteger;
  readonly defaultRowCommitVersion?: LogInteger;
}

/** A file of rows that a commit changed, with `_change_type`. */
export interface AddCdcFile {
  readonly path: string;
  readonly partitionValues: PartitionValues;
  readonly size: LogInteger;
  readonly dataChange: false;
  readonly tags?: Tags;
}

/** What a table is. */
export interface Metadata {
  readonly id: string;
  readonly name?: string;
  readonly description?: string;
  readonly format: { readonly provider: string; readonly options: Readonly<Record<string, string>> };
  readonly schemaString: string;
  readonly partitionColumns: readonly string[];
  readonly configuration: Readonly<Record<string, string>>;
  readonly createdTime?: LogInteger;
}

/** What a client must be able to do. */
export interface Protocol {
  readonly minReaderVersion: number;
  readonly minWriterVersion: number;
  readonly readerFeatures?: readonly string[];
  readonly writerFeatures?: readonly string[];
}

/** How far an application has come: its rows up to `version` are in the table. */
export interface SetTransaction {
  readonly appId: string;
  readonly version: LogInteger;
  readonly lastUpdated?: LogInteger;
}

/** A named text that a feature keeps in the log. */
export interface DomainMetadata {
  readonly domain: string;
  readonly configuration: string;
  readonly removed: boolean;
}

/** Where a commit came from. Free in its form. */
export type CommitInfo = JsonObject;

/** Says that a checkpoint is of the V2 spec. */
export interface CheckpointMetadata {
  readonly version: LogInteger;
  readonly tags?: Tags;
}

/** A file of `_delta_log/_sidecars` that holds a V2 checkpoint's file actions. */
export interface Sidecar {
  /** URI-encoded name. */
  readonly path: string;
  readonly sizeInBytes: LogInteger;
  readonly modificationTime: LogInteger;
  readonly tags?: Tags;
}
