import { AppError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { didYouMean } from '../base/nearest-name.ts';
import { tellable } from '../base/tellable.ts';
import type { FeatureSet } from '../features/feature-set.ts';
import type { OnlineStore } from '../features/online-store.ts';

/** A feature set with the store that keeps its state. */
export interface ServedSet {
  readonly set: FeatureSet;
  readonly store: Pick<OnlineStore, 'epoch' | 'readFeatures'>;
}

/** What reads of features are made of. */
export interface FeaturePorts {
  /** The sets that are served; the first is the one that payments are scored with. */
  readonly served: readonly ServedSet[];
  nowMicros(): number;
}

/** A feature that is asked for. */
export interface SelectedFeature {
  readonly served: ServedSet;
  readonly name: string;
  /** Its place in the vector of its set. */
  readonly place: number;
}

/**
 * Finds a set by `name` or `name@version`; the first one where no name is given.
 *
 * @throws AppError `feature_not_found` with the nearest name.
 */
export function findSet(served: readonly ServedSet[], reference: string | undefined): ServedSet {
  const [name, version] = (reference ?? '').split('@');
  const found = served.find(({ set }) => reference === undefined || set.name === name);
  if (found === undefined) {
    const names = served.map(({ set }) => set.name);
    throw new AppError(
      'feature_not_found',
      `no feature set ${tellable(name ?? '')} is served${didYouMean(name ?? '', names)}: GET /v1/features lists them`,
    );
  }
  if (version !== undefined && version !== found.set.version) {
    throw new AppError(
      'feature_not_found',
      `${found.set.name} is served in version ${found.set.version}, not in the one that is asked for`,
      { served: found.set.version },
    );
  }
  return found;
}

/** Refuses more names than one read may have. @throws AppError `invalid_request`. */
export function checkCount(names: readonly string[]): void {
  if (names.length <= LIMITS.readFeatures) return;
  throw new AppError('invalid_request', `features has ${names.length} names: the limit is ${LIMITS.readFeatures}`, {
    field: 'features',
  });
}

/**
 * Finds features of a set by their names.
 *
 * @throws AppError `feature_not_found` with the nearest name; `invalid_request` for a name that comes twice or too many of them.
 */
export function selectFeatures(served: ServedSet, names: readonly string[]): SelectedFeature[] {
  checkCount(names);
  const seen = new Set<string>();
  return names.map((name) => {
    const place = served.set.indexOf(name);
    if (place < 0) {
      throw new AppError(
        'feature_not_found',
        `${served.set.name} has no feature ${tellable(name)}${didYouMean(name, served.set.names)}`,
      );
    }
    if (seen.has(name))
      throw new AppError('invalid_request', `feature ${name} is asked for twice`, { field: 'features' });
    seen.add(name);
    return { served, name, place };
  });
}
