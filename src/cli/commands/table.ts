import type { Command } from 'commander';
import type { ContextOf } from '../command-context.ts';
import { addChangesCommand } from './table-changes.ts';
import { addDescribeCommands } from './table-describe.ts';
import { addMaintenanceCommands } from './table-maintenance.ts';
import { addReadCommand } from './table-read.ts';

/** `sentinela table show | describe | history | read | changes | optimize | vacuum | restore | fsck`. */
export function addTableCommand(program: Command, contextOf: ContextOf): void {
  const table = program.command('table').description('any Delta table: in a folder of this machine or in S3');
  addDescribeCommands(table, contextOf);
  addReadCommand(table, contextOf);
  addChangesCommand(table, contextOf);
  addMaintenanceCommands(table, contextOf);
}
