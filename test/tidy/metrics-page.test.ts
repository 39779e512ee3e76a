import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ROOT, sourceFiles } from './source-files.ts';

/** Gauges are named without the prefix that they all get, in tables of these forms. */
const NAMED = [/'(sentinela_[a-z_]+)'/g, /^ {4,6}([a-z_]+): \{\s*help: /gm];

it('docs/metrics.md names every metric, and no other', () => {
  const inCode = new Set<string>();
  for (const file of sourceFiles('src').filter((path) => /^src\/(server|cli)\//.test(path))) {
    const text = readFileSync(`${ROOT}/${file}`, 'utf8');
    for (const form of NAMED) {
      for (const [, name = ''] of text.matchAll(form))
        inCode.add(name.startsWith('sentinela_') ? name : `sentinela_${name}`);
    }
  }
  const page = readFileSync(`${ROOT}/docs/metrics.md`, 'utf8');
  const inPage = new Set([...page.matchAll(/^\| `(sentinela_[a-z_]+)/gm)].map(([, name]) => name));
  expect(inCode.size).toBeGreaterThan(20);
  expect([...inPage].sort()).toEqual([...inCode].sort());
});
