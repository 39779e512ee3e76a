import { describe, expect, it } from 'vitest';
import { type ExportFlags, exportOptionsOf } from '../../../../src/cli/commands/export-flags.ts';
import { compileFeatureSet } from '../../../../src/features/feature-set.ts';
import { plainSet } from '../../features/streams.ts';

const set = compileFeatureSet(plainSet(16));
const FLAGS: ExportFlags = {
  from: 'silver.transactions@3',
  features: 'plain',
  labelsAsOf: '2026-08-29',
  out: 'training',
  horizon: '91d',
  embargo: 'drop',
  counted: 'AGREED',
};
const optionsOf = (flags: Partial<ExportFlags>) => exportOptionsOf({ ...FLAGS, ...flags }, set);
const TIME = 'time:2026-06-19,2026-07-09';

describe('flags of export create that nothing would come of', () => {
  it.each([
    [{ embargo: 'keep' }, '--embargo keep is of a split by time'],
    [{ embargo: 'keep', split: 'group:payer=80/10/10' }, '--embargo keep is of a split by time'],
    [{ seed: '7' }, '--seed draws nothing without --sample-negatives or --split group:'],
    [{ seed: '7', split: TIME }, '--seed draws nothing'],
    [{ pin: 'transactions@5' }, '--from and --pin name two versions of silver.transactions: 3 and 5'],
  ])('are refused: %j', (flags, message) => {
    expect(() => optionsOf(flags)).toThrow(message);
    expect(() => optionsOf(flags)).toThrow(expect.objectContaining({ code: 'usage' }));
  });

  it('are taken where something does', () => {
    expect(optionsOf({ embargo: 'keep', split: TIME }).withEmbargo).toBe(true);
    expect(optionsOf({ seed: '7', split: 'group:payer=80/10/10' }).group?.seed).toBe(7);
    expect(optionsOf({ seed: '7', sampleNegatives: '0.5' }).sample).toEqual({ keep: 0.5, seed: 7 });
    expect(optionsOf({ pin: 'transactions@3,labels@4' }).versions).toEqual({
      'silver/transactions': 3,
      'silver/labels': 4,
    });
    expect(optionsOf({ from: 'silver.transactions', pin: 'transactions@5' }).versions).toEqual({
      'silver/transactions': 5,
    });
  });
});
