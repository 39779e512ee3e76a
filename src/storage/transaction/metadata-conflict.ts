import { isJsonObject, parseExactJson, stringifyExactJson } from '../../base/exact-json.ts';
import type { Metadata } from '../log/actions.ts';

/*
 * A winner that changed the metadata ends a transaction, as its files were written by what the table
 * was before; except for changes that say nothing of files (Delta Spark, ConflictChecker,
 * "checkNoMetadataUpdates").
 */

const isTrue = (value: string): boolean => value.trim().toLowerCase() === 'true';

/** Properties that may get these values while a transaction is under way. */
const HARMLESS_PROPERTIES: Readonly<Record<string, (value: string) => boolean>> = {
  'delta.enableRowTracking': isTrue,
  'delta.rowTracking.materializedRowIdColumnName': () => true,
  'delta.rowTracking.materializedRowCommitVersionColumnName': () => true,
  'delta.enableDeletionVectors': isTrue,
  'delta.checkpointPolicy': (value) => value === 'v2',
  'delta.enableInCommitTimestamps': isTrue,
  'delta.inCommitTimestampEnablementVersion': () => true,
  'delta.inCommitTimestampEnablementTimestamp': () => true,
};

/** Whether a transaction that read the one metadata can follow a winner that wrote the other. */
export function toleratesMetadata(read: Metadata, winner: Metadata): boolean {
  const { configuration: before, schemaString: schemaBefore, ...restBefore } = read;
  const { configuration: after, schemaString: schemaAfter, ...restAfter } = winner;
  if (stringifyExactJson(restBefore) !== stringifyExactJson(restAfter)) return false;
  if (withoutHighWaterMarks(schemaBefore) !== withoutHighWaterMarks(schemaAfter)) return false;
  if (Object.keys(before).some((key) => after[key] === undefined)) return false;
  return Object.entries(after).every(
    ([key, value]) => before[key] === value || HARMLESS_PROPERTIES[key]?.(value) === true,
  );
}

/** A schema's text without how far its identity columns have come. */
function withoutHighWaterMarks(schemaString: string): string {
  if (!schemaString.includes('delta.identity.highWaterMark')) return schemaString;
  const json = parseExactJson(schemaString);
  if (!isJsonObject(json) || !Array.isArray(json.fields)) return schemaString;
  const fields = json.fields.map((item) => {
    if (!isJsonObject(item) || !isJsonObject(item.metadata)) return item;
    const { 'delta.identity.highWaterMark': _, ...metadata } = item.metadata;
    return { ...item, metadata };
  });
  return stringifyExactJson({ ...json, fields });
}
