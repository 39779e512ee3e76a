import { LABEL_STATES } from '../domain/label.ts';
import type { ReplayLabels } from '../features/replay/replay-input.ts';
import type { LabelEvent } from './label-policy.ts';

const NONE: readonly LabelEvent[] = [];

/** The labels of each payment by its endToEndId, in the order of (event time, known time), ties as recorded. */
export function labelsByPayment(labels: ReplayLabels): (endToEndId: string) => readonly LabelEvent[] {
  const order = Int32Array.from({ length: labels.count }, (_, row) => row);
  const { knownTimes, journals, positions } = labels.places;
  order.sort((a, b) => {
    const byTime = (labels.times[a] as number) - (labels.times[b] as number);
    if (byTime !== 0) return byTime;
    const byKnown = (knownTimes[a] as number) - (knownTimes[b] as number);
    if (byKnown !== 0) return byKnown;
    if (journals.at(a) !== journals.at(b)) return (journals.at(a) ?? '') < (journals.at(b) ?? '') ? -1 : 1;
    return (positions[a] as number) - (positions[b] as number);
  });
  const byPayment = new Map<string, LabelEvent[]>();
  for (const row of order) {
    const id = labels.ids.at(row) ?? '';
    const events = byPayment.get(id) ?? [];
    events.push({
      state: LABEL_STATES[labels.states[row] as number] ?? 'CONTESTED',
      eventTimeMicros: labels.times[row] as number,
      knownTimeMicros: knownTimes[row] as number,
    });
    byPayment.set(id, events);
  }
  return (id) => byPayment.get(id) ?? NONE;
}
