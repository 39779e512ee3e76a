import { describe, expect, it } from 'vitest';
import type { FeatureDefinition, WindowFeature } from '../../../../src/features/definition/definition.ts';
import { PIX_CORE } from '../../../../src/features/pix-core.ts';
import { windowSql } from '../../../../src/features/sql/window-sql.ts';

const BASE = { kind: 'window', name: 'f', description: '-', entity: 'pair', aggregate: 'count', window: '1h' } as const;

describe('a window’s SQL', () => {
  it('is a self-join on the entity, its numbers and the window', () => {
    const written = windowSql({ ...BASE, aggregate: 'sum', column: 'amount_centavos', filter: 'purpose is null' });
    expect(written).toEqual({
      kind: 'sql',
      sql: `SELECT r.end_to_end_id, r.side,
  TRY_CAST(coalesce(sum(CAST(e.amount_centavos AS HUGEINT)), 0) AS BIGINT) AS "f"
FROM reads AS r LEFT JOIN events AS e
  ON e.payer_account = r.payer_account
  AND e.payee_account = r.payee_account
  AND (e.pair_epoch, e.pair_seq) <= (r.pair_epoch, r.pair_seq) AND e.end_to_end_id <> r.end_to_end_id
  AND e.t > r.t - 3600000000 AND e.t <= r.t
  AND (e.purpose IS NULL)
GROUP BY r.end_to_end_id, r.side, r.t`,
    });
  });

  it.each<[string, string]>([
    ["payee_account_type = 'O''Neill'", "(e.payee_account_type = 'O''Neill')"],
    ['not device_remote_access', '(NOT e.device_remote_access)'],
    ["day > date '2026-01-31'", "((e.day - DATE '1970-01-01') > 20484)"],
    ['amount_centavos > 0.5', "(e.amount_centavos > CAST('0.5' AS DOUBLE))"],
    ['hour(event_time) in (1, 2)', '(e.civil_hour IN (1, 2))'],
  ])('has the condition %s', (filter, sql) => {
    expect(windowSql({ ...BASE, filter })).toMatchObject({ kind: 'sql', sql: expect.stringContaining(sql) });
  });

  it.each<[string, Partial<WindowFeature>]>([
    ['streak is not among the aggregates', { aggregate: 'streak', while: 'amount_is_zero' }],
    ['its condition holds + ', { filter: 'amount_centavos + 1 > 5' }],
    ['its condition holds hour, ', { filter: 'hour(device_enrolled_at) > 5' }],
    ['its condition holds code, ', { filter: "code(side, 'PAYER', 1) = 1" }],
    ['its condition holds %, ', { filter: 'amount_centavos % 0.5 = 0' }],
  ])('is not written, and says why: %s', (why, members) => {
    const written = windowSql({ ...BASE, ...members });
    expect(written.kind === 'unwritten' ? written.why : '').toContain(why.trim());
  });

  it('is there for most windows of the shipped set', () => {
    const windows = PIX_CORE.features.filter((feature: FeatureDefinition) => feature.kind === 'window');
    const written = windows.filter((feature) => windowSql(feature).kind === 'sql');
    expect(written.length / windows.length).toBeGreaterThan(0.7);
    console.info(`${written.length} of ${windows.length} windows of the shipped set are written as SQL`);
  });
});
