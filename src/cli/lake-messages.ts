import type { Side } from '../domain/payment.ts';
import type { FeatureSetDefinition } from '../features/definition/definition.ts';
import type { ArchivedDecision } from '../scoring/decision-archive.ts';
import type { FeatureHealth } from '../server/feature-health.ts';

/** What the lake's worker is started with. */
export interface LakeWorkerData {
  readonly lakeFolder: string;
  readonly journalFolder: string;
  readonly journalId: string;
  /** Two 64-bit counters: the journal's durable position, and up to where silver has the journal. */
  readonly positions: SharedArrayBuffer;
  /** Whether silver runs hourly and gold daily. */
  readonly jobs: boolean;
  /** The set that is served: what was served of it is looked at after each run of silver. */
  readonly definition: FeatureSetDefinition;
  /** Folder of the export that drift is measured against; empty for none. */
  readonly driftExport: string;
  /** Share of the decisions that are recomputed; 0 for none. */
  readonly skewSample: number;
}

/** Index of the journal's durable position in `positions`; the scoring thread writes it. */
export const DURABLE_POSITION = 0;
/** Index of the position up to which silver has the journal; the worker writes it. */
export const SILVER_POSITION = 1;
/** Index of the position up to which bronze has the journal; the worker writes it. */
export const BRONZE_POSITION = 2;

/** From the scoring thread to the lake's worker. */
export type ToLakeWorker =
  | {
      readonly kind: 'find';
      readonly request: number;
      readonly endToEndId: string;
      readonly side: Side;
      readonly requestSha256: Uint8Array | null;
    }
  /** The journal's backlog is long: silver is to run now. */
  | { readonly kind: 'run-silver' }
  | { readonly kind: 'stop' };

/** From the lake's worker to the scoring thread. */
export type FromLakeWorker =
  | { readonly kind: 'found'; readonly request: number; readonly stored: ArchivedDecision | undefined }
  | { readonly kind: 'failed'; readonly request: number; readonly message: string }
  | { readonly kind: 'health'; readonly health: FeatureHealth }
  | {
      readonly kind: 'log';
      readonly level: 'info' | 'warn' | 'error';
      readonly message: string;
      readonly details: Readonly<Record<string, unknown>>;
    }
  | { readonly kind: 'stopped' };
