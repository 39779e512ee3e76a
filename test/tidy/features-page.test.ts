import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ENTITY_KINDS } from '../../src/domain/entity-keys.ts';
import { WINDOW_AGGREGATES } from '../../src/features/definition/definition.ts';
import { FEATURE_STATUS_NAMES } from '../../src/features/feature-status.ts';

const page = readFileSync('docs/features.md', 'utf8');
const rows = page.split('\n').filter((line) => line.startsWith('| `'));
const named = rows.flatMap((line) => [...(line.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map(([, name]) => name));

describe('docs/features.md', () => {
  it.each([
    ['aggregate', WINDOW_AGGREGATES],
    ['kind of entity', ENTITY_KINDS],
    ['status of what has no value', FEATURE_STATUS_NAMES.filter((name) => name !== 'present')],
  ] as const)('has a row for every %s', (_, names) => {
    for (const name of names) expect(named).toContain(name);
  });
});
