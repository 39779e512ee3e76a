import type { LabelState } from '../domain/label.ts';
import type { FeatureSet } from '../features/feature-set.ts';
import type { ReplayPorts } from '../features/replay/replay.ts';
import type { Pseudonyms } from '../governance/pseudonyms.ts';
import type { ObjectStore } from '../storage/store/object-store.ts';
import type { CoveredRows } from './covered-rows.ts';
import type { IdColumn, IdForm } from './entity-columns.ts';
import type { FileFormat } from './file-format.ts';
import type { GroupSplit } from './group-split.ts';
import type { LabelPolicy } from './label-policy.ts';
import type { NegativeSample } from './negative-sampling.ts';
import type { SourceTables, SourceVersions } from './source-snapshots.ts';
import type { TimeSplit } from './time-split.ts';
import type { UserRows } from './user-rows.ts';

/** MED contests within 80 days and decides within 11 more: a label matures at 91 days. */
export const DEFAULT_HORIZON_MICROS = 91 * 86_400_000_000;

/** What a training set is made of. */
export interface ExportOptions {
  readonly set: FeatureSet;
  /** Labels known at this instant or later do not exist. */
  readonly labelsAsOfMicros: number;
  /** {@link DEFAULT_HORIZON_MICROS} unless told. */
  readonly horizonMicros?: number;
  /** How long after a payment "no label" is taken for "no fraud"; the horizon unless told. */
  readonly maturityMicros?: number;
  /** States that make a payment fraud; AGREED unless told. */
  readonly countedStates?: readonly LabelState[];
  /** Rows of the user's own file, instead of those of silver.transactions. */
  readonly rows?: UserRows;
  /** Rows of silver.transactions to take: a condition of Spark's SQL; all unless told. Features see every event all the same. */
  readonly where?: string;
  /** Whether features are those that decisions served, not recomputed ones; rows without such a decision are left out. */
  readonly fromDecisions?: boolean;
  /** Rows before this instant; all unless told. */
  readonly toMicros?: number;
  /** Of an extension: what is exported already, and which part it is, from 2. */
  readonly after?: readonly CoveredRows[];
  readonly part?: number;
  /** Whether rows whose outcome nobody saw (rejected, held) are left out; they stay without a label unless told. */
  readonly withoutUnobserved?: boolean;
  /** Whether those that the control group let through stand for them, by their weight; they are left out then. */
  readonly weighsControl?: boolean;
  readonly split?: TimeSplit;
  /** A split by entity, alone or together with `split`. */
  readonly group?: GroupSplit;
  /** Which rows that are not fraud are kept; all unless told. */
  readonly sample?: NegativeSample;
  /** Whether the rows between training and validation get a file of their own; left out unless told. */
  readonly withEmbargo?: boolean;
  /** Features as doubles, not as the floats that a model is given. */
  readonly doubles?: boolean;
  /** Statuses of features: a column each, or all in one; none unless told. */
  readonly status?: 'columns' | 'packed';
  /** Ids of people, accounts and devices to write, and how; none unless told. */
  readonly ids?: { readonly columns: readonly IdColumn[]; readonly form: IdForm };
  /** Whether rows say where their event was recorded. */
  readonly eventKeys?: boolean;
  /** Parquet unless told. */
  readonly format?: FileFormat;
  /** What becomes of features that know what they should not: told in the manifest (unless told), an error, not looked for. */
  readonly leakage?: 'warn' | 'fail' | 'off';
  /** Of an extension: whether it is looked for and was not in the export, or the other way, so that its command says so. */
  readonly saysLeakage?: boolean;
  /** Versions to read; the newest of tables that are left out. */
  readonly versions?: SourceVersions;
}

/** What an export needs from outside. */
export interface ExportPorts extends ReplayPorts {
  readonly tables: SourceTables;
  /** The folder that it writes to, or that holds it. */
  readonly files: ObjectStore;
  /** Makes the pseudonyms of ids, where they are asked for. */
  readonly pseudonyms?: Pseudonyms;
  /** Called now and then with the rows written. */
  readonly onProgress?: (rows: number, total: number) => void;
}

/** The label policy that options mean. */
export function labelPolicyOf(options: ExportOptions): LabelPolicy {
  const { horizonMicros = DEFAULT_HORIZON_MICROS, maturityMicros, labelsAsOfMicros, countedStates } = options;
  return {
    horizonMicros,
    maturityMicros: maturityMicros ?? horizonMicros,
    asOfMicros: labelsAsOfMicros,
    counted: countedStates ?? ['AGREED'],
  };
}
