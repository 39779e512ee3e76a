import type { EmbeddedStore } from '../../../src/features/embedded/embedded-store.ts';
import type { OracleItem } from './oracle.ts';

/** Feeds a store what an oracle remembers, as it was recorded. */
export function feedRecorded(store: EmbeddedStore, items: readonly OracleItem[]): void {
  for (const item of items) {
    const { id: endToEndId } = item;
    if (item.kind === 'label') {
      const { state, time: eventTimeMicros, payee: payeeAccount } = item;
      store.applyRecordedLabel({ endToEndId, state, eventTimeMicros, payeeAccount });
    } else if (item.kind === 'retraction') {
      store.applyRecordedCorrection({ endToEndId, replacement: null });
    } else if (item.replaces === true) {
      store.applyRecordedCorrection({ endToEndId, replacement: item });
    } else {
      store.applyRecorded(item);
    }
  }
}
