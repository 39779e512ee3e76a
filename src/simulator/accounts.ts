import { cnpjCheckDigits, cpfCheckDigits } from '../domain/documents.ts';
import { dateOfDays } from '../domain/instant.ts';
import { mix, mixUnit, weightedIndex } from './chance.ts';

/** The kinds of account; an account's code is `kind · 2e7 + index`, so one number names it everywhere. */
export const PERSON = 0;
/** A merchant or another company. */
export const COMPANY = 1;
/** An account opened (or bought) to take stolen money. */
export const MULE = 2;
/** A person's second account, elsewhere. It has no key that the first one has. */
export const SECOND = 3;

const KIND_SIZE = 20_000_000;

/** The code of an account. */
export function accountCode(kind: number, index: number): number {
  return kind * KIND_SIZE + index;
}

/** Which kind of account a code names. */
export function kindOf(code: number): number {
  return Math.floor(code / KIND_SIZE);
}

/** The place of an account within its kind. */
export function indexOf(code: number): number {
  return code % KIND_SIZE;
}

/** ISPB, share among people's accounts, share among mules', whether it has branches. */
const INSTITUTIONS: readonly (readonly [string, number, number, boolean])[] = [
  ['18236120', 22, 24, false],
  ['00000000', 11, 5, true],
  ['60701190', 11, 5, true],
  ['60746948', 10, 5, true],
  ['00360305', 12, 6, true],
  ['90400888', 7, 4, true],
  ['00416968', 7, 10, false],
  ['10573521', 8, 15, false],
  ['22896431', 5, 11, false],
  ['31872495', 3, 5, false],
  ['08561701', 3, 7, false],
  ['7Q4RT2X9', 1, 3, false],
];
const PEOPLE_SHARES = INSTITUTIONS.map((one) => one[1]);
const MULE_SHARES = INSTITUTIONS.map((one) => one[2]);

/** What an account always is: derived from seed and code, never stored. */
export interface Accounts {
  ispbOf(code: number): string;
  documentOf(code: number): string;
  /** Civil day on which it was opened. */
  openedDayOf(code: number): number;
  /** Civil day on which its key was made. */
  keyDayOf(code: number): number;
  /** A civil day as `YYYY-MM-DD`. */
  dateText(day: number): string;
  /** The text of a payer or payee; its own institution alone knows since when the account exists, DICT tells the payer's. */
  partyText(code: number, openedKnown: boolean): string;
  /** Whether it answers to a key, and `"type":…,"value":…` of that key. */
  keyText(code: number): string;
  /** The text of an account as a label names it. */
  accountText(code: number): string;
  /** Says when a mule's account was opened: the one thing that is not derived. */
  openMule(index: number, openedDay: number): void;
}

/** How many texts are kept: 100 bytes each, and people come back. */
const KEPT_TEXTS = 100_000;

/** @param firstDay civil day of the span's start; @param days its length: some people's and companies' first accounts are opened within it. */
export function accounts(seed: number, firstDay: number, days: number): Accounts {
  const muleOpened: number[] = [];
  const texts = new Map<number, string>();
  const dates = new Map<number, string>();
  const dateText = (day: number): string => {
    const known = dates.get(day);
    if (known !== undefined) return known;
    const text = dateOfDays(day);
    dates.set(day, text);
    return text;
  };
  const ispbOf = (code: number): string => {
    const shares = kindOf(code) === MULE ? MULE_SHARES : PEOPLE_SHARES;
    return INSTITUTIONS[weightedIndex(shares, mixUnit(seed, code, 1) * 100)]?.[0] ?? '00000000';
  };
  const openedDayOf = (code: number): number => {
    const kind = kindOf(code);
    if (kind === MULE) return muleOpened[indexOf(code)] ?? firstDay;
    if (kind === SECOND) return openedDay(seed, code, firstDay, 0, 0.06);
    return openedDay(seed, code, firstDay, days, kind === COMPANY ? 0.16 : 0.12);
  };
  const partyText = (code: number, openedKnown: boolean): string => {
    const at = openedKnown ? code : -code - 1;
    const known = texts.get(at);
    if (known !== undefined) return known;
    const opened = openedKnown ? `,"openedOn":"${dateText(openedDayOf(code))}"` : '';
    const text = partyOf(seed, code, ispbOf(code), opened);
    if (texts.size >= KEPT_TEXTS) texts.clear();
    texts.set(at, text);
    return text;
  };
  return {
    ispbOf,
    documentOf: (code) => documentOf(seed, code),
    openedDayOf,
    keyDayOf: (code) => {
      const opened = openedDayOf(code);
      // A key is made with the account, or moved to it within two years.
      if (mixUnit(seed, code, 4) < 0.6) return opened;
      return Math.min(opened + (mix(seed, code, 5) % 700), Math.max(opened, firstDay - 1));
    },
    dateText,
    partyText,
    keyText: (code) => keyOf(seed, code),
    accountText: (code) => {
      const ispb = ispbOf(code);
      return `{"ispb":"${ispb}","branch":"${branchOf(seed, code, ispb)}","number":"${numberOf(code)}"}`;
    },
    openMule(index, opened) {
      muleOpened[index] = opened;
    },
  };
}

function openedDay(seed: number, code: number, firstDay: number, days: number, fresh: number): number {
  const unit = mixUnit(seed, code, 2);
  if (unit < fresh) return firstDay - 120 + Math.floor((unit / fresh) * (120 + days));
  const age = (unit - fresh) / (1 - fresh);
  return firstDay - 120 - Math.floor(age * age * 4500);
}

function partyOf(seed: number, code: number, ispb: string, opened: string): string {
  const pick = mixUnit(seed, code, 7);
  const type = pick < 0.55 ? 'CACC' : pick < 0.9 ? 'TRAN' : pick < 0.97 ? 'SVGS' : 'SLRY';
  return `{"ispb":"${ispb}","document":"${documentOf(seed, code)}","account":{"branch":"${branchOf(seed, code, ispb)}","number":"${numberOf(code)}","type":"${type}"${opened}}}`;
}

function branchOf(seed: number, code: number, ispb: string): string {
  const branches = INSTITUTIONS.find((one) => one[0] === ispb)?.[3] === true;
  return branches ? String(1 + (mix(seed, code, 6) % 8999)).padStart(4, '0') : '0001';
}

function numberOf(code: number): string {
  return String(code * 37 + 1_000_003);
}

function documentOf(seed: number, code: number): string {
  const kind = kindOf(code);
  if (kind === COMPANY) return cnpjOf(seed, indexOf(code));
  // A second account is the same person's.
  const person = kind === SECOND ? indexOf(code) : code;
  return cpfOf(seed, person);
}

/** 3^18 has no factor in common with 10^9, so that people's numbers are all different. */
const SPREAD = 387_420_489;

function cpfOf(seed: number, person: number): string {
  const nine = String((person * SPREAD + (seed >>> 0)) % 1_000_000_000).padStart(9, '0');
  const given = /^(\d)\1{8}$/.test(nine) ? '123456780' : nine;
  return `${given}${cpfCheckDigits(given)}`;
}

/** 36^8 is 2.8e12; 91 and it have no factor in common. A twelfth of companies have letters. */
function cnpjOf(seed: number, company: number): string {
  const root =
    mix(seed, company, 8) % 12 === 0
      ? (company * 91 + 36 ** 7 + (seed & 0xffff)).toString(36).toUpperCase().slice(-8).padStart(8, '0')
      : String((company * 2_097_143 + (seed & 0xffff) + 10_000_000) % 100_000_000).padStart(8, '0');
  return `${root}0001${cnpjCheckDigits(`${root}0001`)}`;
}

const MAILS = ['gmail.com', 'hotmail.com', 'outlook.com', 'uol.com.br', 'yahoo.com.br', 'icloud.com'];
const AREAS = [11, 21, 31, 41, 51, 61, 71, 81, 85, 91, 19, 27, 47, 62, 92];
/** Of people's accounts, those whose key is a CPF. */
const CPF_SHARE = 0.24;
const KEY_SALT = 9;

function keyOf(seed: number, code: number): string {
  // In DICT a key is of one account: the CPF of a person names the first account where that has registered it.
  if (kindOf(code) === SECOND && hasCpfKey(seed, code) && hasCpfKey(seed, indexOf(code))) return evp(seed, code);
  const unit = mixUnit(seed, code, KEY_SALT);
  if (kindOf(code) === COMPANY) {
    if (unit < 0.35) return `"type":"CNPJ","value":"${documentOf(seed, code)}"`;
    return unit < 0.9 ? evp(seed, code) : `"type":"EMAIL","value":"financeiro@empresa${indexOf(code)}.com.br"`;
  }
  if (unit < CPF_SHARE) return `"type":"CPF","value":"${documentOf(seed, code)}"`;
  if (unit < 0.55) {
    const area = AREAS[mix(seed, code, 10) % AREAS.length] ?? 11;
    // Nine digits that begin with 9; the code makes them different.
    return `"type":"PHONE","value":"+55${area}9${String((code * 7) % 100_000_000).padStart(8, '0')}"`;
  }
  if (unit < 0.7) {
    const mail = MAILS[mix(seed, code, 11) % MAILS.length] ?? 'gmail.com';
    return `"type":"EMAIL","value":"cliente.${code.toString(36)}@${mail}"`;
  }
  return evp(seed, code);
}

function hasCpfKey(seed: number, code: number): boolean {
  return mixUnit(seed, code, KEY_SALT) < CPF_SHARE;
}

function evp(seed: number, code: number): string {
  const hex = [12, 13, 14, 15].map((salt) => mix(seed, code, salt).toString(16).padStart(8, '0')).join('');
  return `"type":"EVP","value":"${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}"`;
}
