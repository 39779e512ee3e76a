import { AppError } from '../base/errors.ts';
import { microsOfInstant } from '../domain/instant.ts';
import type { FeatureSet } from '../features/feature-set.ts';
import { MANIFEST_FILE } from './export-format.ts';
import type { ExportOptions } from './export-options.ts';
import type { ExportManifest } from './manifest.ts';
import type { UserRows } from './user-rows.ts';

/**
 * The options that a manifest's export was made with.
 *
 * @param set the feature set of its name, as this program defines it.
 * @param rows those of the user's own file, where it is made of one.
 * @throws AppError `invalid_file` where it names an instant that is none.
 */
export function manifestOptions(manifest: ExportManifest, set: FeatureSet, rows: UserRows | null): ExportOptions {
  const { labels, tables, featureType, where, sample, status, ids, eventKeys, fileFormat } = manifest;
  return {
    set,
    labelsAsOfMicros: microsOf(labels.asOf),
    horizonMicros: labels.horizonMicros,
    maturityMicros: labels.maturityMicros,
    withoutUnobserved: manifest.unobservedRows !== null,
    weighsControl: manifest.weighed !== undefined,
    countedStates: labels.counted,
    doubles: featureType === 'double',
    versions: tables,
    format: fileFormat,
    eventKeys,
    ...(manifest.to === null ? {} : { toMicros: microsOf(manifest.to) }),
    fromDecisions: manifest.served !== null,
    ...(rows === null ? {} : { rows }),
    leakage: manifest.leakage === null ? 'off' : 'warn',
    ...(status === null ? {} : { status }),
    ...(ids === null ? {} : { ids: { columns: ids.columns, form: ids.form } }),
    ...(where === null ? {} : { where }),
    ...(sample === null ? {} : { sample: { keep: sample.keep, seed: sample.seed } }),
    ...splitOptions(manifest),
  };
}

function splitOptions({ split, group }: ExportManifest): Pick<ExportOptions, 'split' | 'withEmbargo' | 'group'> {
  return {
    ...(split === null
      ? {}
      : { split: { aMicros: microsOf(split.a), bMicros: microsOf(split.b) }, withEmbargo: split.withEmbargo }),
    ...(group === null
      ? {}
      : {
          group: {
            entity: group.entity,
            buckets: [group.train, group.validation, group.test],
            seed: group.seed,
          },
        }),
  };
}

/** Microseconds of an instant of a manifest. @throws AppError `invalid_file`. */
export function microsOf(text: string): number {
  const micros = microsOfInstant(text.length === 10 ? `${text}T00:00:00Z` : text);
  if (micros === undefined || Number.isNaN(micros))
    throw new AppError('invalid_file', `${MANIFEST_FILE} names an instant that is none: ${text}`);
  return micros;
}
