import type { HistoricalQuestion } from '../server/historical-route.ts';
import type { ThreadError } from './thread-error.ts';

/** What the thread of a historical read is started with. */
export interface HistoricalWorkerData {
  readonly lakeFolder: string;
  readonly question: HistoricalQuestion;
}

/** From the thread: a piece of the stream, after which it waits to be asked for the next one; or how it ended. */
export type FromHistoricalWorker =
  | { readonly kind: 'piece'; readonly bytes: Uint8Array }
  | { readonly kind: 'end' }
  | ({ readonly kind: 'failed' } & ThreadError);
