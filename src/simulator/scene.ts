import type { Random } from '../base/random.ts';
import { type Accounts, COMPANY, kindOf } from './accounts.ts';
import type { SimulatedHour } from './brazilian-calendar.ts';
import { mixUnit } from './chance.ts';
import type { PlannedPayment } from './planned-payment.ts';
import type { Population } from './population.ts';
import { ownSession } from './sessions.ts';
import { purposeWithin } from './till-limits.ts';

/** What everybody who makes payments draws from. */
export interface Scene {
  readonly seed: number;
  readonly who: Population;
  readonly of: Accounts;
  readonly random: Random;
  /** Has a payment made later. */
  later(atMicros: number, plan: PlannedPayment): void;
}

/** Now, and the civil hour that it is in. */
export interface Moment {
  readonly atMicros: number;
  readonly hour: SimulatedHour;
}

/** A minute in microseconds. */
export const MINUTE = 60_000_000;
/** An hour in microseconds. */
export const HOUR = 60 * MINUTE;
/** A day in microseconds. */
export const DAY = 24 * HOUR;

/** An honest payment with the payer's own session. */
export function ownPayment(
  scene: Scene,
  payer: number,
  payee: number,
  centavos: number,
  atMicros: number,
): PlannedPayment {
  const { seed, random } = scene;
  const program = kindOf(payer) === COMPANY && mixUnit(seed, payer, 60) < 0.7;
  const session = program ? null : ownSession(seed, payer, atMicros, random);
  const toCompany = kindOf(payee) === COMPANY;
  const unit = random.next();
  const instrument = toCompany ? instrumentToCompany(unit) : unit < 0.87 ? 'DICT' : unit < 0.95 ? 'MANU' : 'QRES';
  // Cash back and cash out at a shop's till.
  const wished = !toCompany || unit > 0.014 ? 'IPAY' : unit < 0.006 ? 'GSCB' : 'OTHR';
  const purpose = purposeWithin(wished, centavos, atMicros);
  return { payer, payee, centavos, instrument, purpose, session, story: 'honest' };
}

function instrumentToCompany(unit: number): PlannedPayment['instrument'] {
  if (unit < 0.62) return 'QRDN';
  if (unit < 0.78) return 'QRES';
  if (unit < 0.9) return 'DICT';
  if (unit < 0.94) return 'INIC';
  return unit < 0.97 ? 'AUTO' : 'APDN';
}

const MOST_CENTAVOS = 500_000_000;

/** Prices end in 90, 99, 00 or anything. */
export function priced(centavos: number, random: Random): number {
  const unit = random.next();
  const reais = Math.floor(centavos / 100) * 100;
  const sum = unit < 0.25 ? reais + 90 : unit < 0.4 ? reais + 99 : unit < 0.6 ? reais : centavos;
  return Math.min(MOST_CENTAVOS, Math.max(50, Math.round(sum)));
}

/** People send round sums: to 5, 10, 50 or 100 reais. */
export function rounded(centavos: number, random: Random): number {
  const unit = random.next();
  const large = centavos > 50_000;
  const step = unit < 0.35 ? (large ? 10_000 : 1_000) : unit < 0.6 ? (large ? 5_000 : 500) : unit < 0.8 ? 100 : 1;
  return Math.min(MOST_CENTAVOS, Math.max(1, Math.round(centavos / step)) * step);
}
