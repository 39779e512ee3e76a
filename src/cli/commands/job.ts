import type { Command } from 'commander';
import { AppError } from '../../base/errors.ts';
import { didYouMean } from '../../base/nearest-name.ts';
import type { CommandContext, ContextOf } from '../command-context.ts';
import { addSettingOptions, settingFlags } from './config.ts';

const JOBS = ['bronze-to-silver', 'silver-to-gold'] as const;

/** `sentinela job run NAME`. */
export function addJobCommand(program: Command, contextOf: ContextOf): void {
  const job = program.command('job').description('the jobs of the lake');
  const run = job
    .command('run <name>')
    .description(`run ${JOBS.join(' or ')} once: incremental, safe to kill and to run twice`)
    .addHelpText(
      'after',
      '\nExamples:\n  sentinela job run bronze-to-silver\n  sentinela job run silver-to-gold --json',
    )
    .action((name: string, _flags, command: Command) => runJobOnce(contextOf(command), name, settingFlags(command)));
  addSettingOptions(run, ['dataDir']);
}

async function runJobOnce(
  { terminal, config }: CommandContext,
  name: string,
  flags: Readonly<Record<string, unknown>>,
): Promise<void> {
  const known = JOBS.find((job) => job === name);
  if (known === undefined)
    throw new AppError('usage', `there is no job ${name}${didYouMean(name, JOBS)} (${JOBS.join(', ')})`);
  const { dataDir } = await config(flags);
  const { drainJournals, openLakeOf } = await import('../lake-access.ts');
  const access = await openLakeOf(dataDir);
  const journals = await drainJournals(access, 'by');
  try {
    const figures = await (known === 'bronze-to-silver'
      ? (await import('../../pipeline/bronze-to-silver.ts')).bronzeToSilver(access.ports)
      : (await import('../../pipeline/silver-to-gold.ts')).silverToGold(access.ports));
    terminal.value({ job: known, ...figures });
    const rate = Math.round(figures.read / Math.max(0.001, figures.elapsedMs / 1000));
    const number = (value: number): string => value.toLocaleString('en-US');
    terminal.line(
      `${known}: ${number(figures.read)} rows read, ${number(figures.written)} written, ${number(figures.duplicates)} duplicates, ` +
        `${number(figures.quarantined)} quarantined in ${(figures.elapsedMs / 1000).toFixed(1)} s (${number(rate)} rows/s)`,
    );
  } finally {
    await journals.release();
  }
}
