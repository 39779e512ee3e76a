import { accountCode, indexOf, SECOND } from './accounts.ts';
import { logNormalOf } from './chance.ts';
import type { PlannedPayment } from './planned-payment.ts';
import { HOUR, MINUTE, type Moment, ownPayment, rounded, type Scene } from './scene.ts';
import { freshSession } from './sessions.ts';

/**
 * Honest payments that share with fraud whatever a model could learn it by: without them every
 * new phone and every large sum to a stranger would be a thief.
 */

/** A party, a raffle, a shared present: one person gathers equal sums from many within a day. */
export function collection(scene: Scene, { atMicros, hour }: Moment, payer: number): PlannedPayment {
  const { random, who } = scene;
  const collector = random.chance(0.4) ? who.contact(random, payer, hour.day) : who.stranger(random, hour.day, payer);
  const centavos = 1_000 * (1 + random.below(12));
  let when = atMicros;
  for (let left = 2 + random.below(7); left > 0; left -= 1) {
    when += Math.floor(random.next() * random.next() * 6 * HOUR);
    scene.later(when, ownPayment(scene, who.contact(random, collector, hour.day), collector, centavos, when));
  }
  return ownPayment(scene, payer, collector, centavos, atMicros);
}

/** A new phone is used at once: bills, friends, the other account, sometimes a stranger and a large sum. */
export function newPhone(scene: Scene, moment: Moment, payer: number): PlannedPayment {
  const { random, seed } = scene;
  const enrolled = moment.atMicros - Math.floor((2 + 90 * random.next()) * MINUTE);
  const pay = (when: number): PlannedPayment => {
    const centavos = rounded(logNormalOf(random, random.chance(0.45) ? 70_000 : 9_000, 1.1), random);
    const plan = ownPayment(scene, payer, newPhonePayee(scene, moment, payer), centavos, when);
    return { ...plan, session: freshSession(seed, payer, when, enrolled, random) };
  };
  let when = moment.atMicros;
  for (let left = random.below(4); left > 0; left -= 1) {
    when += Math.floor((1 + 25 * random.next()) * MINUTE);
    scene.later(when, pay(when));
  }
  return pay(moment.atMicros);
}

function newPhonePayee({ random, who }: Scene, { hour }: Moment, payer: number): number {
  const unit = random.next();
  if (unit < 0.4) return who.contact(random, payer, hour.day);
  return unit < 0.8 ? who.stranger(random, hour.day, payer) : accountCode(SECOND, indexOf(payer));
}

/** A used car, a deposit, a bail at night: large, to somebody new, in parts, often with someone on the phone. */
export function bigDay(scene: Scene, { atMicros, hour }: Moment, payer: number): PlannedPayment {
  const { random, who } = scene;
  const payee = who.stranger(random, hour.day, payer);
  const activeCall = random.chance(0.25);
  const remoteAccess = random.chance(0.08);
  const pay = (when: number): PlannedPayment => {
    const centavos = rounded(logNormalOf(random, 110_000 * who.wealthOf(payer), 0.9), random);
    const plan = ownPayment(scene, payer, payee, centavos, when);
    if (plan.session === null) return plan;
    return { ...plan, session: { ...plan.session, activeCall, remoteAccess, location: random.chance(0.7) } };
  };
  let when = atMicros;
  for (let left = random.below(3); left > 0; left -= 1) {
    when += Math.floor((2 + 40 * random.next()) * MINUTE);
    scene.later(when, pay(when));
  }
  return pay(atMicros);
}
