import type { Session } from './sessions.ts';

/** Whose doing a payment is; only the tests and the figures see it. */
export type Story = 'honest' | 'takeover' | 'scam' | 'forward';

/** A payment that somebody means to make. */
export interface PlannedPayment {
  readonly payer: number;
  readonly payee: number;
  readonly centavos: number;
  readonly instrument: 'DICT' | 'MANU' | 'QRDN' | 'QRES' | 'INIC' | 'AUTO' | 'APDN';
  readonly purpose: 'IPAY' | 'GSCB' | 'OTHR' | 'REFU';
  /** Null where a company's program pays. */
  readonly session: Session | null;
  readonly story: Story;
}
