import type { Payment } from '../src/domain/payment.ts';

/** A payment that is right in every field; tests change one thing of it. */
export function examplePayment(changes: Partial<Record<keyof Payment, unknown>> = {}): Record<string, unknown> {
  return {
    endToEndId: 'E1234567820261101120012345678901',
    side: 'PAYER',
    amount: '150.00',
    acceptedAt: '2026-11-01T12:00:05.123Z',
    payer: {
      ispb: '12345678',
      document: '52998224725',
      account: { branch: '1', number: '123456', type: 'CACC', openedOn: '2020-01-31' },
    },
    payee: { ispb: '1A2B3C4D', document: '12ABC34501DE35', account: { number: '99887766', type: 'TRAN' } },
    pixKey: { type: 'EMAIL', value: 'loja@example.com' },
    localInstrument: 'DICT',
    purpose: 'IPAY',
    device: { id: 'device-1', enrolledAt: '2026-01-01T00:00:00Z', remoteAccess: false },
    dict: {
      keyCreatedOn: '2024-05-01',
      person: {
        watermark: '2026-10-31',
        settlements: { d90: 10, m12: 40, m60: 200 },
        muleAccounts: { d90: 0, m12: 1, m60: 1 },
      },
    },
    ...changes,
  };
}
