import { civilParts, civilZone } from '../base/civil-time.ts';
import type { PlannedPayment } from './planned-payment.ts';

/** What a till gives out at once by Saque or Troco, by day and from 20:00 to 06:00 there. */
const DAY_CENTAVOS = 300_000;
const NIGHT_CENTAVOS = 100_000;

/** A purpose, or that of a plain payment where the sum is above what a till gives out at that instant. */
export function purposeWithin(
  purpose: PlannedPayment['purpose'],
  centavos: number,
  atMicros: number,
): PlannedPayment['purpose'] {
  if (centavos <= NIGHT_CENTAVOS || (purpose !== 'GSCB' && purpose !== 'OTHR')) return purpose;
  const { hour } = civilParts(civilZone('America/Sao_Paulo'), atMicros);
  const isNight = hour >= 20 || hour < 6;
  return isNight || centavos > DAY_CENTAVOS ? 'IPAY' : purpose;
}
