import type { Command } from 'commander';
import type { Config } from '../config/settings.ts';
import type { Terminal } from './terminal.ts';

/** What a command is given. Heavy parts are imported inside its action, so that `--help` takes 0.1 s. */
export interface CommandContext {
  readonly terminal: Terminal;
  /** The configuration, with the command's own flags over all else. */
  config(flags: Readonly<Record<string, unknown>>): Promise<Config>;
}

/** Gives the context once the options of the whole program are known. */
export type ContextOf = (command: Command) => CommandContext;
