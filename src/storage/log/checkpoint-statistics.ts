import { type ExactJson, isJsonObject, type JsonObject, parseExactJson } from '../../base/exact-json.ts';
import type { DeltaType, StructType } from '../types/delta-type.ts';
import { parsePartitionValue } from '../types/partition-values.ts';
import { boundCell } from '../types/statistics.ts';
import type { AddFile } from './actions.ts';
import type { CheckpointStatistics } from './checkpoint-schema.ts';

/** An add as a checkpoint keeps it: dataChange false, its statistics as JSON, in columns, or both. */
export function addInColumns(add: AddFile, { asJson, asStruct, partitions }: CheckpointStatistics): AddFile {
  const kept: Record<string, unknown> = { ...add, dataChange: false };
  if (!asJson) delete kept.stats;
  if (asStruct !== undefined) {
    const json = add.stats === undefined ? undefined : parseExactJson(add.stats);
    kept.stats_parsed = isJsonObject(json) ? parsedStatistics(json, asStruct) : null;
  }
  if (partitions !== undefined) {
    kept.partitionValues_parsed = Object.fromEntries(
      partitions.fields.map(({ name, type }) => [
        name,
        parsePartitionValue(type, add.partitionValues[name] ?? null, name),
      ]),
    );
  }
  return kept as unknown as AddFile;
}

function parsedStatistics(json: JsonObject, schema: StructType): Record<string, unknown> {
  const { numRecords, tightBounds, minValues, maxValues, nullCount } = json;
  return {
    numRecords: numRecords ?? null,
    tightBounds: tightBounds ?? null,
    minValues: bounds(minValues, schema),
    maxValues: bounds(maxValues, schema),
    nullCount: isJsonObject(nullCount) ? nullCount : null,
  };
}

/** Bounds as cells of the columns' types. */
function bounds(json: ExactJson | undefined, { fields }: StructType): Record<string, unknown> | null {
  if (!isJsonObject(json)) return null;
  return Object.fromEntries(fields.map(({ name, type }) => [name, boundOf(json[name], type)]));
}

function boundOf(json: ExactJson | undefined, type: DeltaType): unknown {
  if (json === undefined || json === null) return null;
  if (typeof type === 'object' && type.type === 'struct') return bounds(json, type);
  return boundCell(type, json) ?? null;
}
