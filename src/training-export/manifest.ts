import { instantOfMicros } from '../domain/instant.ts';
import type { LabelState } from '../domain/label.ts';
import type { FeatureSetDefinition } from '../features/definition/definition.ts';
import type { IdColumn, IdForm } from './entity-columns.ts';
import type { ExportColumn } from './export-columns.ts';
import type { EXPORT_FORMAT } from './export-format.ts';
import type { FileFormat } from './file-format.ts';
import type { LeakFinding } from './leakage-check.ts';
import type { ServedReport } from './served-comparison.ts';
import type { ReadVersions } from './source-snapshots.ts';
import type { SplitName } from './time-split.ts';
import type { Histograms } from './training-counts.ts';
import type { UserRows } from './user-rows.ts';

/** How many rows of each label a split has. */
export interface LabelCounts {
  readonly rows: number;
  readonly fraud: number;
  readonly notFraud: number;
  /** Without a label, by why. */
  readonly contested: number;
  readonly censored: number;
  readonly unobserved: number;
  /** Of the user's own, those of a payment that the lake does not know; not there where there are none. */
  readonly unknown?: number;
}

/** A file of an export. */
export interface ExportFile {
  readonly name: string;
  readonly split: SplitName;
  /** 1, or which extension brought it: 2, 3, … */
  readonly part: number;
  readonly counts: LabelCounts;
  /** Rows with label 0 that others of the file stand for. */
  readonly sampledOut: number;
  /** Of the rows with a label, before any were left out, the share of fraud; null where none has one. */
  readonly baseRate: number | null;
  readonly sizeBytes: number;
  readonly sha256: string;
  /** Of the canonical rows: equal whatever wrote the Parquet. */
  readonly rowsSha256: string;
}

/** What an export is and how to make it again. No clock, host, user or path: the same data gives the same bytes. */
export interface ExportManifest {
  readonly format: typeof EXPORT_FORMAT;
  readonly command: string;
  /** Versions of the tables that were read. */
  readonly tables: ReadVersions;
  readonly featureSet: {
    readonly name: string;
    readonly version: string;
    readonly sha256: string;
    readonly definition: FeatureSetDefinition;
  };
  readonly labels: {
    readonly asOf: string;
    readonly horizonMicros: number;
    readonly maturityMicros: number;
    readonly counted: readonly LabelState[];
    readonly rule: string;
  };
  readonly split: {
    readonly kind: 'time';
    readonly a: string;
    readonly b: string;
    readonly withEmbargo: boolean;
  } | null;
  /** The split by entity; shares are in hundredths of a percent. */
  readonly group: {
    readonly entity: IdColumn;
    readonly train: number;
    readonly validation: number;
    readonly test: number;
    readonly seed: number;
    readonly rule: string;
  } | null;
  /** The condition that rows passed. */
  readonly where: string | null;
  /** Rows are before this instant; null where there is no such bound. */
  readonly to: string | null;
  /** How outcomes that nobody saw are made up for; not there where they are not. */
  readonly weighed?: { readonly rule: string };
  readonly sample: { readonly keep: number; readonly seed: number; readonly rule: string } | null;
  readonly fileFormat: FileFormat;
  /** How statuses of features are written; null where they are not. */
  readonly status: 'columns' | 'packed' | null;
  /** Ids of people, accounts and devices; of pseudonyms `keyId` names the key without telling it. */
  readonly ids: { readonly columns: readonly IdColumn[]; readonly form: IdForm; readonly keyId: string | null } | null;
  readonly eventKeys: boolean;
  readonly order: readonly string[];
  readonly columns: readonly ExportColumn[];
  readonly features: readonly string[];
  /** The type that features are written as. */
  readonly featureType: 'float' | 'double';
  /** Rows that were asked for, those that are in no file too. */
  readonly rows: number;
  /** Whether rows are seen at the numbers known at their known time, for want of numbers of their own. */
  readonly reconstructed: boolean;
  /** The user's own file that rows are of; null where they are of silver.transactions. */
  readonly rowsFile: {
    readonly sha256: string;
    readonly format: UserRows['format'];
    /** What the file calls our columns. */
    readonly columns: Readonly<Record<string, string>>;
    /** Columns that nothing reads. */
    readonly ignored: readonly string[];
  } | null;
  /** Rows between training and validation that are in no file. */
  readonly embargoRows: number;
  /** Rows that time and group put in different splits, so that they are in no file. */
  readonly crossedRows: number;
  /** Rows that are left out because nobody saw their outcome; null where they are not left out. */
  readonly unobservedRows: number | null;
  /** Rows with label 0 that others stand for. */
  readonly sampledOutRows: number;
  /** Of the rows, those whose known time an import assumed. */
  readonly knownAssumedRows: number;
  /** Of the rows of the user's own file, those without a label since they name a payment that the lake does not know; not there where there are none. */
  readonly unknownPaymentRows?: number;
  /** Where features are those that decisions served: how they compare with recomputed ones. */
  readonly served: ServedReport | null;
  readonly files: readonly ExportFile[];
  /** What the check for leakage found; null where it was off. */
  readonly leakage: { readonly rule: string; readonly findings: readonly LeakFinding[] } | null;
  /** How the features of the training rows are spread; null where there are none. */
  readonly histograms: Histograms | null;
  /** Extensions in their order. All other members but `files` are of the first part. */
  readonly extensions: readonly ExportExtension[];
}

/** What an extension brought: members of the manifest that are its own. */
export type ExportExtension = Pick<
  ExportManifest,
  | 'command'
  | 'to'
  | 'tables'
  | 'labels'
  | 'rows'
  | 'embargoRows'
  | 'crossedRows'
  | 'unobservedRows'
  | 'sampledOutRows'
  | 'knownAssumedRows'
  | 'served'
  | 'leakage'
  | 'histograms'
>;

/** What the rule of labels is, for people. */
export const LABEL_RULE =
  'latest state known by min(t + horizon, as_of): counted is 1, CONTESTED null, other or none 0 where t + maturity <= as_of and the outcome was observed, else null; training rows as of the first cut';

/** The text of a manifest. */
export function serializeManifest(manifest: ExportManifest): string {
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

/** An instant as commands write it: a bare date where it is midnight UTC. */
export function instantText(micros: number): string {
  const text = instantOfMicros(micros);
  return text.endsWith('T00:00:00.000Z') ? text.slice(0, 10) : text;
}
