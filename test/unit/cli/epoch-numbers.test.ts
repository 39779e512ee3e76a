import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { takeEpoch } from '../../../src/cli/epoch-numbers.ts';

let folder: string;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'sentinela-epochs-')), 'epochs');
});
afterEach(() => rmSync(join(folder, '..'), { recursive: true }));

describe('the number of an epoch', () => {
  it('is nobody else’s, however many take one at once', async () => {
    const taken = await Promise.all(Array.from({ length: 30 }, () => takeEpoch(folder, 4)));
    expect(taken.sort((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, at) => 5 + at));
  });

  it('is beyond all that the lake knows and all that were ever taken, of which few files stay', async () => {
    expect(await takeEpoch(folder, 0)).toBe(1);
    expect(await takeEpoch(folder, 7)).toBe(8);
    for (let known = 0; known < 200; known += 1) expect(await takeEpoch(folder, known % 3)).toBe(9 + known);
    expect(readdirSync(folder).length).toBeLessThan(70);
  });
});
