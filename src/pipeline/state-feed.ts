import type { Column } from '../features/definition/definition.ts';
import type { BaseSink } from '../features/embedded/base-feed.ts';
import type { PlaceColumns } from '../features/replay/replay-input.ts';
import { lakeColumns } from '../governance/lake-columns.ts';
import type { Lake } from './lake.ts';
import { feedEvents, silverEvents } from './recorded-events.ts';

/** What a state was built from. */
export interface StateBase {
  /** Version of silver.transactions. */
  readonly silverVersion: number;
  /** Rows of payments and of labels that were read. */
  readonly payments: number;
  readonly labels: number;
  /** The latest known time of what the one journal wrote; 0 where there is none. */
  readonly lastKnownTimeMicros: number;
}

/**
 * Feeds what silver holds up to the given positions of each journal into a store, with the columns that its set reads. 200 k
 * payments take about 1 s.
 *
 * @param journalId whose latest known time is told: an import may say of labels that they are known weeks from now.
 */
export async function feedSilver(
  lake: Lake,
  columns: readonly Column[],
  through: ReadonlyMap<string, number>,
  sink: BaseSink,
  journalId: string,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<StateBase> {
  const { silverVersion, ...events } = await silverEvents(lake, columns, through);
  await feedEvents(events, sink, onProgress);
  const { payments, labels } = events;
  const lastKnownTimeMicros = Math.max(latest(payments.places, journalId), latest(labels.places, journalId));
  return { silverVersion, payments: payments.count, labels: labels.count, lastKnownTimeMicros };
}

function latest({ journals, knownTimes }: PlaceColumns, journalId: string): number {
  let last = 0;
  for (const [row, time] of knownTimes.entries()) if (time > last && journals.at(row) === journalId) last = time;
  return last;
}

/** The largest epoch that any opening record in the lake names; 0 where there is none. */
export async function lastEpochOf(lake: Lake): Promise<number> {
  let last = 0;
  for (const table of ['bronze/epochs', 'silver/epochs'] as const) {
    const columns = await lakeColumns(await lake.table(table).snapshot(), ['epoch']);
    for (const epoch of columns.numbers('epoch')) last = Math.max(last, epoch);
  }
  return last;
}

/** How many payments, corrections of theirs and labels silver holds. */
export async function recordedRows(lake: Lake): Promise<number> {
  let rows = 0;
  for (const table of ['silver/transactions', 'silver/corrections', 'silver/labels'] as const) {
    rows += (await lake.table(table).snapshot()).rowCount ?? 0;
  }
  return rows;
}
