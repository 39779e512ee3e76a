import type { ErrorCode, ErrorContext } from '../base/errors.ts';
import type { FeatureSetDefinition } from '../features/definition/definition.ts';
import type { ReplayColumns } from '../features/replay/replay-columns.ts';

/** What a thread of a replay is started with. Then it is sent pieces, and answers each. */
export interface ReplayWorkerData {
  readonly definition: FeatureSetDefinition;
  /** In shared memory. */
  readonly columns: ReplayColumns;
}

/** From the thread, once for every piece: no task of it is left, or one failed. */
export type FromReplayWorker =
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string; readonly context: ErrorContext };
