import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/base/limits.ts';
import { bindExpressions } from '../../src/features/definition/bind-expressions.ts';
import { COLUMN_TYPES, isColumnName, isDerivedColumn } from '../../src/features/expression/derived-columns.ts';
import { FUNCTIONS } from '../../src/features/expression/functions.ts';
import { PIX_CORE } from '../../src/features/pix-core.ts';
import { ROOT } from './source-files.ts';

const page = readFileSync(join(ROOT, 'docs/expressions.md'), 'utf8');
const section = (title: string): string => page.split(/^## /m).find((part) => part.startsWith(title)) ?? '';
const rowsOf = (text: string): string[] => text.split('\n').filter((line) => line.startsWith('| `'));

describe('docs/expressions.md', () => {
  it('has the functions that the language has, with their rules', () => {
    const rows = [...FUNCTIONS.values()].map(
      ({ signature, meaning, nulls }) => `| \`${signature}\` | ${meaning} | ${nulls} |`,
    );
    expect(rowsOf(section('Functions'))).toEqual(rows);
    for (const [name, { signature }] of FUNCTIONS) expect(signature.startsWith(`${name}(`), name).toBe(true);
  });

  it('has the derived columns that there are', () => {
    const columns = [...COLUMN_TYPES].filter(([name]) => isColumnName(name) && isDerivedColumn(name));
    const told = rowsOf(section('Names')).map((row) => row.split(' | ').slice(0, 2).join(' '));
    expect(told).toEqual(columns.map(([name, type]) => `| \`${name}\` ${type}`));
  });

  it('has the limits', () => {
    const { expressionCharacters, expressionNodes, expressionDepth, expressionNodesOfSet } = LIMITS;
    for (const limit of [expressionCharacters, expressionNodes, expressionDepth, expressionNodesOfSet]) {
      expect(section('Limits')).toMatch(new RegExp(`\\s${limit.toLocaleString('en-US')}\\s`));
    }
    expect(section('Limits')).toContain(` ${bindExpressions(PIX_CORE.features).length} expressions`);
  });

  it('shows examples that the shipped set takes', () => {
    const examples = /```text\n(.*?)```/s.exec(page)?.[1]?.trim().split('\n') ?? [];
    expect(examples.length).toBeGreaterThan(5);
    const features = examples.map((expression, at) => ({
      kind: 'expression' as const,
      name: `example_${at}`,
      description: '-',
      expression,
    }));
    expect(bindExpressions([...PIX_CORE.features, ...features]).length).toBeGreaterThan(examples.length);
  });
});
