import type { FeatureSetDefinition } from '../features/definition/definition.ts';
import type { ReplayColumns } from '../features/replay/replay-columns.ts';
import type { ReplayPiece } from '../features/replay/replay-piece.ts';
import type { ThreadError } from './thread-error.ts';

/** What a thread of a replay is started with. */
export interface ReplayWorkerData {
  readonly definition: FeatureSetDefinition;
}

/** To the thread: the columns once, in shared memory, then pieces, of which it answers each. */
export type ToReplayWorker =
  | { readonly kind: 'columns'; readonly columns: ReplayColumns }
  | { readonly kind: 'piece'; readonly piece: ReplayPiece };

/** From the thread, once for every piece: no task of it is left, or one failed. */
export type FromReplayWorker = { readonly kind: 'done' } | ({ readonly kind: 'failed' } & ThreadError);
