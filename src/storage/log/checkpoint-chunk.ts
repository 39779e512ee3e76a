import type { Data, RecordBatch } from 'apache-arrow';
import { DataType } from 'apache-arrow';
import type { ExactJson, JsonObject } from '../../base/exact-json.ts';
import { type CellReader, cellReader, isValid } from '../types/arrow-cells.ts';
import type { Cell, CellRow } from '../types/cell.ts';
import { actionOf } from './action-json.ts';
import type { AddFile, CheckpointAction, DeletionVectorDescriptor, PartitionValues } from './actions.ts';
import type { FileChunk } from './file-table.ts';
import { parsedStatisticsReader } from './parsed-statistics.ts';

/** The rows of a batch of a checkpoint whose action is a given one. */
export interface ActionRows {
  readonly data: Data;
  /** Rows of the batch. */
  readonly rows: Int32Array;
}

/** The rows of a batch that hold an action: a row an action, in the column of its name. */
export function rowsOfAction(batch: RecordBatch, action: string): ActionRows | undefined {
  const at = batch.schema.fields.findIndex(({ name }) => name === action);
  const data = batch.data.children[at];
  if (data === undefined || !DataType.isStruct(data.type)) return undefined;
  const rows = new Int32Array(batch.numRows);
  let count = 0;
  for (let row = 0; row < batch.numRows; row += 1) {
    if (!isValid(data.nullBitmap, data.offset + row)) continue;
    rows[count] = row;
    count += 1;
  }
  return count === 0 ? undefined : { data, rows: rows.slice(0, count) };
}

/** Actions of a batch as the log's own objects, one by one. @param name how an error names the checkpoint. */
export function* decodeRows(action: string, { data, rows }: ActionRows, name: string): Generator<CheckpointAction> {
  const read = memberReader(data);
  for (const row of rows) {
    const decoded = actionOf({ [action]: jsonOfRow(read(row)) }, name);
    if (decoded !== undefined) yield decoded;
  }
}

/**
 * Adds of a batch where they lie: a path's bytes are hashed in place, and an add is put together
 * when it is asked for. 1 M adds stay 400 MB, most of it statistics, and take 0.4 s to be taken in.
 */
export function addChunk({ data, rows }: ActionRows, name: string): FileChunk {
  const column = (member: string): Data | undefined => childOf(data, member);
  const path = column('path');
  const size = readerOf(column('size'));
  const vector = column('deletionVector');
  const hasVectors = vector !== undefined && vector.nullCount < vector.length;
  const partitions = column('partitionValues');
  const readPath = readerOf(path);
  const readPartitions = readerOf(partitions);
  const readAll = memberReader(data);
  const parsed = column('stats_parsed');
  const readStatistics = parsed === undefined ? undefined : parsedStatisticsReader(parsed);
  const addAt = (row: number): AddFile => {
    const action = actionOf({ add: jsonOfRow(readAll(rows[row] as number)) }, name);
    if (action === undefined || !('add' in action)) throw new Error('assertion failed: the row holds an add');
    if (action.add.stats !== undefined || readStatistics === undefined) return action.add;
    const stats = readStatistics(rows[row] as number);
    return stats === undefined ? action.add : { ...action.add, stats };
  };
  return {
    rows: rows.length,
    add: addAt,
    path: (row) => String(readPath(rows[row] as number) ?? ''),
    sizeBytes: (row) => Number(size(rows[row] as number) ?? 0),
    partitionValues: (row) => textsOf(readPartitions(rows[row] as number)),
    vector: (row) => (hasVectors ? vectorOf(addAt(row)) : undefined),
    samePartition: (row, other) => sameEntries(partitions, rows[row] as number, rows[other] as number),
    pathBytes: (row) => plainBytes(path, rows[row] as number),
  };
}

/** Reads the members of an action, those excepted that repeat others. */
function memberReader(data: Data): (row: number) => CellRow {
  const { children = [] } = data.type as { readonly children?: readonly { readonly name: string }[] };
  const readers = children.flatMap(({ name }, at) => {
    const child = data.children[at];
    return child === undefined || PARSED_MEMBERS.has(name) ? [] : [[name, cellReader(child)] as const];
  });
  return (row) => {
    const members: Record<string, Cell> = {};
    for (const [name, read] of readers) members[name] = read(row);
    return members;
  };
}

function vectorOf({ deletionVector }: AddFile): DeletionVectorDescriptor | undefined {
  return deletionVector;
}

function childOf(data: Data, member: string): Data | undefined {
  const { children = [] } = data.type as { readonly children?: readonly { readonly name: string }[] };
  return data.children[children.findIndex(({ name }) => name === member)];
}

function readerOf(data: Data | undefined): CellReader {
  return data === undefined ? () => null : cellReader(data);
}

const PERCENT = 0x25;
const SLASH = 0x2f;
const COLON = 0x3a;
const DOT = 0x2e;

/** The bytes of a relative path that is written without escapes; undefined for another. */
function plainBytes(
  data: Data | undefined,
  row: number,
): { readonly bytes: Uint8Array; readonly start: number; readonly end: number } | undefined {
  if (data === undefined || !DataType.isUtf8(data.type)) return undefined;
  const bytes = data.values as Uint8Array;
  const start = data.valueOffsets[row] as number;
  const end = data.valueOffsets[row + 1] as number;
  if (start === end || bytes[start] === SLASH || bytes[end - 1] === SLASH) return undefined;
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at];
    if (byte === PERCENT || byte === COLON) return undefined;
    // `a//b` and `a/../b` are looked at as texts, and refused there.
    if (byte === SLASH && (bytes[at + 1] === SLASH || bytes[at + 1] === DOT)) return undefined;
  }
  return bytes[start] === DOT ? undefined : { bytes, start, end };
}

/** Whether two maps of texts have the same bytes. */
function sameEntries(data: Data | undefined, row: number, other: number): boolean {
  if (data === undefined) return true;
  const entries = data.children[0];
  const [keys, values] = entries?.children ?? [];
  if (keys === undefined || values === undefined || values.nullCount > 0) return false;
  if (!DataType.isUtf8(keys.type) || !DataType.isUtf8(values.type) || data.nullCount > 0) return false;
  const offsets = data.valueOffsets as Int32Array;
  const [from, to] = [offsets[row] as number, offsets[row + 1] as number];
  const [otherFrom, otherTo] = [offsets[other] as number, offsets[other + 1] as number];
  if (to - from !== otherTo - otherFrom) return false;
  for (let at = 0; at < to - from; at += 1) {
    if (!sameText(keys, from + at, otherFrom + at) || !sameText(values, from + at, otherFrom + at)) return false;
  }
  return true;
}

function sameText(data: Data, row: number, other: number): boolean {
  const offsets = data.valueOffsets as Int32Array;
  const bytes = data.values as Uint8Array;
  const [from, to] = [offsets[row] as number, offsets[row + 1] as number];
  const otherFrom = offsets[other] as number;
  if (to - from !== (offsets[other + 1] as number) - otherFrom) return false;
  for (let at = 0; at < to - from; at += 1) if (bytes[from + at] !== bytes[otherFrom + at]) return false;
  return true;
}

/** Members of actions that are maps; in a commit's JSON they are objects. */
const MAP_MEMBERS: ReadonlySet<string> = new Set(['partitionValues', 'tags', 'configuration', 'options']);
/** Members that repeat another in columns: they are read from it. */
const PARSED_MEMBERS: ReadonlySet<string> = new Set(['partitionValues_parsed', 'stats_parsed']);

/** A row in the form of a commit's JSON: safe integers as numbers, maps as objects, nulls left out. */
export function jsonOfRow(row: CellRow): JsonObject {
  const json: { [member: string]: ExactJson } = {};
  for (const [name, cell] of Object.entries(row)) {
    if (cell === null) continue;
    // The configuration of a metaData is a map, that of a domain a text.
    json[name] = MAP_MEMBERS.has(name) && typeof cell !== 'string' ? textsOf(cell) : jsonOfCell(cell);
  }
  return json;
}

function textsOf(cell: Cell | undefined): PartitionValues {
  const texts: Record<string, string | null> = {};
  if (!Array.isArray(cell)) return texts;
  for (const [key, value] of cell as readonly (readonly [Cell, Cell])[]) {
    if (typeof key === 'string') texts[key] = typeof value === 'string' ? value : null;
  }
  return texts;
}

function jsonOfCell(cell: Cell): ExactJson {
  if (typeof cell === 'bigint') return Number.isSafeInteger(Number(cell)) ? Number(cell) : cell;
  if (typeof cell !== 'object' || cell === null) return cell;
  if (cell instanceof Uint8Array) return null;
  if (Array.isArray(cell)) return cell.map(jsonOfCell);
  return jsonOfRow(cell as CellRow);
}
