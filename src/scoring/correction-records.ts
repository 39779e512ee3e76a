import type { CorrectionRecord } from '../events/journal-record.ts';
import type { CorrectionObservation } from '../features/online-store.ts';

/** What a correction's records say of it, whatever became of it. */
export type CorrectionPart = Pick<CorrectionRecord, 'endToEndId' | 'source' | 'correctedAtMicros' | 'raw'>;

/** The record of a correction that a store took. @param request of the intent before it, where the store is outside the process. */
export function correctionRecord(
  { endToEndId, source, correctedAtMicros, raw }: CorrectionPart,
  { isApplied, retracted, replaced, revision = 0 }: CorrectionObservation,
  knownTimeMicros: number,
  request?: string,
): CorrectionRecord {
  const record = { knownTimeMicros, endToEndId, source, correctedAtMicros, isApplied, retracted, replaced, raw };
  const settles = request === undefined ? {} : { settles: { request, revision } };
  return { kind: 'correction', ...record, ...settles };
}
