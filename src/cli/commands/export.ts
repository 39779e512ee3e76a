import type { Command } from 'commander';

/** `sentinela export`. */
export function addExportCommand(program: Command): void {
  program.command('export').description('training sets');
}
