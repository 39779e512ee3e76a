import { EmbeddedStore } from '../../src/features/embedded/embedded-store.ts';
import type { FeatureSet } from '../../src/features/feature-set.ts';
import type { RebuildParts } from '../../src/features/redis/redis-epoch.ts';
import type { RedisStoreHooks } from '../../src/features/redis/redis-online-store.ts';

/** Hooks of an owner who does nothing. */
export const NO_HOOKS: RedisStoreHooks = {
  onNumbersLearned: () => {},
  onLabelLearned: () => {},
  onCorrectionSettled: () => {},
  onStateLost: () => {},
  onUnreachable: () => {},
  onEpochOpened: () => {},
};

/** What a base is made of that holds a state, or nothing. */
export function baseOf(state: EmbeddedStore): Awaited<ReturnType<RebuildParts['build']>> {
  return { state, base: { reason: 'test', silverVersion: null, offsets: {} } };
}

/** The parts of an epoch that holds nothing. */
export function emptyEpoch(set: FeatureSet): Omit<RebuildParts, 'settle'> {
  return {
    leastEpoch: async () => 1,
    build: async () => baseOf(new EmbeddedStore(set)),
    publish: async () => {},
    onOvertaken: () => {},
  };
}
