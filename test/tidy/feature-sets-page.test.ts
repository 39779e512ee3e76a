import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/base/limits.ts';
import { RESERVED_NAMES, STATUS_SUFFIX } from '../../src/features/definition/reserved-names.ts';
import { readDefinitionFile } from '../../src/features/yaml/definition-file.ts';
import { FEATURE_KEYS, FEATURE_KINDS } from '../../src/features/yaml/feature-reader.ts';
import { ROOT } from './source-files.ts';

const page = readFileSync(join(ROOT, 'docs/feature-sets.md'), 'utf8');
const example = /```yaml\n(.*?)```/s.exec(page)?.[1] ?? '';

describe('docs/feature-sets.md', () => {
  it('shows a set that is read, and its faults as they are told', () => {
    expect(readDefinitionFile(example, 'example.yaml').features).toHaveLength(4);
    const wrong = example
      .replace('column: amount_centavos\n    filter', 'column: amount_centavo\n    filter')
      .replace('/ payer_mean_30d', '/ payer_maen_30d');
    const told = /```\nsentinela: (.*?) \(feature_invalid\)\n```/s.exec(page)?.[1] ?? '';
    expect(() => readDefinitionFile(wrong, 'features.yaml')).toThrow(told);
    expect(told).toMatch(/^features\.yaml:\d+:\d+: .*maen/m);
  });

  it('has the keys of every kind of feature', () => {
    for (const kind of FEATURE_KINDS) {
      const row = page.split('\n').find((line) => line.startsWith(`| ${kind} |`)) ?? '';
      const described = ['kind', 'name', 'description', 'owner', 'tags', 'personal', 'type'];
      const keys = [...row.matchAll(/`(\w+)`/g)].map(([, key]) => key);
      expect([...described, ...keys].sort(), kind).toEqual([...FEATURE_KEYS[kind]].sort());
    }
  });

  it('has the names that no feature may have', () => {
    const item = /- A feature's name is .*?(?=\n- )/s.exec(page)?.[0] ?? '';
    const names = [...item.matchAll(/`(\w+)`/g)].map(([, name]) => name);
    expect(names.sort()).toEqual([STATUS_SUFFIX, ...RESERVED_NAMES].sort());
  });

  it('has the limits', () => {
    const { definitionFileAliases, setFeatures, definitionFileBytes } = LIMITS;
    const number = (value: number): string => value.toLocaleString('en-US');
    expect(page).toContain(`${definitionFileBytes / 2 ** 20} MiB, ${number(definitionFileAliases)} aliases and`);
    expect(page).toContain(`${number(setFeatures)} features at most`);
  });
});
