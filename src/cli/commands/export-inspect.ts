import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { AppError, messageOf, systemErrorCode } from '../../base/errors.ts';
import type { ExportManifest } from '../../training-export/manifest.ts';
import type { CommandContext, ContextOf } from '../command-context.ts';
import { tableLines } from '../terminal.ts';
import { addSettingOptions, settingFlags } from './config.ts';

/** Adds `export list | show`. */
export function addInspectCommands(group: Command, contextOf: ContextOf): void {
  const list = group
    .command('list [folder]')
    .description('the exports in a folder; without one, in exports/ of the data folder')
    .addHelpText(
      'after',
      '\nWhat cannot be read is told on stderr, and passed by.\n\nExamples:\n  sentinela export list\n  sentinela export list training-sets --json',
    )
    .action((folder: string | undefined, _flags, command: Command) =>
      listExports(contextOf(command), folder, settingFlags(command)),
    );
  addSettingOptions(list, ['dataDir']);
  group
    .command('show <folder>')
    .description('what an export is made of and what is in it; with --json its manifest')
    .addHelpText('after', '\nExample:\n  sentinela export show training')
    .action((folder: string, _flags, command: Command) => showExport(contextOf(command), folder));
}

async function manifestIn(folder: string): Promise<ExportManifest> {
  const [{ readManifest }, { localObjectStore }] = await Promise.all([
    import('../../training-export/read-manifest.ts'),
    import('../../storage/store/local-object-store.ts'),
  ]);
  if (!existsSync(folder)) throw new AppError('not_found', `there is no folder ${folder}`);
  return readManifest(localObjectStore(folder));
}

async function listExports(
  { terminal, config }: CommandContext,
  given: string | undefined,
  settings: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { dataFolders } = await import('../data-folders.ts');
  const root = given ?? dataFolders((await config(settings)).dataDir).exports;
  if (!existsSync(root)) throw new AppError('not_found', `there is no folder ${root}: name one that holds exports`);
  const rows: (string | number)[][] = [
    ['folder', 'transactions', 'features', 'labels as of', 'format', 'rows', 'fraud'],
  ];
  let unread = 0;
  for await (const { folder, found } of exportsIn(root)) {
    if (found instanceof AppError) {
      unread += 1;
      terminal.value({ folder, code: found.code, problem: found.message });
      terminal.note(`${folder} is passed by: ${found.message} (${found.code})`);
      continue;
    }
    const { files, featureSet, tables, labels, fileFormat } = found;
    const sum = (of: 'rows' | 'fraud'): number => files.reduce((total, { counts }) => total + counts[of], 0);
    const set = `${featureSet.name}@${featureSet.version}`;
    const version = tables['silver/transactions'];
    terminal.value({
      folder,
      transactions: version,
      features: set,
      labelsAsOf: labels.asOf,
      format: fileFormat,
      rows: sum('rows'),
      fraud: sum('fraud'),
    });
    rows.push([folder, version, set, labels.asOf, fileFormat, sum('rows'), sum('fraud')]);
  }
  if (rows.length > 1) for (const line of tableLines(rows)) terminal.line(line);
  else if (unread === 0) terminal.line(`${root} holds no exports`);
}

/** The exports in a folder, by name: the manifest of each, or why it cannot be read. What holds no manifest is none. */
async function* exportsIn(
  root: string,
): AsyncGenerator<{ readonly folder: string; readonly found: ExportManifest | AppError }> {
  for (const name of readdirSync(root).sort()) {
    const folder = join(root, name);
    try {
      // A link that leads nowhere is told: what it led to may have been an export.
      if (statSync(folder).isDirectory()) yield { folder, found: await manifestIn(folder) };
    } catch (error) {
      if (!(error instanceof AppError) && systemErrorCode(error) === undefined) throw error;
      const found = error instanceof AppError ? error : new AppError('storage_failed', messageOf(error), {}, error);
      if (found.code !== 'not_found') yield { folder, found };
    }
  }
}

async function showExport({ terminal }: CommandContext, folder: string): Promise<void> {
  const manifest = await manifestIn(folder);
  const { leakText } = await import('../../training-export/leakage-check.ts');
  terminal.value(manifest);
  const { tables, featureSet, labels, files, leakage, histograms, columns } = manifest;
  const versions = Object.entries(tables).map(([table, version]) => `${table}@${version}`);
  const facts: [string, string][] = [
    ['command', manifest.command],
    ['tables', versions.join(', ')],
    ['features', `${manifest.features.length} of ${featureSet.name}@${featureSet.version}, as ${manifest.featureType}`],
    ['columns', `${columns.length}, as ${manifest.fileFormat}`],
    [
      'labels',
      `${labels.counted.join(', ')} as of ${labels.asOf}, horizon ${labels.horizonMicros / 86_400_000_000} days`,
    ],
    ['where', manifest.where ?? 'all rows'],
    [
      'rows',
      `${manifest.rows}: ${manifest.embargoRows} in the embargo, ${manifest.crossedRows} crossed, ${manifest.sampledOutRows} not drawn`,
    ],
    ['histograms', histograms === null ? 'none' : `of ${histograms.rows} rows of ${histograms.split}`],
    ['leakage', leakage === null ? 'not looked for' : leakage.findings.map(leakText).join('; ') || 'none found'],
  ];
  for (const { to, tables: versions, labels: then, rows } of manifest.extensions) {
    const version = versions['silver/transactions'];
    facts.push(['extended', `to ${to}, of silver/transactions@${version}, labels as of ${then.asOf}: ${rows} rows`]);
  }
  for (const [name, text] of facts) terminal.line(`${name.padEnd(11)} ${text}`);
  const head = ['file', 'rows', 'fraud', 'not fraud', 'base rate', 'bytes', 'sha256'];
  const rows = files.map(({ name, counts, baseRate, sizeBytes, sha256 }) => [
    name,
    counts.rows,
    counts.fraud,
    counts.notFraud,
    baseRate === null ? 'none' : baseRate.toPrecision(3),
    sizeBytes,
    sha256.slice(0, 12),
  ]);
  for (const line of tableLines([head, ...rows])) terminal.line(line);
}
