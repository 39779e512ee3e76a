import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { addServeCommand } from '../../../../src/cli/commands/serve.ts';

/** The help of `serve`, a line an option or a paragraph. */
function helpOfServe(): string {
  const program = new Command();
  addServeCommand(program, () => {
    throw new Error('no command runs');
  });
  const [serve] = program.commands;
  serve?.configureHelp({ helpWidth: 1000 });
  return serve?.helpInformation() ?? '';
}

describe('serve', () => {
  it('takes the share of the control group', () => {
    expect(helpOfServe()).toMatch(/--control-share <value> .*SENTINELA_CONTROL_SHARE; default 0\)/);
  });

  it('says what a setting without a value stands for', () => {
    expect(helpOfServe()).toMatch(/--drift-export <value> .*default the model’s own manifest\.json\)/);
    expect(helpOfServe()).toMatch(/--models-dir <value> .*default the one that ships\)/);
    expect(helpOfServe()).toMatch(/--redis-url <value> .*default none\)/);
  });
});
