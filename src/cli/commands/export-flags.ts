import { AppError } from '../../base/errors.ts';
import { didYouMean } from '../../base/nearest-name.ts';
import { LABEL_STATES, type LabelState } from '../../domain/label.ts';
import type { FeatureSet } from '../../features/feature-set.ts';
import { idColumnOf } from '../../training-export/entity-columns.ts';
import type { ExportOptions } from '../../training-export/export-options.ts';
import { FILE_FORMATS } from '../../training-export/file-format.ts';
import { PINNED_TABLES, type PinnedTable, type SourceVersions } from '../../training-export/source-snapshots.ts';
import type { UserMapping } from '../../training-export/user-mapping.ts';
import { splitsOf } from './export-splits.ts';
import { instantOf, spanOf } from './flag-values.ts';
import type { ReplayFlags } from './replay-options.ts';

/** What `export create` is called with. */
export interface ExportFlags extends ReplayFlags {
  readonly from: string;
  readonly features: string;
  readonly labelsAsOf: string;
  readonly out: string;
  readonly horizon: string;
  readonly maturity?: string;
  readonly unobserved?: string;
  readonly embargo: string;
  readonly counted: string;
  readonly fromDecisions?: boolean;
  readonly rows?: string;
  readonly entity?: readonly string[];
  readonly time?: string;
  readonly knownTime?: string;
  readonly paymentId?: string;
  readonly label?: string;
  readonly where?: string;
  readonly to?: string;
  /** `time:A,B`, `group:<entity>=a/b/c`, or both. */
  readonly split?: string | readonly string[];
  readonly sampleNegatives?: string;
  readonly seed?: string;
  readonly double?: boolean;
  readonly status?: string;
  readonly personal?: string;
  readonly ids?: string;
  readonly eventKeys?: boolean;
  readonly format?: string;
  readonly leakage?: string;
  readonly pin?: string;
}

/**
 * Reads the flags of `export create`.
 *
 * @param set the feature set that they name.
 * @throws AppError `usage`, naming the flag.
 */
export function exportOptionsOf(flags: ExportFlags, set: FeatureSet): ExportOptions {
  if (flags.embargo !== 'drop' && flags.embargo !== 'keep') {
    throw new AppError('usage', `--embargo ${flags.embargo} is not known: drop or keep`);
  }
  const seed = seedOf(flags.seed ?? '0');
  const splits = splitsOf(flags.split, seed);
  if (flags.embargo === 'keep' && splits.split === undefined) {
    throw new AppError('usage', '--embargo keep is of a split by time: name its cuts by --split time:A,B');
  }
  if (flags.seed !== undefined && splits.group === undefined && flags.sampleNegatives === undefined) {
    throw new AppError('usage', '--seed draws nothing without --sample-negatives or --split group:…: leave it out');
  }
  return {
    set,
    labelsAsOfMicros: instantOf('--labels-as-of', flags.labelsAsOf),
    horizonMicros: spanOf('--horizon', flags.horizon),
    ...(flags.maturity === undefined ? {} : { maturityMicros: spanOf('--maturity', flags.maturity) }),
    ...unobservedOf(flags.unobserved ?? 'keep'),
    countedStates: statesOf(flags.counted),
    versions: versionsOf(flags),
    ...(flags.where === undefined ? {} : { where: flags.where }),
    ...(flags.to === undefined ? {} : { toMicros: instantOf('--to', flags.to) }),
    ...splits,
    ...(flags.sampleNegatives === undefined ? {} : { sample: { keep: shareOf(flags.sampleNegatives), seed } }),
    fromDecisions: flags.fromDecisions === true,
    withEmbargo: flags.embargo === 'keep',
    doubles: flags.double === true,
    ...columnsOf(flags),
    leakage: leakageOf(flags.leakage ?? 'warn'),
  };
}

/** The value of `--leakage`. @throws AppError `usage`. */
export function leakageOf(text: string): 'warn' | 'fail' | 'off' {
  return oneOf('--leakage', text, ['warn', 'fail', 'off'] as const);
}

/** What the user's file calls our columns. @throws AppError `usage`, also where there is no file. */
export function mappingOf({
  rows,
  entity = [],
  time,
  knownTime,
  paymentId,
  label,
}: Pick<ExportFlags, 'rows' | 'entity' | 'time' | 'knownTime' | 'paymentId' | 'label'>): UserMapping {
  const named = { event_time: time, known_time: knownTime, end_to_end_id: paymentId, label };
  const columns: Record<string, string> = {};
  for (const text of entity) {
    const [, name = '', column = ''] = /^([^=]+)=(.+)$/.exec(text) ?? [];
    if (column === '') throw new AppError('usage', `--entity ${text} names no column: write payer_account=COLUMN`);
    columns[name] = column;
  }
  for (const [name, column] of Object.entries(named)) if (column !== undefined) columns[name] = column;
  if (rows === undefined && Object.keys(columns).length > 0) {
    throw new AppError(
      'usage',
      '--entity, --time, --known-time, --payment-id and --label are of a file: name it by --rows',
    );
  }
  return { columns };
}

function unobservedOf(text: string): Pick<ExportOptions, 'withoutUnobserved' | 'weighsControl'> {
  const what = oneOf('--unobserved', text, ['keep', 'drop', 'weigh'] as const);
  return { withoutUnobserved: what !== 'keep', weighsControl: what === 'weigh' };
}

function columnsOf(flags: ExportFlags): Pick<ExportOptions, 'status' | 'ids' | 'eventKeys' | 'format'> {
  const personal = oneOf('--personal', flags.personal ?? 'none', ['pseudonym', 'clear', 'none'] as const);
  const ids = (flags.ids ?? 'payer_account,payee_account').split(',').map((name) => idColumnOf('--ids', name.trim()));
  return {
    ...(flags.status === undefined ? {} : { status: oneOf('--status', flags.status, ['columns', 'packed'] as const) }),
    ...(personal === 'none' ? {} : { ids: { columns: [...new Set(ids)], form: personal } }),
    ...(flags.eventKeys === true ? { eventKeys: true } : {}),
    format: oneOf('--format', flags.format ?? 'parquet', FILE_FORMATS),
  };
}

function oneOf<T extends string>(flag: string, text: string, known: readonly T[]): T {
  const found = known.find((name) => name === text);
  if (found !== undefined) return found;
  throw new AppError('usage', `${flag} ${text} is not known${didYouMean(text, known)} (${known.join(', ')})`);
}

function seedOf(text: string): number {
  const seed = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(seed)) return seed;
  throw new AppError('usage', `--seed ${text} is no seed: write a whole number such as 7`);
}

function shareOf(text: string): number {
  const share = /^(0|1)?(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (share > 0 && share < 1) return share;
  throw new AppError('usage', `--sample-negatives ${text} is no share: write one above 0 and below 1, such as 0.1`);
}

function statesOf(text: string): LabelState[] {
  return text.split(',').map((part) => {
    const name = part.trim();
    const state = LABEL_STATES.find((known) => known === name);
    if (state !== undefined) return state;
    const hint = didYouMean(name, LABEL_STATES);
    throw new AppError('usage', `--counted ${name} is no state${hint} (${LABEL_STATES.join(', ')})`);
  });
}

function fromVersion(text: string): SourceVersions {
  const { table, version } = tableAt('--from', text);
  if (table === 'silver/transactions') return version === undefined ? {} : { [table]: version };
  throw new AppError('usage', `--from ${text}: training sets are made from silver.transactions`);
}

/** The versions of `--from` and `--pin`. @throws AppError `usage`, also where they name two of one table. */
function versionsOf({ from, pin }: ExportFlags): SourceVersions {
  const [own, pinned] = [fromVersion(from), pinnedVersions(pin)];
  const [one, other] = [own['silver/transactions'], pinned['silver/transactions']];
  if (one !== undefined && other !== undefined && one !== other) {
    throw new AppError('usage', `--from and --pin name two versions of silver.transactions: ${one} and ${other}`);
  }
  return { ...pinned, ...own };
}

/** The versions of `--pin`. @throws AppError `usage`. */
export function pinnedVersions(text: string | undefined): SourceVersions {
  const versions: SourceVersions = {};
  for (const part of text?.split(',') ?? []) {
    const { table, version } = tableAt('--pin', part.trim());
    if (version === undefined) throw new AppError('usage', `--pin ${part} names no version: write ${part}@VERSION`);
    versions[table] = version;
  }
  return versions;
}

/** `silver.transactions@3`; the layer may be left out. */
function tableAt(flag: string, text: string): { table: PinnedTable; version: number | undefined } {
  const [, name, version] = /^([^@]+)(?:@(\d{1,15}))?$/.exec(text) ?? [];
  const names = PINNED_TABLES.map((path) => path.replace('/', '.'));
  const table = PINNED_TABLES.find((path) => name === path.replace('/', '.') || name === path.slice('silver/'.length));
  if (table !== undefined) return { table, version: version === undefined ? undefined : Number(version) };
  const hint = didYouMean(name ?? text, names);
  throw new AppError('usage', `${flag} ${text} is no table at a version${hint} (such as ${names[0]}@3)`);
}
