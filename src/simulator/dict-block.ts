import { type Accounts, COMPANY, kindOf, MULE } from './accounts.ts';
import { mix, mixUnit } from './chance.ts';

/**
 * What the payer's institution has cached from DICT about the payee: dates of the key, counters of
 * the person and of the key, and the day up to which they count. A thief's account is usually
 * young and clean; a few honest people carry an old marker.
 */
export function dictText(seed: number, of: Accounts, code: number, today: number): string {
  const keyDay = Math.min(of.keyDayOf(code), today - 1);
  const owned = mixUnit(seed, code, 40) < 0.85 ? keyDay : keyDay - (mix(seed, code, 41) % 900);
  const claim = mix(seed, code, 42) % 400 === 0;
  // Caches are a day old; one key in sixty has no data yet.
  const watermark = mix(seed, code, 43) % 60 === 0 ? '1970-01-01' : of.dateText(today - 1);
  const [d90, m12, m60] = settlements(seed, code, today - of.openedDayOf(code));
  const head = `"keyCreatedOn":"${of.dateText(keyDay)}","keyOwnedSince":"${of.dateText(owned)}","openClaim":${claim}`;
  const registered = 1 + (mix(seed, code, 44) % (kindOf(code) === MULE ? 9 : 6));
  const person = `{"watermark":"${watermark}","settlements":${counter(d90, m12, m60)}${markers(seed, code)},"registeredAccounts":${registered}}`;
  const key = `{"watermark":"${watermark}","settlements":${counter(d90 >> 1, m12 >> 1, m60 >> 1)}}`;
  return `{${head},"person":${person},"key":${key}}`;
}

function settlements(seed: number, code: number, ageDays: number): [number, number, number] {
  const busy = kindOf(code) === COMPANY ? 40 : 1;
  const unit = mixUnit(seed, code, 45);
  const rate = (0.05 + unit * unit * 1.6) * busy;
  // A person's counters are of all accounts, so that a young account does not mean an unknown person.
  const known = mixUnit(seed, code, 46) < 0.55 ? Math.max(ageDays, 0) : 2000;
  return [Math.min(known, 90), Math.min(known, 365), Math.min(known, 1825)].map((days) => Math.floor(days * rate)) as [
    number,
    number,
    number,
  ];
}

/** Fraud markers, where the person has any. */
function markers(seed: number, code: number): string {
  const unit = mixUnit(seed, code, 47);
  const mule = kindOf(code) === MULE;
  if (unit < (mule ? 0.12 : 0.004)) {
    const recent = 1 + (mix(seed, code, 48) % 2);
    return `,"muleAccounts":${counter(recent, recent, recent)},"distinctFraudReporters":${counter(1, 1, 1)},"openReports":${mix(seed, code, 49) % 2}`;
  }
  if (unit < (mule ? 0.17 : 0.012)) {
    return `,"scammerAccounts":${counter(0, 0, 1)},"distinctFraudReporters":${counter(0, 0, 1)},"openReports":0`;
  }
  return unit < 0.5 ? `,"muleAccounts":${counter(0, 0, 0)},"openReports":0` : '';
}

function counter(d90: number, m12: number, m60: number): string {
  return `{"d90":${d90},"m12":${m12},"m60":${m60}}`;
}
