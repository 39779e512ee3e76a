import { describe, expect, it } from 'vitest';
import { checkDefinition } from '../../../src/features/definition-check.ts';
import { compileFeatureSet } from '../../../src/features/feature-set.ts';
import { PIX_CORE } from '../../../src/features/pix-core.ts';
import { exportColumns } from '../../../src/training-export/export-columns.ts';

describe('a feature set', () => {
  it('may name no feature as a training set names its own columns', () => {
    const keys = exportColumns({ set: compileFeatureSet(PIX_CORE) }).filter((column) => column.role !== 'feature');
    expect(keys.length).toBeGreaterThan(10);
    for (const { name } of keys) {
      const [first, ...rest] = PIX_CORE.features;
      if (first === undefined) throw new Error('the shipped set is empty');
      const features = [{ ...first, name }, ...rest];
      expect(() => checkDefinition({ ...PIX_CORE, features }), name).toThrow(/every training set has this name/);
    }
  });
});
