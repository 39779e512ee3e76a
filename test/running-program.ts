import { spawnSync } from 'node:child_process';
import { PROGRAM } from './running-server.ts';

/** What a command of the built program did. */
export interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command of the built program to its end. @param encoding `latin1` for a result of bytes. */
export function runProgram(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  encoding: 'utf8' | 'latin1' = 'utf8',
): Ran {
  const { stdout, stderr, status } = spawnSync(process.execPath, [PROGRAM, ...args], {
    encoding,
    maxBuffer: 1 << 28,
    env: { ...process.env, ...env },
  });
  return { status: status ?? -1, stdout, stderr };
}

/** Runs a command that must succeed and gives its lines of JSON. */
export function sentinela(...args: string[]): Record<string, unknown>[] {
  const { status, stdout, stderr } = runProgram(args);
  if (status !== 0) throw new Error(`sentinela ${args.join(' ')} ended with ${status}: ${stderr}`);
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** Rows of a table of a lake. */
export function readTable(dataDir: string, table: string, columns: string): Record<string, unknown>[] {
  return sentinela('table', 'read', '--path', `${dataDir}/lake/${table}`, '--columns', columns);
}
