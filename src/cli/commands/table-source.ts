import type { Command } from 'commander';
import { AppError } from '../../base/errors.ts';
import type { Snapshot } from '../../storage/scan/snapshot.ts';
import type { DeltaTable } from '../../storage/table.ts';

/** Which table, and which of its versions. */
export interface SourceFlags {
  readonly path: string;
  readonly version?: string;
  readonly timestamp?: string;
}

/** Adds `--path` to a command. */
export function withPath(command: Command): Command {
  return command.requiredOption('--path <table>', 'folder of the table, or its file: or s3: URI');
}

/** Adds `--version` and `--timestamp` to a command. */
export function withTime(command: Command): Command {
  return command
    .option('--version <n>', 'an older version')
    .option('--timestamp <t>', 'the version of then: 2026-07-01T12:00:00Z, or a date (00:00 UTC)');
}

/** Opens the table of `--path`. Nothing is read before it is asked for. */
export async function openTableOf({ path }: Pick<SourceFlags, 'path'>): Promise<DeltaTable> {
  const [{ openTable }, { openObjectStore }, { systemClock }] = await Promise.all([
    import('../../storage/table.ts'),
    import('../../storage/store/open-object-store.ts'),
    import('../../base/clock.ts'),
  ]);
  const clock = systemClock();
  const { store, table } = openObjectStore(path, { environment: process.env, clock });
  return openTable(store, table, { clock });
}

/** The table at the asked version, or time; without one at the newest. */
export async function snapshotOf(table: DeltaTable, { version, timestamp }: SourceFlags): Promise<Snapshot> {
  if (version !== undefined && timestamp !== undefined) {
    throw new AppError('usage', '--version and --timestamp exclude each other');
  }
  if (timestamp !== undefined) return table.snapshotAt(await instantOf('timestamp', timestamp));
  return table.snapshot(version === undefined ? undefined : countOf('version', version));
}

/** A count of the command line: 0, 1, 2, … @throws AppError usage. */
export function countOf(flag: string, text: string): number {
  const value = /^\d+$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw new AppError('usage', `--${flag} ${text} is no count: 0, 1, 2, …`);
  return value;
}

/** An instant of the command line in milliseconds since 1970; without a zone UTC. @throws AppError usage. */
export async function instantOf(flag: string, text: string): Promise<number> {
  const { floorDivide, parseInstant } = await import('../../storage/types/calendar.ts');
  const instant = parseInstant(text.trim());
  if (instant === undefined) {
    throw new AppError('usage', `--${flag} ${text} is no instant: write 2026-07-01T12:00:00Z or 2026-07-01`);
  }
  return Number(floorDivide(instant.micros, 1000n));
}

/** The names of a list, `a,b`. @throws AppError usage where one is empty. */
export function namesOf(flag: string, text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.some((name) => name === '')) throw new AppError('usage', `--${flag} ${text} names a column without a name`);
  return names;
}
