import { describe, expect, it } from 'vitest';
import { compileCondition } from '../../../../src/features/expression/condition.ts';
import { ColumnDeriver } from '../../../../src/features/expression/derived-columns.ts';
import { ExpressionError } from '../../../../src/features/expression/expression-error.ts';
import { rowOf } from '../streams.ts';

// 2026-11-24 22:30 in São Paulo, a Tuesday; UTC is a day further.
const instant = Date.UTC(2026, 10, 25, 1, 30) * 1000;
const row = { ...rowOf('E1', instant, 30_000, 1, 2), device_remote_access: true };
const holds = (text: string): boolean => compileCondition(text).holds(row, new ColumnDeriver().read(row));
const refused = (text: string): ExpressionError => {
  try {
    compileCondition(text);
  } catch (error) {
    if (error instanceof ExpressionError) return error;
    throw error;
  }
  throw new Error(`${text} was taken`);
};

describe('a condition', () => {
  it('speaks of the payment’s columns and of those that are derived from them', () => {
    expect(holds("amount_centavos > 29999 and side = 'PAYER'")).toBe(true);
    expect(holds('civil_hour = 22 and weekday = 2')).toBe(true);
    expect(holds("payer_account = '11111111||1' and payee_account <> payer_account")).toBe(true);
    expect(holds("day = date '2026-11-24'")).toBe(true);
    expect(holds('is_night(event_time) and not is_weekend(event_time)')).toBe(true);
    expect(holds('amount_centavos % 7 = 0')).toBe(false);
  });

  it('is not fulfilled where it is null, and neither is its opposite', () => {
    expect(holds('device_active_call')).toBe(false);
    expect(holds('not device_active_call')).toBe(false);
    expect(holds('device_active_call or device_remote_access')).toBe(true);
    expect(holds('absent(device_active_call)')).toBe(true);
  });

  it('names what it reads of the payment', () => {
    const condition = compileCondition('day > payer_account_opened_on and payee_account is not null');
    expect([...condition.columns].sort()).toEqual(
      ['event_time', 'payee_branch', 'payee_ispb', 'payee_number', 'payer_account_opened_on'].sort(),
    );
    expect(condition.readsDerived).toBe(true);
    expect(compileCondition('device_remote_access').readsDerived).toBe(false);
  });

  it('knows no features and gives a boolean, or is refused with the place', () => {
    expect(refused('payer_count_24h > 3').message).toMatch(
      /condition: there is no column payer_count_24h.* at character 1$/,
    );
    expect(refused('1 + amount_centavos').message).toMatch(/must be a boolean, and is a whole number at character 3$/);
    expect(refused('amount_centavo > 3').message).toMatch(/did you mean amount_centavos\? at character 1$/);
  });
});
