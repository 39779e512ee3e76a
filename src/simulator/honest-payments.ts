import { accountCode, indexOf, kindOf, PERSON, SECOND } from './accounts.ts';
import { logNormalOf, mixUnit } from './chance.ts';
import { bigDay, collection, newPhone } from './honest-oddities.ts';
import type { PlannedPayment } from './planned-payment.ts';
import { MINUTE, type Moment, ownPayment, priced, rounded, type Scene } from './scene.ts';

type Habit = (scene: Scene, moment: Moment, payer: number) => PlannedPayment;

/** What people do, by share of their payments. The last three look like fraud and are not. */
const HABITS: readonly (readonly [number, Habit])[] = [
  [0.52, purchase],
  [
    0.2,
    (scene, moment, payer) =>
      send(scene, moment, payer, scene.who.contact(scene.random, payer, moment.hour.day), 6_500),
  ],
  [
    0.08,
    (scene, moment, payer) =>
      send(scene, moment, payer, scene.who.relative(scene.random, payer, moment.hour.day), 9_000),
  ],
  [0.045, betweenOwnAccounts],
  [0.05, supply],
  [0.06, toStranger],
  [0.006, collection],
  [0.004, newPhone],
  [0.0045, bigDay],
];
const TOTAL = HABITS.reduce((sum, [share]) => sum + share, 0);

/** The honest payment of one slot; what it leads to is told to `scene.later`. */
export function honestPayment(scene: Scene, moment: Moment): PlannedPayment {
  const { random, who } = scene;
  const { day, hour } = moment.hour;
  let rest = random.next() * TOTAL;
  const payer = who.payer(random, day, hour < 6 || hour >= 23);
  for (const [share, habit] of HABITS) {
    rest -= share;
    if (rest < 0) return habit(scene, moment, payer);
  }
  return purchase(scene, moment, payer);
}

/** The wage of the employee with a number; undefined where one of the accounts is not open yet. */
export function wage(scene: Scene, number: number, { atMicros, hour }: Moment): PlannedPayment | undefined {
  const { who, seed } = scene;
  const employee = who.employee(number);
  if (!who.isOpen(employee, hour.day) || !who.isOpen(who.employerOf(number), hour.day)) return undefined;
  const centavos = Math.round(210_000 * who.wealthOf(employee)) + Math.floor(mixUnit(seed, employee, 61) * 90_000);
  return { ...ownPayment(scene, who.employerOf(number), employee, centavos, atMicros), instrument: 'MANU' };
}

function purchase(scene: Scene, { atMicros, hour }: Moment, payer: number): PlannedPayment {
  const { random, who } = scene;
  const merchant = who.merchant(random, payer, hour.day, hour.hour);
  const { median, sigma } = who.sectorOf(merchant);
  return ownPayment(scene, payer, merchant, priced(logNormalOf(random, median, sigma), random), atMicros);
}

function send(scene: Scene, { atMicros, hour }: Moment, payer: number, payee: number, median: number): PlannedPayment {
  const { random, who } = scene;
  const centavos = rounded(logNormalOf(random, median * who.wealthOf(payer), 1.15), random);
  const plan = ownPayment(scene, payer, payee, centavos, atMicros);
  passOn(scene, plan, atMicros, hour.day);
  return plan;
}

/** Some pass on within minutes what they were sent: to their other account, to whoever buys for all. */
function passOn(scene: Scene, plan: PlannedPayment, atMicros: number, day: number): void {
  const { random, who } = scene;
  if (!random.chance(0.03) || plan.centavos < 3_000 || kindOf(plan.payee) !== PERSON) return;
  const when = atMicros + Math.floor((1 + 25 * random.next()) * MINUTE);
  const to = random.chance(0.5) ? accountCode(SECOND, indexOf(plan.payee)) : who.contact(random, plan.payee, day);
  const sum = random.chance(0.5) ? plan.centavos : Math.ceil(plan.centavos * (0.5 + 0.5 * random.next()));
  scene.later(when, ownPayment(scene, plan.payee, to, sum, when));
}

function betweenOwnAccounts(scene: Scene, { atMicros }: Moment, payer: number): PlannedPayment {
  const { random, who } = scene;
  const other = accountCode(SECOND, indexOf(payer));
  const out = random.chance(0.75);
  const centavos = rounded(logNormalOf(random, 25_000 * who.wealthOf(payer), 1.3), random);
  return ownPayment(scene, out ? payer : other, out ? other : payer, centavos, atMicros);
}

function supply(scene: Scene, { atMicros, hour }: Moment): PlannedPayment {
  const { random, who } = scene;
  const buyer = who.company(random, hour.day);
  const seller = who.company(random, hour.day, buyer);
  return ownPayment(scene, buyer, seller, priced(logNormalOf(random, 60_000, 1.2), random), atMicros);
}

function toStranger(scene: Scene, { atMicros, hour }: Moment, payer: number): PlannedPayment {
  const { random, who } = scene;
  const median = random.chance(0.15) ? 80_000 : 8_000;
  const centavos = rounded(logNormalOf(random, median * who.wealthOf(payer), 1.1), random);
  return ownPayment(scene, payer, who.stranger(random, hour.day, payer), centavos, atMicros);
}
