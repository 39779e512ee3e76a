import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runProgram } from '../running-program.ts';

const folder = mkdtempSync(join(tmpdir(), 'sentinela-simulate-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('sentinela simulate', () => {
  const simulate = (...more: string[]) =>
    runProgram(['simulate', '--count', '4000', '--out', join(folder, 'payments.ndjson'), ...more]);

  it('tells on stderr, and in its JSON, what it fell short of', () => {
    const told = /^only [\d,]+ fraudulent payments, where --fraud-rate asks for 4,000: simulate --help tells the cap$/m;
    const { status, stdout, stderr } = simulate('--fraud-rate', '1', '--json');
    expect([status, stderr]).toEqual([0, expect.stringMatching(told)]);
    const { frauds, shortfalls } = JSON.parse(stdout);
    expect(shortfalls).toEqual([{ option: 'fraudRate', asked: 4000, made: frauds }]);
    expect(simulate('--fraud-rate', '1').stderr).toMatch(told);
  });

  it('tells nothing where all was reached', () => {
    const { stdout, stderr } = simulate('--fraud-rate', '0.1', '--json');
    expect(stderr).not.toContain('only');
    expect(JSON.parse(stdout).shortfalls).toEqual([]);
  });
});
