import { type ExportOptions, labelPolicyOf } from './export-options.ts';
import { GROUP_BUCKETS } from './group-split.ts';
import { instantText } from './manifest.ts';
import { CORRECTIONS, type ReadVersions, SOURCE_TABLES } from './source-snapshots.ts';
import type { UserMapping } from './user-mapping.ts';

/** The command that makes an export again, but for where it goes: every option that changes a byte, and every version. */
export function exportCommand(options: ExportOptions, versions: ReadVersions): string {
  if (options.after !== undefined) return extendCommand(options, versions);
  const others = tablesOf(versions).filter((name) => name !== 'silver/transactions');
  return [
    'sentinela export create',
    `--from silver.transactions@${versions['silver/transactions']}`,
    `--features ${options.set.name}@${options.set.version}`,
    ...labelFlags(options),
    ...rowFlags(options),
    ...columnFlags(options),
    `--pin ${others.map((name) => `${name.slice('silver/'.length)}@${versions[name]}`).join(',')}`,
  ].join(' ');
}

/** The command that brings an extension again, where the export is as it was before. */
function extendCommand(options: ExportOptions, versions: ReadVersions): string {
  const pins = tablesOf(versions).map((name) => `${name.slice('silver/'.length)}@${versions[name]}`);
  const to = instantText(options.toMicros ?? 0);
  const asOf = instantText(options.labelsAsOfMicros);
  const leakage = options.saysLeakage === true ? ` --leakage ${options.leakage === 'off' ? 'off' : 'warn'}` : '';
  return `sentinela export extend DIR --to ${to} --labels-as-of ${asOf}${leakage} --pin ${pins.join(',')}`;
}

/** Corrections are named where some were read: without them a command is as it was before there could be. */
function tablesOf(versions: ReadVersions): readonly (keyof ReadVersions)[] {
  return versions[CORRECTIONS] === undefined ? SOURCE_TABLES : [...SOURCE_TABLES, CORRECTIONS];
}

function labelFlags(options: ExportOptions): string[] {
  const { horizonMicros, maturityMicros, asOfMicros, counted } = labelPolicyOf(options);
  const flags = [`--labels-as-of ${instantText(asOfMicros)}`, `--horizon ${spanText(horizonMicros)}`];
  if (maturityMicros !== horizonMicros) flags.push(`--maturity ${spanText(maturityMicros)}`);
  if (options.weighsControl === true) flags.push('--unobserved weigh');
  else if (options.withoutUnobserved === true) flags.push('--unobserved drop');
  if (counted.length !== 1 || counted[0] !== 'AGREED') flags.push(`--counted ${counted.join(',')}`);
  return flags;
}

function rowFlags({
  rows,
  fromDecisions,
  where,
  toMicros,
  split,
  withEmbargo,
  group,
  sample,
}: ExportOptions): string[] {
  const flags: string[] = [];
  // The file's name is the machine's own; the manifest has its sum.
  if (rows !== undefined) flags.push('--rows FILE', ...mappingFlags(rows.mapping));
  if (fromDecisions === true) flags.push('--from-decisions');
  if (where !== undefined) flags.push(`--where ${shellQuoted(where)}`);
  if (toMicros !== undefined) flags.push(`--to ${instantText(toMicros)}`);
  if (split !== undefined) flags.push(`--split time:${instantText(split.aMicros)},${instantText(split.bMicros)}`);
  if (group !== undefined) flags.push(`--split group:${group.entity}=${group.buckets.map(percentText).join('/')}`);
  if (withEmbargo === true) flags.push('--embargo keep');
  if (sample !== undefined) flags.push(`--sample-negatives ${sample.keep}`);
  const seed = sample?.seed ?? group?.seed ?? 0;
  if (seed !== 0) flags.push(`--seed ${seed}`);
  return flags;
}

function columnFlags({ doubles, status, ids, eventKeys, format, leakage }: ExportOptions): string[] {
  const flags: string[] = [];
  if (doubles === true) flags.push('--double');
  if (status !== undefined) flags.push(`--status ${status}`);
  flags.push(ids === undefined ? '--personal none' : `--personal ${ids.form} --ids ${ids.columns.join(',')}`);
  if (eventKeys === true) flags.push('--event-keys');
  if (format !== undefined && format !== 'parquet') flags.push(`--format ${format}`);
  if (leakage === 'off') flags.push('--leakage off');
  return flags;
}

const MAPPING_FLAGS: Readonly<Record<string, string>> = {
  event_time: '--time',
  known_time: '--known-time',
  end_to_end_id: '--payment-id',
  label: '--label',
};

function mappingFlags({ columns }: UserMapping): string[] {
  return Object.entries(columns).map(([name, column]) => {
    const flag = MAPPING_FLAGS[name];
    return flag === undefined ? `--entity ${shellQuoted(`${name}=${column}`)}` : `${flag} ${shellQuoted(column)}`;
  });
}

/** A text as one word of a POSIX shell. */
function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function percentText(buckets: number): string {
  return String((buckets * 100) / GROUP_BUCKETS);
}

function spanText(micros: number): string {
  for (const [unit, size] of [
    ['d', 86_400_000_000],
    ['h', 3_600_000_000],
    ['m', 60_000_000],
  ] as const) {
    if (micros % size === 0) return `${micros / size}${unit}`;
  }
  return `${micros / 1_000_000}s`;
}
