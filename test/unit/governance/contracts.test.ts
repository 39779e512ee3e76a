import { describe, expect, it } from 'vitest';
import { PAYMENT_COLUMNS } from '../../../src/domain/payment-row.ts';
import { REGISTRY_FEATURE_SETS } from '../../../src/governance/contracts/registry.ts';
import { SILVER_TRANSACTIONS } from '../../../src/governance/contracts/silver.ts';
import { brokenExpectation, definitionOf, schemaOf } from '../../../src/governance/contracts/table-contract.ts';
import { LAKE_TABLES } from '../../../src/pipeline/lake.ts';
import { parseSchema, serializeSchema } from '../../../src/storage/types/schema-json.ts';

describe('every contract', () => {
  it.each([...Object.entries(LAKE_TABLES), ['registry/feature_sets', REGISTRY_FEATURE_SETS] as const])(
    '%s is a schema that survives its text, with each column once',
    (path, contract) => {
      expect(contract.path).toBe(path);
      const names = contract.columns.map(({ name }) => name);
      expect(new Set(names).size).toBe(names.length);
      for (const name of names) expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
      expect(parseSchema(serializeSchema(schemaOf(contract)))).toEqual(schemaOf(contract));
      for (const column of contract.partitionColumns) expect(names).toContain(column);
      for (const { column } of contract.expectations) expect(names).toContain(column);
    },
  );

  it.each(Object.values(LAKE_TABLES))('$path keeps bounds of personal data out of the log', (contract) => {
    const indexed = definitionOf(contract).configuration?.['delta.dataSkippingStatsColumns']?.split(',') ?? [];
    expect(indexed.length).toBeLessThanOrEqual(32);
    for (const { name, personal } of contract.columns) if (personal) expect(indexed).not.toContain(name);
  });
});

describe('silver/transactions', () => {
  it('has every column of a payment, with the tag that it has there', () => {
    for (const { name, personal } of PAYMENT_COLUMNS) {
      expect(SILVER_TRANSACTIONS.columns.find((column) => column.name === name)?.personal).toBe(personal);
    }
  });

  it('tells the first expectation that a row breaks', () => {
    const good = { end_to_end_id: 'E', side: 'PAYER', event_time: 1, known_time: 2n, amount_centavos: 0 };
    expect(brokenExpectation(SILVER_TRANSACTIONS, good)).toBeUndefined();
    const codeOf = (changes: object): string | undefined =>
      brokenExpectation(SILVER_TRANSACTIONS, { ...good, ...changes })?.code;
    expect(codeOf({ end_to_end_id: null })).toBe('end_to_end_id_missing');
    expect(codeOf({ side: 'OTHER' })).toBe('side_unknown');
    expect(codeOf({ amount_centavos: -1 })).toBe('amount_out_of_range');
    expect(codeOf({ amount_centavos: 2n ** 62n })).toBe('amount_out_of_range');
    expect(codeOf({ known_time: undefined })).toBe('known_time_missing');
  });
});
