import { describe, expect, it } from 'vitest';
import { AppError } from '../../../src/base/errors.ts';
import { PAYEE_DECISIONS, PAYER_DECISIONS } from '../../../src/domain/decision.ts';
import { cnpjCheckDigits, isValidCnpj, isValidCpf, maskDocument } from '../../../src/domain/documents.ts';
import { parseEndToEndId } from '../../../src/domain/end-to-end-id.ts';
import { LABEL_STATES } from '../../../src/domain/label.ts';
import { amountOf, centavosOf } from '../../../src/domain/money.ts';
import { parsePayment } from '../../../src/domain/parse-payment.ts';
import { isValidPixKey } from '../../../src/domain/pix-key.ts';
import { examplePayment } from '../../payment-example.ts';

/** The field that a payment is refused for; undefined where it is taken. */
function refusedField(payment: unknown): unknown {
  try {
    parsePayment(payment);
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(AppError);
    return error instanceof AppError ? (error.context.field ?? '') : '';
  }
}

describe('what public code usually gets wrong about Pix', () => {
  it('an EndToEndId carries UTC, not the time of Brasília', () => {
    expect(parseEndToEndId('E1234567820261101120012345678901')?.minuteMicros).toBe(Date.UTC(2026, 10, 1, 12, 0) * 1000);
  });

  it('an id whose inner form does not parse is flagged, not refused', () => {
    for (const id of [
      'Z'.repeat(32),
      'E1234567820261301120012345678901',
      'E1234567820260230120012345678901',
      '0'.repeat(32),
    ]) {
      expect(parsePayment(examplePayment({ endToEndId: id })).degraded).toEqual(['end_to_end_id_unparsed']);
    }
    expect(refusedField(examplePayment({ endToEndId: 'E12345678202611011200123456789-1' }))).toBe('endToEndId');
    expect(refusedField(examplePayment({ endToEndId: `E1234567820261101120012345678901\n` }))).toBe('endToEndId');
  });

  it('an EndToEndId is case-sensitive and its ISPB may hold letters', () => {
    expect(parseEndToEndId('E1A2B3C4D202611011200aBcDeFgHiJk')?.ispb).toBe('1A2B3C4D');
    expect(parseEndToEndId('e1234567820261101120012345678901')).toBeUndefined();
  });

  it('ISPB and CNPJ are alphanumeric', () => {
    expect(refusedField(examplePayment())).toBeUndefined();
    expect(cnpjCheckDigits('12ABC34501DE')).toBe('35');
    expect(cnpjCheckDigits('112223330001')).toBe('81');
    expect(cnpjCheckDigits('000000000001')).toBe('91');
    expect(isValidCnpj('12ABC34501DE35')).toBe(true);
    expect(isValidCnpj('12abc34501de35')).toBe(false);
    expect(isValidCnpj('12ABC34501DE36')).toBe(false);
  });

  it('a CPF is checked by modulus 11 and never of one digit', () => {
    expect(isValidCpf('52998224725')).toBe(true);
    expect(isValidCpf('11144477735')).toBe(true);
    expect(isValidCpf('52998224726')).toBe(false);
    for (let digit = 0; digit < 10; digit += 1) expect(isValidCpf(String(digit).repeat(11))).toBe(false);
    expect(maskDocument('52998224725')).toBe('***.982.247-**');
  });

  it('DICT counters are d90, m12 and m60, with a watermark', () => {
    const person = { watermark: '1970-01-01', settlements: { d3: 1, d30: 1, m6: 1 } };
    expect(refusedField(examplePayment({ dict: { person } }))).toMatch(/^dict\.person\.settlements/);
    expect(refusedField(examplePayment({ dict: { person: { settlements: { d90: 1, m12: 1, m60: 1 } } } }))).toBe(
      'dict.person.watermark',
    );
    expect(parsePayment(examplePayment()).row).toMatchObject({
      dict_person_settlements_d90: 10,
      dict_person_frauds_m12: 1,
      dict_key_frauds_d90: null,
    });
  });

  it('contested is not fraud: there are four states', () => {
    expect(LABEL_STATES).toEqual(['CONTESTED', 'AGREED', 'DISAGREED', 'CANCELLED']);
  });

  it('each side has its own decisions', () => {
    expect(PAYER_DECISIONS).toEqual(['APPROVE', 'CHALLENGE', 'HOLD', 'REJECT']);
    expect(PAYEE_DECISIONS).toEqual(['ACCEPT', 'ACCEPT_AND_BLOCK', 'REJECT']);
  });
});

describe('a payment', () => {
  it('has an amount of exactly two decimals, centavos inside', () => {
    for (const amount of ['1', '1.5', '1,50', '01234567890.00', '-1.00', '1.500', ' 1.50', '1.50\n', 1.5]) {
      expect(refusedField(examplePayment({ amount }))).toBe('amount');
    }
    expect(centavosOf('1234567890.12')).toBe(123456789012);
    expect(amountOf(5)).toBe('0.05');
    expect(parsePayment(examplePayment({ amount: '0.00' })).row.amount_is_zero).toBe(true);
  });

  it('is refused for an instant or a date that is not real', () => {
    for (const acceptedAt of [
      '2026-02-30T00:00:00Z',
      '2026-11-01T24:00:00Z',
      '2026-11-01T12:00:60Z',
      '2026-11-01T12:00:00+00:00',
      '2026-11-01',
    ]) {
      expect(refusedField(examplePayment({ acceptedAt }))).toBe('acceptedAt');
    }
    expect(refusedField(examplePayment({ dict: { keyCreatedOn: '2025-02-29' } }))).toBe('dict.keyCreatedOn');
  });

  it('is precise to the microsecond', () => {
    expect(parsePayment(examplePayment({ acceptedAt: '2026-11-01T12:00:00.000001Z' })).row.event_time).toBe(
      Date.UTC(2026, 10, 1, 12) * 1000 + 1,
    );
  });

  it('names the field of every problem and never its value', () => {
    const cases: [unknown, string][] = [
      [{ ...examplePayment(), cpf: '52998224725' }, 'cpf'],
      [{ ...examplePayment(), '52998224725': 1 }, '(unnamed)'],
      [
        examplePayment({
          payer: { ispb: '12345678', document: '52998224726', account: { number: '1', type: 'CACC' } },
        }),
        'payer.document',
      ],
      [
        examplePayment({ payer: { ispb: '12345678', document: '52998224725', account: { number: '1' } } }),
        'payer.account.type',
      ],
      [examplePayment({ side: 'BOTH' }), 'side'],
      [examplePayment({ device: null }), 'device'],
      [[], ''],
    ];
    for (const [payment, field] of cases) expect(refusedField(payment)).toBe(field);
    expect(() => parsePayment(cases[2]?.[0])).not.toThrow(/52998224726/);
  });

  it('needs a key with DICT and must have none with MANU', () => {
    expect(refusedField(examplePayment({ pixKey: undefined }))).toBe('pixKey');
    expect(refusedField(examplePayment({ localInstrument: 'MANU' }))).toBe('pixKey');
  });

  it('of an unknown key type is scored, degraded', () => {
    const pixKey = { type: 'PALM_VEIN', value: 'anything' };
    expect(parsePayment(examplePayment({ pixKey })).degraded).toEqual(['pix_key_type_unknown']);
  });
});

describe('Pix keys', () => {
  it.each([
    ['PHONE', '+5561988880000', true],
    ['PHONE', '5561988880000', false],
    ['EMAIL', 'pix@bcb.gov.br', true],
    ['EMAIL', 'Pix@bcb.gov.br', false],
    ['EMAIL', `${'a'.repeat(70)}@bcb.gov.br`, false],
    ['EVP', '123e4567-e12b-12d1-a456-426655440000', true],
    ['EVP', '123E4567-e12b-12d1-a456-426655440000', false],
    ['CPF', '52998224725', true],
    ['CPF', '52998224724', false],
    ['CNPJ', '12ABC34501DE35', true],
  ])('%s %s: %s', (type, value, valid) => {
    expect(isValidPixKey(type, value)).toBe(valid);
  });
});

describe('a key of a type that is not known here', () => {
  it('is Unicode text: half of a surrogate pair, which JSON can say, is none', () => {
    const pixKey = { type: 'NEW', value: JSON.parse('"a\\ud800"') };
    expect(() => parsePayment(examplePayment({ pixKey }))).toThrow(/^pixKey.value is not Unicode text$/);
    const whole = { type: 'NEW', value: 'a\u{1f600}' };
    expect(parsePayment(examplePayment({ pixKey: whole })).degraded).toEqual(['pix_key_type_unknown']);
  });
});
