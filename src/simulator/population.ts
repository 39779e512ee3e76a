import type { Random } from '../base/random.ts';
import { type Accounts, accountCode, COMPANY, indexOf, kindOf, PERSON, SECOND } from './accounts.ts';
import { mix, mixUnit, weightedIndex } from './chance.ts';

/** What a company sells: median amount in centavos, deviation of its logarithm, share, least and last civil hour. */
export interface Sector {
  readonly median: number;
  readonly sigma: number;
  readonly share: number;
  readonly from: number;
  readonly until: number;
}

const SECTORS: readonly Sector[] = [
  { median: 6_500, sigma: 0.8, share: 24, from: 7, until: 22 }, // market
  { median: 3_800, sigma: 0.6, share: 20, from: 6, until: 24 }, // restaurant, snack bar
  { median: 4_800, sigma: 0.7, share: 9, from: 7, until: 23 }, // pharmacy
  { median: 1_900, sigma: 0.6, share: 9, from: 0, until: 24 }, // rides, transport
  { median: 12_000, sigma: 0.9, share: 12, from: 0, until: 24 }, // shop on the net
  { median: 18_000, sigma: 0.7, share: 8, from: 6, until: 22 }, // bills
  { median: 9_000, sigma: 1.0, share: 8, from: 8, until: 20 }, // services
  { median: 5_000, sigma: 1.2, share: 6, from: 0, until: 24 }, // games, bets
  { median: 45_000, sigma: 1.1, share: 4, from: 8, until: 19 }, // furniture, cars, building
];
const SECTOR_SHARES = SECTORS.map((sector) => sector.share);

/** Everybody who pays and is paid. All of it follows from the seed; nothing is kept. */
export interface Population {
  readonly people: number;
  readonly companies: number;
  /** Companies that pay wages. */
  readonly employers: number;
  /** Somebody who pays now: busy people come more often, and at night those who are awake. */
  payer(random: Random, day: number, night: boolean): number;
  /** A friend or relative, always the same few. */
  contact(random: Random, payer: number, day: number): number;
  /** Somebody of the same household. */
  relative(random: Random, payer: number, day: number): number;
  /** Anybody but `other`. */
  stranger(random: Random, day: number, other?: number): number;
  /** A company that sells at this hour: mostly one where the payer buys often. */
  merchant(random: Random, payer: number, day: number, hour: number): number;
  /** Any company but `other`. */
  company(random: Random, day: number, other?: number): number;
  sectorOf(code: number): Sector;
  /** Whether an account was open on the day before. */
  isOpen(code: number, day: number): boolean;
  /** The employee with a number among all who get wages: {@link Population.wages} of them. */
  employee(number: number): number;
  employerOf(number: number): number;
  readonly wages: number;
  /** How well off an account is: 1 is the middle. */
  wealthOf(code: number): number;
}

/** People whose wages come by Pix. */
const WAGE_SHARE = 0.25;
const EMPLOYEES_EACH = 30;

/** @param count lines to come; @param days over which: sets how many people there are and how busy the busiest. */
export function population(seed: number, count: number, days: number, of: Accounts): Population {
  const people = Math.max(40, Math.round(count / 15));
  const companies = Math.max(20, Math.round(count / 40));
  const perDay = count / days;
  // The busiest company must stay below the 256 events a day that an entity keeps (aggregates.md).
  const skew = perDay < 5_000 ? square : perDay < 20_000 ? threeHalves : fiveQuarters;
  const wages = Math.max(10, Math.floor(people * WAGE_SHARE));
  const employers = Math.max(1, Math.ceil(wages / EMPLOYEES_EACH));
  const isOpen = (code: number, day: number): boolean => of.openedDayOf(code) < day;
  const opened = (draw: () => number, day: number, other = -1): number => {
    let code = draw();
    // One account in ten is not open yet at worst, so that twelve draws fail once in 10^12.
    for (let tries = 0; tries < 12 && (code === other || !isOpen(code, day)); tries += 1) code = draw();
    return code === other ? neighbour(code) : code;
  };
  const neighbour = (code: number): number => {
    const size = kindOf(code) === COMPANY ? companies : people;
    return accountCode(kindOf(code), (indexOf(code) + 1) % size);
  };
  const person = (unit: number): number => accountCode(PERSON, Math.floor(unit * people));
  const sectorOf = (code: number): Sector => sectorAt(mixUnit(seed, code, 20));
  const companyAt = (unit: number): number => accountCode(COMPANY, Math.floor(skew(unit) * companies));
  const friends = (payer: number): number => 3 + (mix(seed, payer, 21) % 9);
  return {
    people,
    companies,
    employers,
    wages,
    payer: (random, day, night) =>
      opened(() => {
        let code = person(fiveQuarters(random.next()));
        // One in seven works or goes out at night.
        for (let tries = 0; night && tries < 6 && mix(seed, code, 22) % 7 !== 0; tries += 1) {
          code = person(fiveQuarters(random.next()));
        }
        return code;
      }, day),
    contact: (random, payer, day) =>
      opened(
        () => {
          const nth = Math.floor(square(random.next()) * friends(payer));
          const code = person(mixUnit(seed, payer, 100 + nth));
          return code === payer ? person(random.next()) : code;
        },
        day,
        payer,
      ),
    relative(random, payer, day) {
      const index = indexOf(payer);
      const home = index - (index % 4);
      const other = accountCode(PERSON, Math.min(people - 1, home + ((index - home + 1 + random.below(3)) % 4)));
      return other !== payer && isOpen(other, day) ? other : opened(() => person(random.next()), day, payer);
    },
    stranger: (random, day, other) => opened(() => person(random.next()), day, other),
    merchant(random, payer, day, hour) {
      const usual = 4 + (mix(seed, payer, 23) % 8);
      return opened(() => {
        for (let tries = 0; tries < 5; tries += 1) {
          const code = companyAt(
            random.chance(0.72) ? mixUnit(seed, payer, 200 + Math.floor(random.next() * usual)) : random.next(),
          );
          const { from, until } = sectorOf(code);
          if (hour >= from && hour < until) return code;
        }
        return companyAt(random.next());
      }, day);
    },
    company: (random, day, other) => opened(() => companyAt(random.next()), day, other),
    sectorOf,
    isOpen,
    employee: (number) => accountCode(PERSON, (number * 3 + 1) % people),
    employerOf: (number) => accountCode(COMPANY, companies - 1 - (Math.floor(number / EMPLOYEES_EACH) % companies)),
    wealthOf(code) {
      const kind = kindOf(code);
      const unit = mixUnit(seed, kind === SECOND ? indexOf(code) : code, 24);
      return 0.35 + 1.3 * unit + (unit > 0.93 ? 4 * (unit - 0.93) * 14 : 0);
    },
  };
}

function sectorAt(unit: number): Sector {
  return SECTORS[weightedIndex(SECTOR_SHARES, unit * 100)] ?? { median: 5_000, sigma: 1, share: 0, from: 0, until: 24 };
}

function square(unit: number): number {
  return unit * unit;
}

function threeHalves(unit: number): number {
  return unit * Math.sqrt(unit);
}

function fiveQuarters(unit: number): number {
  return unit * Math.sqrt(Math.sqrt(unit));
}
