import { describe, expect, it } from 'vitest';
import { checkDefinition } from '../../../src/features/definition/definition-check.ts';
import { compileFeatureSet } from '../../../src/features/feature-set.ts';
import { PIX_CORE } from '../../../src/features/pix-core.ts';
import { ID_COLUMNS, type IdColumn } from '../../../src/training-export/entity-columns.ts';
import { exportColumns } from '../../../src/training-export/export-columns.ts';

describe('a feature set', () => {
  it('may name no feature as a training set names its own columns, with whatever options it is made', () => {
    const set = compileFeatureSet(PIX_CORE);
    const ids = { columns: Object.keys(ID_COLUMNS) as IdColumn[], form: 'clear' } as const;
    const sample = { keep: 0.5, seed: 1 } as never;
    const columns = [
      ...exportColumns({ set, ids, sample, eventKeys: true, status: 'packed' }),
      ...exportColumns({ set, rows: {} as never, status: 'columns' }),
    ];
    const own = new Set(columns.filter(({ role }) => role !== 'feature').map(({ name }) => name));
    expect(own.size).toBeGreaterThan(20 + set.names.length);
    for (const name of own) {
      const [first, ...rest] = PIX_CORE.features;
      if (first === undefined) throw new Error('the shipped set is empty');
      const features = [{ ...first, name }, ...rest];
      expect(() => checkDefinition({ ...PIX_CORE, features }), name).toThrow(/training set has a column of this name/);
    }
  });
});
