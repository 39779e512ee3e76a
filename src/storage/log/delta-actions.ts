import { AppError } from '../../base/errors.ts';
import { type ExactJson, parseExactJson, stringifyExactJson } from '../../base/exact-json.ts';

/**
 * The actions of a commit (PROTOCOL.md, "Actions"): a commit is lines of JSON, each an object of
 * one member whose name says the action. Members that we do not know are ignored, as the protocol
 * asks; what a table needs beyond them is named by its `protocol` action and refused there.
 */
export type Action =
  | { readonly add: AddFile }
  | { readonly remove: RemoveFile }
  | { readonly metaData: Metadata }
  | { readonly protocol: Protocol }
  | { readonly txn: SetTransaction }
  | { readonly domainMetadata: DomainMetadata }
  | { readonly commitInfo: CommitInfo };

/** Values of partition columns, in their text form; null is null. */
export type PartitionValues = Readonly<Record<string, string | null>>;

/** An integer of the log: a bigint only beyond 2^53. */
export type LogInteger = number | bigint;

/** A data file becomes part of the table. */
export interface AddFile {
  /** A percent-encoded URI, relative to the table's root. */
  readonly path: string;
  readonly partitionValues: PartitionValues;
  readonly size: LogInteger;
  /** Milliseconds since 1970. */
  readonly modificationTime: LogInteger;
  readonly dataChange: boolean;
  /** JSON text; parsed when it is asked for. */
  readonly stats?: string;
  readonly tags?: Readonly<Record<string, string | null>>;
}

/** A data file leaves the table; a tombstone until it is vacuumed. */
export interface RemoveFile {
  readonly path: string;
  readonly deletionTimestamp?: LogInteger;
  readonly dataChange: boolean;
  readonly extendedFileMetadata?: boolean;
  readonly partitionValues?: PartitionValues;
  readonly size?: LogInteger;
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
export type CommitInfo = Readonly<Record<string, ExactJson>>;

/** Limit of one line of a commit: an add with 32 long statistics is 4 KiB; 64 MiB is no honest line. */
const MAX_LINE_BYTES = 64 * 1024 * 1024;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** The bytes of a commit. */
export function encodeCommit(actions: readonly Action[]): Uint8Array {
  return encoder.encode(actions.map((action) => `${stringifyExactJson(action)}\n`).join(''));
}

/**
 * Parses the bytes of a commit.
 *
 * @param name how an error names the commit.
 * @throws AppError table_corrupt.
 */
export function decodeCommit(bytes: Uint8Array, name: string): Action[] {
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch (error) {
    throw new AppError('table_corrupt', `The commit ${name} is not UTF-8`, { commit: name }, error);
  }
  const actions: Action[] = [];
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    if (line.length > MAX_LINE_BYTES) throw corrupt(name, `a line has ${line.length} characters`);
    const action = decodeAction(line, name);
    if (action !== undefined) actions.push(action);
  }
  return actions;
}

function decodeAction(line: string, name: string): Action | undefined {
  let json: ExactJson;
  try {
    json = parseExactJson(line);
  } catch (error) {
    throw corrupt(name, 'a line is not JSON', error);
  }
  if (!isObject(json)) throw corrupt(name, 'a line is no object');
  return actionOf(json, name);
}

/**
 * The action in an object of one member, from a commit's line or a checkpoint's row; undefined for
 * an action that we do not know.
 */
export function actionOf(json: { readonly [key: string]: ExactJson }, name: string): Action | undefined {
  const read = (member: string): Reader | undefined => {
    const value = json[member];
    if (value === undefined || value === null) return undefined;
    if (!isObject(value)) throw corrupt(name, `${member} is no object`);
    return { members: value, name: `${name}, ${member}` };
  };
  const add = read('add');
  if (add !== undefined) return { add: readAdd(add) };
  const remove = read('remove');
  if (remove !== undefined) return { remove: readRemove(remove) };
  const txn = read('txn');
  if (txn !== undefined) return { txn: readTransaction(txn) };
  const metaData = read('metaData');
  if (metaData !== undefined) return { metaData: readMetadata(metaData) };
  const protocol = read('protocol');
  if (protocol !== undefined) return { protocol: readProtocol(protocol) };
  const domain = read('domainMetadata');
  if (domain !== undefined) return { domainMetadata: readDomain(domain) };
  const info = json.commitInfo;
  return info !== undefined && isObject(info) ? { commitInfo: info } : undefined;
}

interface Reader {
  readonly members: { readonly [key: string]: ExactJson };
  readonly name: string;
}

function readAdd(reader: Reader): AddFile {
  if (isObject(reader.members.deletionVector)) {
    throw new AppError('table_unsupported', `${reader.name}: deletion vectors are not supported`);
  }
  const stats = optionalString(reader, 'stats');
  const tags = optionalTexts(reader, 'tags');
  return {
    path: string(reader, 'path'),
    partitionValues: optionalTexts(reader, 'partitionValues') ?? {},
    size: integer(reader, 'size'),
    modificationTime: integer(reader, 'modificationTime'),
    dataChange: boolean(reader, 'dataChange', true),
    ...(stats === undefined ? {} : { stats }),
    ...(tags === undefined ? {} : { tags }),
  };
}

function readRemove(reader: Reader): RemoveFile {
  const deletionTimestamp = optionalInteger(reader, 'deletionTimestamp');
  const partitionValues = optionalTexts(reader, 'partitionValues');
  const size = optionalInteger(reader, 'size');
  return {
    path: string(reader, 'path'),
    dataChange: boolean(reader, 'dataChange', true),
    ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
    ...(partitionValues === undefined ? {} : { extendedFileMetadata: true, partitionValues }),
    ...(size === undefined ? {} : { size }),
  };
}

function readTransaction(reader: Reader): SetTransaction {
  const lastUpdated = optionalInteger(reader, 'lastUpdated');
  return {
    appId: string(reader, 'appId'),
    version: integer(reader, 'version'),
    ...(lastUpdated === undefined ? {} : { lastUpdated }),
  };
}

function readMetadata(reader: Reader): Metadata {
  const format = reader.members.format;
  const provider = isObject(format) && typeof format.provider === 'string' ? format.provider : 'parquet';
  const name = optionalString(reader, 'name');
  const description = optionalString(reader, 'description');
  const createdTime = optionalInteger(reader, 'createdTime');
  const partitionColumns = reader.members.partitionColumns ?? [];
  return {
    id: string(reader, 'id'),
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description }),
    format: { provider, options: {} },
    schemaString: string(reader, 'schemaString'),
    partitionColumns: strings(reader, partitionColumns),
    configuration: definedTexts(optionalTexts(reader, 'configuration') ?? {}),
    ...(createdTime === undefined ? {} : { createdTime }),
  };
}

function readProtocol(reader: Reader): Protocol {
  const features = (member: string): readonly string[] | undefined => {
    const value = reader.members[member];
    return value === undefined || value === null ? undefined : strings(reader, value);
  };
  const readerFeatures = features('readerFeatures');
  const writerFeatures = features('writerFeatures');
  return {
    minReaderVersion: Number(integer(reader, 'minReaderVersion')),
    minWriterVersion: Number(integer(reader, 'minWriterVersion')),
    ...(readerFeatures === undefined ? {} : { readerFeatures }),
    ...(writerFeatures === undefined ? {} : { writerFeatures }),
  };
}

function readDomain(reader: Reader): DomainMetadata {
  return {
    domain: string(reader, 'domain'),
    configuration: string(reader, 'configuration'),
    removed: boolean(reader, 'removed', false),
  };
}

function string(reader: Reader, member: string): string {
  const value = optionalString(reader, member);
  if (value === undefined) throw corrupt(reader.name, `${member} is missing`);
  return value;
}

function optionalString({ members, name }: Reader, member: string): string | undefined {
  const value = members[member];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw corrupt(name, `${member} is no text`);
  return value;
}

function integer(reader: Reader, member: string): LogInteger {
  const value = optionalInteger(reader, member);
  if (value === undefined) throw corrupt(reader.name, `${member} is missing`);
  return value;
}

function optionalInteger({ members, name }: Reader, member: string): LogInteger | undefined {
  const value = members[member];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value))) return value;
  throw corrupt(name, `${member} is no integer`);
}

function boolean({ members, name }: Reader, member: string, absent: boolean): boolean {
  const value = members[member];
  if (value === undefined || value === null) return absent;
  if (typeof value !== 'boolean') throw corrupt(name, `${member} is no boolean`);
  return value;
}

function optionalTexts({ members, name }: Reader, member: string): PartitionValues | undefined {
  const value = members[member];
  if (value === undefined || value === null) return undefined;
  if (!isObject(value)) throw corrupt(name, `${member} is no object`);
  const texts: Record<string, string | null> = {};
  for (const [key, text] of Object.entries(value)) {
    if (text !== null && typeof text !== 'string') throw corrupt(name, `${member}.${key} is no text`);
    texts[key] = text;
  }
  return texts;
}

function definedTexts(texts: PartitionValues): Record<string, string> {
  const defined: Record<string, string> = {};
  for (const [key, value] of Object.entries(texts)) if (value !== null) defined[key] = value;
  return defined;
}

function strings({ name }: Reader, value: ExactJson): string[] {
  if (!Array.isArray(value)) throw corrupt(name, 'a list is missing');
  return value.map((item: ExactJson) => {
    if (typeof item !== 'string') throw corrupt(name, 'a list holds what is no text');
    return item;
  });
}

function isObject(value: ExactJson | undefined): value is { readonly [key: string]: ExactJson } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function corrupt(name: string, what: string, cause?: unknown): AppError {
  return new AppError('table_corrupt', `${name}: ${what}`, {}, cause);
}
