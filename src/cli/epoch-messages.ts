import type { FeatureSetDefinition } from '../features/definition/definition.ts';
import type { EpochBase, OpenedEpoch } from '../features/redis/redis-epoch.ts';
import type { ThreadError } from './thread-error.ts';

/** What the thread that builds an epoch is started with. */
export interface EpochWorkerData {
  readonly redisUrl: string;
  readonly definition: FeatureSetDefinition;
  readonly lakeFolder: string;
  /** Folder of the journals of every instance, and which of them the scoring thread has open. */
  readonly journals: string;
  readonly journalId: string;
  /** Where the numbers of epochs are taken. */
  readonly epochs: string;
  /** The last epoch that was open at the scoring thread. */
  readonly knownEpoch: number;
  /** Why an epoch is built, for its opening. */
  readonly reason: string;
}

/** What only the scoring thread can do. The thread asks one thing at a time and waits for it. */
export type EpochQuestion =
  /** No epoch is open any more: what is known of appends that did not end is to be told. */
  | { readonly what: 'settle' }
  /** Up to where the journal that is open there is durable. */
  | { readonly what: 'durable' }
  /** Makes the opening durable. */
  | { readonly what: 'publish'; readonly epoch: number; readonly base: EpochBase };

/** From the thread: what it asks, how far it is, and how it ended. */
export type FromEpochWorker =
  | { readonly kind: 'ask'; readonly question: EpochQuestion }
  | { readonly kind: 'fed'; readonly done: number; readonly total: number }
  | { readonly kind: 'built'; readonly payments: number; readonly tailPayments: number }
  | { readonly kind: 'overtaken' }
  /** The thread goes on to free older epochs, and ends when that is done. */
  | { readonly kind: 'opened'; readonly opened: OpenedEpoch }
  | { readonly kind: 'freed'; readonly keys: number }
  | ({ readonly kind: 'failed' } & ThreadError);

/** To the thread: the answer to what it asked. Of `durable` a position; of the others 0, once it is done. */
export type ToEpochWorker =
  | { readonly kind: 'answer'; readonly position: number }
  | ({ readonly kind: 'refused' } & ThreadError);
