import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { AppError } from '../../base/errors.ts';
import type { ExportDiff } from '../../training-export/diff-exports.ts';
import type { CommandContext, ContextOf } from '../command-context.ts';
import { tableLines } from '../terminal.ts';

const HELP = `
Rows are matched by (end_to_end_id, side), whatever splits and formats they are in. Of each column that differs it says in
how many rows, why (a definition, versions of tables, the label policy, a late label, …) and shows the first.

Examples:
  sentinela export diff training-july training-august
  sentinela export diff a b --json`;

/** Adds `export diff`. */
export function addDiffCommand(group: Command, contextOf: ContextOf): void {
  group
    .command('diff <first> <second>')
    .description('how two exports differ: rows, columns, values, and why')
    .addHelpText('after', HELP)
    .action((first: string, second: string, _flags, command: Command) => diff(contextOf(command), first, second));
}

async function diff({ terminal }: CommandContext, first: string, second: string): Promise<void> {
  const [{ diffExports }, { localObjectStore }] = await Promise.all([
    import('../../training-export/diff-exports.ts'),
    import('../../storage/store/local-object-store.ts'),
  ]);
  for (const folder of [first, second]) {
    if (!existsSync(folder)) throw new AppError('not_found', `there is no folder ${folder}`);
  }
  const found = await diffExports(localObjectStore(first), localObjectStore(second));
  terminal.value({ first, second, ...found });
  for (const line of diffLines(found, first, second)) terminal.line(line);
}

function diffLines(found: ExportDiff, first: string, second: string): string[] {
  const lines = found.madeOf.map(({ what, first: was, second: is }) => `${what}: ${was} → ${is}`);
  const only = (of: string, names: readonly string[], count: number): void => {
    if (count > 0) lines.push(`only in ${of}: ${count} (${names.join(', ')}${count > names.length ? ', …' : ''})`);
  };
  only(`${first}, columns`, found.columnsOnlyInFirst, found.columnsOnlyInFirst.length);
  only(`${second}, columns`, found.columnsOnlyInSecond, found.columnsOnlyInSecond.length);
  only(`${first}, rows`, found.onlyInFirst, found.rowsOnlyInFirst);
  only(`${second}, rows`, found.onlyInSecond, found.rowsOnlyInSecond);
  if (found.values.length > 0) {
    const rows = found.values.map(({ column, rows: count, why, example }) => [
      column,
      count,
      Object.entries(why)
        .map(([reason, times]) => `${reason} (${times})`)
        .join(', '),
      `${example.row}: ${example.first} → ${example.second}`,
    ]);
    lines.push(...tableLines([['column', 'rows', 'why', 'first'], ...rows]));
  }
  const same = found.isSame ? 'the same rows and values' : 'they differ';
  lines.push(`${found.rowsInBoth} rows are in both: ${same}`);
  return lines;
}
