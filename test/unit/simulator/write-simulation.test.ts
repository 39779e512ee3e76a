import { execFileSync } from 'node:child_process';
import {
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { simulationOptions } from '../../../src/simulator/options.ts';
import { correctionsPathOf, labelsPathOf, writeSimulation } from '../../../src/simulator/write-simulation.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sentinela-simulation-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function pathsOf(name: string) {
  const paymentsPath = join(folder, name);
  return { paymentsPath, labelsPath: labelsPathOf(paymentsPath), correctionsPath: correctionsPathOf(paymentsPath) };
}

const small = (seed: number, correctionRate = 0) =>
  simulationOptions({ count: 400, seed, fraudRate: 0.05, correctionRate });
const text = (name: string): string => readFileSync(join(folder, name), 'utf8');

describe('the files of a simulation', () => {
  it('are not in their places before all of them are whole', () => {
    const seen: string[][] = [];
    const options = simulationOptions({ count: 20_000, seed: 1, correctionRate: 0.01 });
    writeSimulation(options, pathsOf('a'), () =>
      seen.push(readdirSync(folder).filter((name) => /^a(\.\w+\.ndjson)?$/.test(name))),
    );
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.flat()).toEqual([]);
    expect(readdirSync(folder).sort()).toEqual(['a', 'a.corrections.ndjson', 'a.labels.ndjson']);
    expect(statSync(join(folder, 'a')).mode & 0o777).toBe(0o600);
  });

  it('of a run that fails leave those of an earlier one, and nothing else', () => {
    writeSimulation(small(1), pathsOf('a'));
    const [payments, labels] = [text('a'), text('a.labels.ndjson')];
    const failing = (): void => {
      throw new Error('stopped');
    };
    const options = simulationOptions({ count: 20_000, seed: 2, correctionRate: 0.01 });
    expect(() => writeSimulation(options, pathsOf('a'), failing)).toThrow('stopped');
    expect(readdirSync(folder).sort()).toEqual(['a', 'a.labels.ndjson']);
    expect([text('a'), text('a.labels.ndjson')]).toEqual([payments, labels]);
  });

  it('take the place of what a killed run was writing, and of corrections of which there are none now', () => {
    writeSimulation(small(1, 0.2), pathsOf('a'));
    expect(text('a.corrections.ndjson')).not.toBe('');
    writeFileSync(join(folder, 'a.writing'), 'half of a li');
    writeSimulation(small(2), pathsOf('a'));
    expect(readdirSync(folder).sort()).toEqual(['a', 'a.labels.ndjson']);
    writeSimulation(small(2), pathsOf('b'));
    expect(text('a')).toBe(text('b'));
  });

  it('go where a link leads', () => {
    writeFileSync(join(folder, 'there'), '');
    symlinkSync('there', join(folder, 'a'));
    writeSimulation(small(1), pathsOf('a'));
    expect(lstatSync(join(folder, 'a')).isSymbolicLink()).toBe(true);
    expect(text('there').split('\n')).toHaveLength(401);
  });

  it('are written straight into what is no plain file', () => {
    const pipe = join(folder, 'pipe');
    // The reader goes on in a process of its own: this one waits in its write.
    const reader = execFileSync('sh', ['-c', `mkfifo '${pipe}'; cat '${pipe}' > '${join(folder, 'read')}' & echo $!`], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    expect(Number(reader.toString())).toBeGreaterThan(0);
    writeSimulation(small(1), pathsOf('pipe'));
    expect(statSync(pipe).isFIFO()).toBe(true);
    writeSimulation(small(1), pathsOf('a'));
    for (let tries = 0; tries < 100 && text('read') !== text('a'); tries += 1) execFileSync('sleep', ['0.05']);
    expect(text('read')).toBe(text('a'));
  });
});
