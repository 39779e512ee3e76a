import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { importsOf, ROOT, sourceFiles } from './source-files.ts';

/** The table of ARCHITECTURE.md: a folder may import itself and what its row names. An unknown folder fails. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  base: [],
  domain: ['base'],
  storage: ['base'],
  events: ['base', 'domain'],
  features: ['base', 'domain'],
  simulator: ['base', 'domain'],
  scoring: ['base', 'domain', 'events', 'features'],
  governance: ['base', 'domain', 'storage'],
  pipeline: ['base', 'domain', 'storage', 'events', 'features', 'simulator', 'governance'],
  'training-export': ['base', 'domain', 'storage', 'features', 'governance'],
  server: ['base', 'domain', 'events', 'features', 'scoring'],
  config: ['base', 'domain'],
  cli: [
    'base',
    'domain',
    'storage',
    'events',
    'features',
    'simulator',
    'scoring',
    'governance',
    'pipeline',
    'training-export',
    'server',
    'config',
  ],
};

const files = sourceFiles('src');

describe('layers', () => {
  it('are the folders of src, no more and no fewer', () => {
    expect(readdirSync(`${ROOT}/src`).sort()).toEqual(Object.keys(MAY_IMPORT).sort());
  });

  it.each(Object.keys(MAY_IMPORT))('%s imports only what its row names', (layer) => {
    const wrong: string[] = [];
    for (const file of files.filter((path) => path.startsWith(`src/${layer}/`))) {
      for (const target of importsOf(file)) {
        const to = target.split('/')[1] ?? '';
        if (target.startsWith('src/') && to !== layer && !MAY_IMPORT[layer]?.includes(to))
          wrong.push(`${file} imports ${target}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('have no cycle of imports', () => {
    const cycle = findCycle(new Map(files.map((file) => [file, importsOf(file)])));
    expect(cycle).toEqual([]);
  });
});

/** Files of one import cycle, or none. Imports of types alone count too. */
function findCycle(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const state = new Map<string, 'open' | 'done'>();
  const path: string[] = [];
  const visit = (file: string): string[] => {
    if (state.get(file) === 'done') return [];
    if (state.get(file) === 'open') return [...path.slice(path.indexOf(file)), file];
    state.set(file, 'open');
    path.push(file);
    for (const next of graph.get(file) ?? []) {
      const cycle = visit(next);
      if (cycle.length > 0) return cycle;
    }
    path.pop();
    state.set(file, 'done');
    return [];
  };
  for (const file of graph.keys()) {
    const cycle = visit(file);
    if (cycle.length > 0) return cycle;
  }
  return [];
}
