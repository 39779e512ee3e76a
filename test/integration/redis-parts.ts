import { EmbeddedStore } from '../../src/features/embedded/embedded-store.ts';
import type { FeatureSet } from '../../src/features/feature-set.ts';
import { type RebuildParts, rebuildEpoch, setKeysAt } from '../../src/features/redis/redis-epoch.ts';
import type { EpochBuild, RedisStoreHooks } from '../../src/features/redis/redis-online-store.ts';

/** Hooks of an owner who does nothing. */
export const NO_HOOKS: RedisStoreHooks = {
  onNumbersLearned: () => {},
  onLabelLearned: () => {},
  onCorrectionSettled: () => {},
  onStateLost: () => {},
  onUnreachable: () => {},
  onUnfit: () => {},
  onEpochOpened: () => {},
};

/** What a base is made of that holds a state, or nothing. */
export function baseOf(state: EmbeddedStore): Awaited<ReturnType<RebuildParts['build']>> {
  return { state, base: { reason: 'test', silverVersion: null, offsets: {} } };
}

/** The parts of an epoch that holds nothing. */
export function emptyParts(set: FeatureSet): Omit<RebuildParts, 'settle'> {
  return {
    leastEpoch: async () => 1,
    build: async () => baseOf(new EmbeddedStore(set)),
    publish: async () => {},
    onOvertaken: () => {},
    onOpened: () => {},
    onFreed: () => {},
  };
}

/** Builds an epoch of some parts, on this thread; one that holds nothing unless told. */
export function epochOf(url: string, set: FeatureSet, parts = emptyParts(set)): EpochBuild {
  return ({ knownEpoch, settle }) =>
    rebuildEpoch(url, set, setKeysAt(url, set), {
      ...parts,
      settle,
      leastEpoch: async () => Math.max(await parts.leastEpoch(), knownEpoch + 1),
    });
}
