import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { AppError, messageOf } from '../../base/errors.ts';
import type { FeatureSet } from '../../features/feature-set.ts';
import type { CommandContext, ContextOf } from '../command-context.ts';
import { addSettingOptions, settingFlags } from './config.ts';
import { setsByName } from './export-sets.ts';

/** What `features docs` is called with. */
interface DocsFlags {
  readonly out: string;
  readonly format: string;
  readonly export?: string;
}

/** `sentinela features docs`. */
export function addFeatureDocsCommand(features: Command, contextOf: ContextOf): void {
  const docs = features
    .command('docs')
    .description(
      'write a page a feature set: meaning, formula, owner, freshness, distribution and use of every feature',
    )
    .requiredOption('--out <folder>', 'folder to write the pages into')
    .option('--format <name>', 'markdown or html', 'markdown')
    .option('--export <folder>', 'an export: how values are spread in its training rows; only the page of its set')
    .addHelpText(
      'after',
      `
Examples:
  sentinela features docs --out pages
  sentinela features docs --out pages --format html --export training`,
    )
    .action((flags: DocsFlags, command: Command) => writePages(contextOf(command), flags, settingFlags(command)));
  addSettingOptions(docs, ['modelsDir']);
}

async function writePages(
  { terminal, config }: CommandContext,
  flags: DocsFlags,
  settings: Readonly<Record<string, unknown>>,
): Promise<void> {
  if (flags.format !== 'markdown' && flags.format !== 'html') {
    throw new AppError('usage', `--format ${flags.format} is not known: markdown or html`);
  }
  const { modelsDir } = await config(settings);
  const [{ featureFacts }, { modelsFolder }, { featurePage }, { pageHtml }, { pageMarkdown }] = await Promise.all([
    import('../feature-facts.ts'),
    import('../load-scorer.ts'),
    import('../../features/pages/feature-page.ts'),
    import('../../features/pages/page-html.ts'),
    import('../../features/pages/page-markdown.ts'),
  ]);
  const isHtml = flags.format === 'html';
  const sets = await wantedSets(flags.export);
  // All facts first: a folder that is no export leaves no page.
  const pages = [];
  for (const set of sets) {
    const page = featurePage(set, await featureFacts(set, modelsFolder(modelsDir), flags.export));
    pages.push({ page, path: join(flags.out, `${set.name}.${isHtml ? 'html' : 'md'}`) });
  }
  for (const { page, path } of pages) {
    await writePage(path, flags.out, isHtml ? pageHtml(page) : pageMarkdown(page));
    terminal.value({ page: path, featureSet: page.title, features: page.features.length });
    terminal.line(`${path}: ${page.features.length} features of ${page.title}`);
  }
}

/** Every set; with an export, the one that it is of. */
async function wantedSets(exportFolder: string | undefined): Promise<FeatureSet[]> {
  const sets = await setsByName();
  if (exportFolder === undefined) return [...sets.values()];
  const { setOfExport } = await import('../feature-facts.ts');
  const name = await setOfExport(exportFolder);
  const set = sets.get(name);
  if (set !== undefined) return [set];
  throw new AppError('feature_not_found', `${exportFolder} is of the feature set ${name}, which there is not here`);
}

async function writePage(path: string, folder: string, text: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(path, text);
  } catch (error) {
    throw new AppError('storage_failed', `${path} cannot be written: ${messageOf(error)}`, {}, error);
  }
}
