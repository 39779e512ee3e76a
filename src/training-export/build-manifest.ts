import type { ExportColumn } from './export-columns.ts';
import { exportCommand } from './export-command.ts';
import { EXPORT_FORMAT } from './export-format.ts';
import { type ExportOptions, labelPolicyOf } from './export-options.ts';
import { GROUP_RULE } from './group-split.ts';
import { type ExportManifest, instantText, LABEL_RULE } from './manifest.ts';
import { SAMPLE_RULE } from './negative-sampling.ts';
import { WEIGH_RULE } from './observed-outcome.ts';
import type { SilverSource } from './silver-source.ts';

/** What making the rows told. */
export type WrittenRows = Pick<
  ExportManifest,
  | 'files'
  | 'rows'
  | 'embargoRows'
  | 'crossedRows'
  | 'unobservedRows'
  | 'sampledOutRows'
  | 'knownAssumedRows'
  | 'unknownPaymentRows'
  | 'served'
  | 'leakage'
  | 'histograms'
>;

/** What an export was made of. */
export interface ManifestFacts {
  readonly versions: SilverSource['versions'];
  readonly options: ExportOptions;
  readonly columns: readonly ExportColumn[];
  /** Names the key of pseudonyms; null where there are none. */
  readonly keyId: string | null;
}

/** The manifest of an export: what it is made of, and what came out. */
export function buildManifest(
  { versions, options, columns, keyId }: ManifestFacts,
  written: WrittenRows,
): ExportManifest {
  const { set, doubles = false, where = null, ids, eventKeys = false, rows: own } = options;
  const { horizonMicros, maturityMicros, asOfMicros, counted } = labelPolicyOf(options);
  const { files, rows, served, leakage, histograms, ...counts } = written;
  return {
    format: EXPORT_FORMAT,
    command: exportCommand(options, versions),
    tables: versions,
    featureSet: { name: set.name, version: set.version, sha256: set.hash, definition: set.definition },
    labels: { asOf: instantText(asOfMicros), horizonMicros, maturityMicros, counted, rule: LABEL_RULE },
    ...splitsOf(options),
    where,
    to: options.toMicros === undefined ? null : instantText(options.toMicros),
    ...(options.weighsControl === true ? { weighed: { rule: WEIGH_RULE } } : {}),
    sample: options.sample === undefined ? null : { ...options.sample, rule: SAMPLE_RULE },
    fileFormat: options.format ?? 'parquet',
    status: options.status ?? null,
    ids: ids === undefined ? null : { columns: ids.columns, form: ids.form, keyId },
    eventKeys,
    order: ['event_time', 'known_time', ...(own === undefined ? ['end_to_end_id', 'side'] : ['row'])],
    columns,
    features: set.names,
    featureType: doubles ? 'double' : 'float',
    rows,
    reconstructed: own !== undefined,
    rowsFile:
      own === undefined
        ? null
        : { sha256: own.sha256, format: own.format, columns: own.mapping.columns, ignored: own.ignored },
    ...counts,
    served,
    files,
    leakage,
    histograms,
    extensions: [],
  };
}

function splitsOf({ split, withEmbargo = false, group }: ExportOptions): Pick<ExportManifest, 'split' | 'group'> {
  const [train, validation, test] = group?.buckets ?? [0, 0, 0];
  return {
    split:
      split === undefined
        ? null
        : { kind: 'time', a: instantText(split.aMicros), b: instantText(split.bMicros), withEmbargo },
    group:
      group === undefined
        ? null
        : { entity: group.entity, train, validation, test, seed: group.seed, rule: GROUP_RULE },
  };
}
