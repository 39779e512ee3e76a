import { accountCode, MULE } from './accounts.ts';
import { logNormalOf } from './chance.ts';
import type { PlannedPayment } from './planned-payment.ts';
import { DAY, HOUR, MINUTE, type Moment, ownPayment, rounded, type Scene } from './scene.ts';
import { freshSession, ownSession, type Session } from './sessions.ts';

/** An account that takes stolen money for a while. */
interface Mule {
  readonly account: number;
  readonly untilMicros: number;
  usesLeft: number;
}

/** Who steals: each campaign is told to `scene.later`, payment by payment. */
export interface FraudCampaigns {
  /** Begins a campaign within the next day; the number of payments that it makes. */
  begin(moment: Moment): number;
}

/** At most so many mules wait for use at once. */
const KEPT_MULES = 64;

/** Campaigns over one scene; mules are shared among them. */
export function fraudCampaigns(scene: Scene): FraudCampaigns {
  const mules = mulePool(scene);
  return {
    begin(moment) {
      const unit = scene.random.next();
      return unit < 0.48 ? takeover(scene, moment, mules) : scam(scene, moment, mules);
    },
  };
}

/** An account for what is stolen from `victim`, which is another one. */
type MulePool = (atMicros: number, victim: number) => number;

function mulePool({ random, who, of }: Scene): MulePool {
  let active: Mule[] = [];
  let opened = 0;
  return (atMicros, victim) => {
    active = active.filter((mule) => mule.usesLeft > 0 && mule.untilMicros > atMicros).slice(-KEPT_MULES);
    const known = active[random.below(active.length + 2)];
    if (known !== undefined && known.account !== victim) {
      known.usesLeft -= 1;
      return known.account;
    }
    const today = Math.floor(atMicros / DAY);
    // Half are opened for the purpose, some by a name that waits for months; the others belong to people who lend theirs.
    let account = who.stranger(random, today, victim);
    if (random.chance(0.64)) {
      account = accountCode(MULE, opened);
      const age = random.chance(0.7) ? 1 + random.below(70) : 70 + random.below(900);
      of.openMule(opened, today - age);
      opened += 1;
    }
    const long = random.chance(0.16);
    const untilMicros = atMicros + (long ? 60 : 4) * DAY * random.next();
    active.push({ account, untilMicros, usesLeft: long ? 12 : random.below(5) });
    return account;
  };
}

/** Somebody else is in the account: often a new device, often at night, until the money is gone. */
function takeover(scene: Scene, moment: Moment, mules: MulePool): number {
  const { random, who, seed } = scene;
  const victim = who.stranger(random, moment.hour.day);
  let when = startAt(moment, random.chance(0.4) ? random.below(6) : 7 + random.below(17), random.next());
  const intrusion = random.next();
  const enrolled = when - Math.floor((2 + 110 * random.next() * random.next()) * MINUTE);
  const raised = random.chance(0.15) ? enrolled : null;
  const hidden = random.chance(0.4);
  const sessionAt = (at: number): Session => {
    const session =
      intrusion < 0.68 ? freshSession(seed, victim, at, enrolled, random) : ownSession(seed, victim, at, random);
    return {
      ...session,
      remoteAccess: intrusion >= 0.68 && intrusion < 0.82,
      simChangedMicros: intrusion > 0.92 ? enrolled - HOUR : session.simChangedMicros,
      limitRaisedMicros: raised ?? session.limitRaisedMicros,
      location: session.location && !hidden,
    };
  };
  let mule = mules(when, victim);
  let payments = 0;
  let sum = logNormalOf(random, 75_000 * who.wealthOf(victim), 1);
  for (let left = 1 + random.below(4); left > 0; left -= 1) {
    const plan = stolen(scene, victim, mule, rounded(sum, random), when);
    payments += commit(scene, { ...plan, session: sessionAt(when), story: 'takeover' }, when, mules, 0);
    if (random.chance(0.35)) mule = mules(when, victim);
    sum *= 0.5 + 0.6 * random.next();
    when += Math.floor((1 + 14 * random.next()) * MINUTE);
  }
  return payments;
}

/** The victim pays a thief himself, from his own phone: nothing but the payee and the sum is odd. */
function scam(scene: Scene, moment: Moment, mules: MulePool): number {
  const { random, who, seed } = scene;
  const victim = who.stranger(random, moment.hour.day);
  let when = startAt(moment, 8 + random.below(15), random.next());
  const activeCall = random.chance(0.25);
  const remoteAccess = random.chance(0.07);
  const mule = random.chance(0.2) ? who.company(random, moment.hour.day) : mules(when, victim);
  let payments = 0;
  for (let left = random.chance(0.35) ? 2 : 1; left > 0; left -= 1) {
    const centavos = rounded(logNormalOf(random, 48_000 * who.wealthOf(victim), 1.1), random);
    const session = { ...ownSession(seed, victim, when, random), activeCall, remoteAccess };
    const plan = stolen(scene, victim, mule, centavos, when);
    payments += commit(scene, { ...plan, session, story: 'scam' }, when, mules, 0);
    when += Math.floor((4 + 60 * random.next()) * MINUTE);
  }
  return payments;
}

/** Makes the payment, and where the mule is quick the one that passes the money on. */
function commit(scene: Scene, plan: PlannedPayment, atMicros: number, mules: MulePool, depth: number): number {
  const { random } = scene;
  scene.later(atMicros, plan);
  if (depth >= 3 || !random.chance(0.3)) return 1;
  const when = atMicros + Math.floor((2 + 28 * random.next()) * MINUTE);
  const next = mules(when, plan.payee);
  const part = random.chance(0.4) ? 1 : 0.6 + 0.38 * random.next();
  const onward = stolen(scene, plan.payee, next, Math.max(100, Math.floor(plan.centavos * part)), when);
  return 1 + commit(scene, { ...onward, story: 'forward' }, when, mules, depth + 1);
}

function stolen(scene: Scene, payer: number, payee: number, centavos: number, atMicros: number): PlannedPayment {
  return { ...ownPayment(scene, payer, payee, centavos, atMicros), story: 'scam' };
}

/** The next time that it is this civil hour. */
function startAt({ atMicros, hour }: Moment, civilHour: number, part: number): number {
  const ahead = (civilHour - hour.hour + 24) % 24;
  return atMicros + Math.floor((ahead + part) * HOUR);
}
