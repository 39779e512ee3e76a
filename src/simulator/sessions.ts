import type { Random } from '../base/random.ts';
import { mix, mixUnit } from './chance.ts';

/** Device and session of one payment, before it is text. Times in microseconds since 1970. */
export interface Session {
  readonly deviceId: string;
  readonly enrolledMicros: number;
  readonly loggedInMicros: number;
  readonly limitRaisedMicros: number | null;
  readonly simChangedMicros: number | null;
  readonly remoteAccess: boolean;
  readonly activeCall: boolean;
  readonly location: boolean;
}

const DAY_MICROS = 86_400_000_000;
const SECOND_MICROS = 1_000_000;

/** The session of an account's owner at an instant. Devices are replaced by the calendar of the seed. */
export function ownSession(seed: number, code: number, atMicros: number, random: Random): Session {
  // One in six also pays from a browser, which forgets its enrolment every few weeks.
  const browser = mix(seed, code, 30) % 6 === 0 && random.chance(0.3);
  const periodMicros = (browser ? 25 + (mix(seed, code, 31) % 30) : 160 + (mix(seed, code, 32) % 700)) * DAY_MICROS;
  const phase = mixUnit(seed, code, browser ? 33 : 34) * periodMicros;
  const generation = Math.floor((atMicros + phase) / periodMicros);
  const enrolled = Math.floor(generation * periodMicros - phase);
  return {
    deviceId: deviceId(seed, code, browser ? generation * 2 + 1 : generation * 2),
    enrolledMicros: enrolled,
    loggedInMicros: Math.max(enrolled, atMicros - sinceLogin(random)),
    limitRaisedMicros: pastOf(seed, code, 35, 0.14, atMicros),
    simChangedMicros: pastOf(seed, code, 37, 0.1, atMicros),
    remoteAccess: random.chance(0.004),
    activeCall: random.chance(0.03),
    location: random.chance(mix(seed, code, 39) % 8 === 0 ? 0.15 : 0.93),
  };
}

/** A session from a device that was enrolled a little before: by its owner, or by a thief. */
export function freshSession(
  seed: number,
  code: number,
  atMicros: number,
  enrolledMicros: number,
  random: Random,
): Session {
  const own = ownSession(seed, code, atMicros, random);
  return {
    ...own,
    deviceId: deviceId(seed, code, 1_000_003 + Math.floor(enrolledMicros / SECOND_MICROS)),
    enrolledMicros,
    loggedInMicros: Math.max(enrolledMicros, atMicros - sinceLogin(random)),
  };
}

function deviceId(seed: number, code: number, generation: number): string {
  const high = mix(seed, code, generation).toString(16).padStart(8, '0');
  return `${high}${mix(seed, generation, code).toString(16).padStart(8, '0')}`;
}

function sinceLogin(random: Random): number {
  const unit = random.next();
  return Math.floor((15 + 900 * unit * unit * unit) * SECOND_MICROS);
}

/** A day in the last 400 of the two years around now, for a share of accounts; null before it has come. */
function pastOf(seed: number, code: number, salt: number, share: number, atMicros: number): number | null {
  if (mixUnit(seed, code, salt) >= share) return null;
  const periodMicros = 400 * DAY_MICROS;
  const phase = mixUnit(seed, code, salt + 1) * periodMicros;
  return Math.floor(Math.floor((atMicros + phase) / periodMicros) * periodMicros - phase);
}
