import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { AppError, messageOf } from '../../base/errors.ts';
import type { FeatureSet } from '../../features/feature-set.ts';
import type { CommandContext, ContextOf } from '../command-context.ts';
import { addSettingOptions, settingFlags } from './config.ts';
import { SET_HELP } from './set-option.ts';

/** What `features docs` is called with. */
interface DocsFlags {
  readonly set?: string;
  readonly out: string;
  readonly format: string;
  readonly export?: string;
}

/** `sentinela features docs`. */
export function addFeatureDocsCommand(features: Command, contextOf: ContextOf): void {
  const docs = features
    .command('docs')
    .description(
      'write the page of a feature set: meaning, formula, owner, freshness, distribution and use of every feature',
    )
    .requiredOption('--out <folder>', 'folder to write the pages into')
    .option('--set <set>', `the set: ${SET_HELP} (default: that of --export, else the one that is served)`)
    .option('--format <name>', 'markdown or html', 'markdown')
    .option('--export <folder>', 'an export of the set: how values are spread in its training rows')
    .addHelpText(
      'after',
      `
Examples:
  sentinela features docs --out pages
  sentinela features docs --set features.yaml --out pages
  sentinela features docs --out pages --format html --export training`,
    )
    .action((flags: DocsFlags, command: Command) => writePages(contextOf(command), flags, settingFlags(command)));
  addSettingOptions(docs, ['dataDir', 'modelsDir']);
}

async function writePages(
  { terminal, config }: CommandContext,
  flags: DocsFlags,
  settings: Readonly<Record<string, unknown>>,
): Promise<void> {
  if (flags.format !== 'markdown' && flags.format !== 'html') {
    throw new AppError('usage', `--format ${flags.format} is not known: markdown or html`);
  }
  const { dataDir, modelsDir, featureSet } = await config(settings);
  const [{ featureFacts }, { modelsFolder }, { featurePage }, { pageHtml }, { pageMarkdown }] = await Promise.all([
    import('../feature-facts.ts'),
    import('../load-scorer.ts'),
    import('../../features/pages/feature-page.ts'),
    import('../../features/pages/page-html.ts'),
    import('../../features/pages/page-markdown.ts'),
  ]);
  const isHtml = flags.format === 'html';
  const set = await wantedSet(flags, featureSet, dataDir);
  const page = featurePage(set, await featureFacts(set, modelsFolder(modelsDir), flags.export));
  const path = join(flags.out, `${set.name}.${isHtml ? 'html' : 'md'}`);
  await writePage(path, flags.out, isHtml ? pageHtml(page) : pageMarkdown(page));
  terminal.value({ page: path, featureSet: page.title, features: page.features.length });
  terminal.line(`${path}: ${page.features.length} features of ${page.title}`);
}

/** The set that is named; with an export the one that it is of, else the one that is served. */
async function wantedSet({ set, export: folder }: DocsFlags, served: string, dataDir: string): Promise<FeatureSet> {
  if (set !== undefined || folder === undefined) {
    const { findFeatureSet } = await import('../feature-sets.ts');
    return findFeatureSet(set ?? served, dataDir);
  }
  const { setOfExport } = await import('../feature-facts.ts');
  return setOfExport(folder);
}

async function writePage(path: string, folder: string, text: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(path, text);
  } catch (error) {
    throw new AppError('storage_failed', `${path} cannot be written: ${messageOf(error)}`, {}, error);
  }
}
