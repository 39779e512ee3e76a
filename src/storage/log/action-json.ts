import { AppError } from '../../base/errors.ts';
import {
  type ExactJson,
  isJsonObject,
  type JsonObject,
  parseExactJson,
  stringifyExactJson,
} from '../../base/exact-json.ts';
import type {
  Action,
  AddCdcFile,
  AddFile,
  CheckpointAction,
  DeletionVectorDescriptor,
  DomainMetadata,
  Metadata,
  Protocol,
  RemoveFile,
  SetTransaction,
  Sidecar,
} from './actions.ts';
import { JsonReader } from './json-reader.ts';

/** Limit of one line of a commit: an add with 32 long statistics is 4 KiB; 64 MiB is no honest line. */
const MAX_LINE_BYTES = 64 * 1024 * 1024;
/** Limit of actions in one file: 20 M adds are a table of petabytes, and 10 GB of memory. */
export const MAX_ACTIONS = 20_000_000;
/** How deep a line may nest: statistics mirror the schema, which nests no deeper either. */
const MAX_DEPTH = 100;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** The bytes of a commit, or of a checkpoint in JSON. */
export function encodeActions(actions: readonly CheckpointAction[]): Uint8Array {
  return encoder.encode(actions.map((action) => `${stringifyExactJson(action)}\n`).join(''));
}

/**
 * Parses the bytes of a commit.
 *
 * @param name how an error names the commit.
 * @throws AppError table_corrupt.
 */
export function decodeCommit(bytes: Uint8Array, name: string): Action[] {
  const actions: Action[] = [];
  for (const action of decodeActions(bytes, name)) {
    if (isCommitAction(action)) actions.push(action);
  }
  return actions;
}

/** Parses lines of actions, one by one: a commit, a compaction, or a checkpoint in JSON. */
export function* decodeActions(bytes: Uint8Array, name: string): Generator<CheckpointAction> {
  let count = 0;
  for (const line of linesOf(bytes, name)) {
    count += 1;
    if (count > MAX_ACTIONS) throw corrupt(name, `it holds more than ${MAX_ACTIONS} actions`);
    const action = actionOf(parseLine(line, name), name);
    if (action !== undefined) yield action;
  }
}

/** Lines that are not blank. */
function* linesOf(bytes: Uint8Array, name: string): Generator<string> {
  let start = 0;
  while (start < bytes.length) {
    const found = bytes.indexOf(0x0a, start);
    const end = found === -1 ? bytes.length : found;
    if (end - start > MAX_LINE_BYTES) throw corrupt(name, `a line has ${end - start} bytes`);
    const line = decodeText(bytes.subarray(start, end), name);
    if (line.trim() !== '') yield line;
    start = end + 1;
  }
}

function decodeText(bytes: Uint8Array, name: string): string {
  try {
    return decoder.decode(bytes);
  } catch (error) {
    throw corrupt(name, 'it is not UTF-8', error);
  }
}

function parseLine(line: string, name: string): JsonObject {
  checkDepth(line, name);
  let json: ExactJson;
  try {
    json = parseExactJson(line);
  } catch (error) {
    throw corrupt(name, 'a line is not JSON', error);
  }
  if (!isJsonObject(json)) throw corrupt(name, 'a line is no object');
  return json;
}

function checkDepth(line: string, name: string): void {
  if (isTooDeep(line)) throw corrupt(name, `a line nests deeper than ${MAX_DEPTH}`);
}

/** Whether a text of JSON nests deeper than anything in a log. One of few brackets cannot, and nearly every line has few. */
export function isTooDeep(line: string): boolean {
  let opened = 0;
  for (let at = line.indexOf('{'); at !== -1 && opened <= MAX_DEPTH; at = line.indexOf('{', at + 1)) opened += 1;
  for (let at = line.indexOf('['); at !== -1 && opened <= MAX_DEPTH; at = line.indexOf('[', at + 1)) opened += 1;
  if (opened <= MAX_DEPTH) return false;
  let depth = 0;
  let isText = false;
  for (let at = 0; at < line.length; at += 1) {
    const code = line.charCodeAt(at);
    if (isText) {
      if (code === 0x5c) at += 1;
      else if (code === 0x22) isText = false;
    } else if (code === 0x22) isText = true;
    else if (code === 0x7b || code === 0x5b) depth += 1;
    else if (code === 0x7d || code === 0x5d) depth -= 1;
    if (depth > MAX_DEPTH) return true;
  }
  return false;
}

function isCommitAction(action: CheckpointAction): action is Action {
  return !('sidecar' in action || 'checkpointMetadata' in action);
}

type Read = (members: JsonObject, name: string) => CheckpointAction;

const READERS: Readonly<Record<string, Read>> = {
  add: (members, name) => ({ add: readAdd(new JsonReader(members, name)) }),
  remove: (members, name) => ({ remove: readRemove(new JsonReader(members, name)) }),
  cdc: (members, name) => ({ cdc: readCdc(new JsonReader(members, name)) }),
  txn: (members, name) => ({ txn: readTransaction(new JsonReader(members, name)) }),
  metaData: (members, name) => ({ metaData: readMetadata(new JsonReader(members, name)) }),
  protocol: (members, name) => ({ protocol: readProtocol(new JsonReader(members, name)) }),
  domainMetadata: (members, name) => ({ domainMetadata: readDomain(new JsonReader(members, name)) }),
  commitInfo: (members) => ({ commitInfo: members }),
  sidecar: (members, name) => ({ sidecar: readSidecar(new JsonReader(members, name)) }),
  checkpointMetadata: (members, name) => {
    const reader = new JsonReader(members, name);
    return { checkpointMetadata: defined({ version: reader.integer('version'), tags: reader.optionalTexts('tags') }) };
  },
};

/**
 * The action in an object of one member, from a commit's line or a checkpoint's row; undefined for
 * an action that we do not know.
 *
 * @throws AppError table_corrupt.
 */
export function actionOf(json: JsonObject, name: string): CheckpointAction | undefined {
  for (const [member, value] of Object.entries(json)) {
    const read = READERS[member];
    if (read === undefined || value === null) continue;
    if (!isJsonObject(value)) throw corrupt(name, `${member} is no object`);
    return read(value, `${name}, ${member}`);
  }
  return undefined;
}

function readAdd(reader: JsonReader): AddFile {
  return defined({
    path: reader.path('path'),
    partitionValues: reader.optionalTexts('partitionValues') ?? {},
    size: reader.integer('size'),
    modificationTime: reader.integer('modificationTime'),
    dataChange: reader.boolean('dataChange', true),
    stats: reader.optionalText('stats'),
    tags: reader.optionalTexts('tags'),
    deletionVector: readDeletionVector(reader),
    baseRowId: reader.optionalInteger('baseRowId'),
    defaultRowCommitVersion: reader.optionalInteger('defaultRowCommitVersion'),
    clusteringProvider: reader.optionalText('clusteringProvider'),
  });
}

function readRemove(reader: JsonReader): RemoveFile {
  const partitionValues = reader.optionalTexts('partitionValues');
  return defined({
    path: reader.path('path'),
    deletionTimestamp: reader.optionalInteger('deletionTimestamp'),
    dataChange: reader.boolean('dataChange', true),
    extendedFileMetadata: partitionValues === undefined ? undefined : true,
    partitionValues,
    size: reader.optionalInteger('size'),
    stats: reader.optionalText('stats'),
    tags: reader.optionalTexts('tags'),
    deletionVector: readDeletionVector(reader),
    baseRowId: reader.optionalInteger('baseRowId'),
    defaultRowCommitVersion: reader.optionalInteger('defaultRowCommitVersion'),
  });
}

function readDeletionVector(reader: JsonReader): DeletionVectorDescriptor | undefined {
  const vector = reader.optionalObject('deletionVector');
  if (vector === undefined) return undefined;
  const storageType = vector.text('storageType');
  if (storageType !== 'u' && storageType !== 'p' && storageType !== 'i') {
    throw vector.corrupt(`storageType is none of u, p and i`);
  }
  return defined({
    storageType,
    pathOrInlineDv: vector.text('pathOrInlineDv'),
    offset: vector.optionalCount('offset'),
    sizeInBytes: vector.count('sizeInBytes'),
    cardinality: vector.count('cardinality'),
  });
}

function readCdc(reader: JsonReader): AddCdcFile {
  return defined({
    path: reader.path('path'),
    partitionValues: reader.optionalTexts('partitionValues') ?? {},
    size: reader.integer('size'),
    dataChange: false,
    tags: reader.optionalTexts('tags'),
  });
}

function readTransaction(reader: JsonReader): SetTransaction {
  return defined({
    appId: reader.text('appId'),
    version: reader.integer('version'),
    lastUpdated: reader.optionalInteger('lastUpdated'),
  });
}

function readMetadata(reader: JsonReader): Metadata {
  const format = reader.optionalObject('format');
  return defined({
    id: reader.text('id'),
    name: reader.optionalText('name'),
    description: reader.optionalText('description'),
    format: {
      provider: format?.optionalText('provider') ?? 'parquet',
      options: definedTexts(format?.optionalTexts('options') ?? {}),
    },
    schemaString: reader.text('schemaString'),
    partitionColumns: reader.optionalList('partitionColumns') ?? [],
    configuration: definedTexts(reader.optionalTexts('configuration') ?? {}),
    createdTime: reader.optionalInteger('createdTime'),
  });
}

function readProtocol(reader: JsonReader): Protocol {
  return defined({
    minReaderVersion: reader.count('minReaderVersion'),
    minWriterVersion: reader.count('minWriterVersion'),
    readerFeatures: reader.optionalList('readerFeatures'),
    writerFeatures: reader.optionalList('writerFeatures'),
  });
}

function readDomain(reader: JsonReader): DomainMetadata {
  return {
    domain: reader.text('domain'),
    configuration: reader.optionalText('configuration') ?? '',
    removed: reader.boolean('removed', false),
  };
}

function readSidecar(reader: JsonReader): Sidecar {
  return defined({
    path: reader.path('path'),
    sizeInBytes: reader.integer('sizeInBytes'),
    modificationTime: reader.integer('modificationTime'),
    tags: reader.optionalTexts('tags'),
  });
}

function definedTexts(texts: Readonly<Record<string, string | null>>): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [key, value] of Object.entries(texts)) if (value !== null) kept[key] = value;
  return kept;
}

/** An object without its undefined members. */
type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

function defined<const T extends object>(members: T): Defined<T> {
  const kept: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(members)) if (value !== undefined) kept[name] = value;
  return kept as Defined<T>;
}

function corrupt(name: string, what: string, cause?: unknown): AppError {
  return new AppError('table_corrupt', `${name}: ${what}`, {}, cause);
}
