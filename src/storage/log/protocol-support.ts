import { AppError } from '../../base/errors.ts';
import type { Metadata, Protocol } from './delta-actions.ts';

/** The protocol of the tables that we create: no table features. */
export const OUR_PROTOCOL: Protocol = { minReaderVersion: 1, minWriterVersion: 2 };

/** Features that ask nothing of a reader beyond what it does anyway. */
const READABLE_FEATURES: readonly string[] = ['vacuumProtocolCheck'];
/** Features that ask of a writer nothing but what our appends and partition replacements do. */
const WRITABLE_FEATURES: readonly string[] = ['appendOnly', 'vacuumProtocolCheck'];

/**
 * Refuses a table that we cannot read rightly.
 *
 * @throws AppError table_unsupported, naming the feature.
 */
export function checkReadable(table: string, protocol: Protocol, metadata: Metadata): void {
  const { minReaderVersion, readerFeatures = [] } = protocol;
  if (minReaderVersion > 3) {
    throw refused(table, 'reading', `reader version ${minReaderVersion}`);
  }
  if (minReaderVersion === 3) {
    const unknown = readerFeatures.find((feature) => !READABLE_FEATURES.includes(feature));
    if (unknown !== undefined) throw refused(table, 'reading', `the feature ${unknown}`);
  }
  const mapping = metadata.configuration['delta.columnMapping.mode'] ?? 'none';
  if (minReaderVersion >= 2 && mapping !== 'none') throw refused(table, 'reading', 'the feature columnMapping');
  if (metadata.format.provider !== 'parquet') throw refused(table, 'reading', `the format ${metadata.format.provider}`);
}

/**
 * Refuses a table that we cannot write rightly.
 *
 * @throws AppError table_unsupported, naming the feature.
 */
export function checkWritable(table: string, protocol: Protocol, metadata: Metadata): void {
  checkReadable(table, protocol, metadata);
  const { minWriterVersion, writerFeatures = [] } = protocol;
  if (minWriterVersion === 7) {
    const unknown = writerFeatures.find((feature) => !WRITABLE_FEATURES.includes(feature));
    if (unknown !== undefined) throw refused(table, 'writing', `the feature ${unknown}`);
  } else if (minWriterVersion > 2) {
    throw refused(table, 'writing', `writer version ${minWriterVersion}`);
  }
  if (metadata.schemaString.includes('"delta.invariants"')) throw refused(table, 'writing', 'the feature invariants');
}

/** Whether a table forbids taking rows out. */
export function isAppendOnly({ configuration }: Metadata): boolean {
  return configuration['delta.appendOnly'] === 'true';
}

function refused(table: string, what: string, feature: string): AppError {
  return new AppError('table_unsupported', `The table ${table} needs ${feature}, which is not supported for ${what}`, {
    table,
    feature,
  });
}
