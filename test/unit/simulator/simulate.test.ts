import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parseCorrection } from '../../../src/domain/parse-correction.ts';
import { parseLabel } from '../../../src/domain/parse-label.ts';
import { parsePayment } from '../../../src/domain/parse-payment.ts';
import type { PaymentRow } from '../../../src/domain/payment-row.ts';
import { type SimulationOptions, simulationOptions } from '../../../src/simulator/options.ts';
import { type SimulatedLine, simulate } from '../../../src/simulator/simulate.ts';

const lines = (given: Partial<SimulationOptions> & { count: number }): SimulatedLine[] => [
  ...simulate(simulationOptions(given)),
];
const payments = (all: readonly SimulatedLine[]) => all.filter((line) => line.kind === 'payment');
const sha256 = (all: readonly SimulatedLine[]): string => {
  const hash = createHash('sha256');
  for (const line of all) hash.update(`${line.kind} ${line.text}\n`);
  return hash.digest('hex');
};

describe('simulate', () => {
  const rates = { lateRate: 0.02, duplicateRate: 0.02, malformedRate: 0.05 };
  const all = lines({ count: 20_000, seed: 5, ...rates });

  it('makes exactly the asked number of well-formed first lines, each a valid payment', () => {
    expect(payments(all)).toHaveLength(20_000);
    const keys = new Set(
      payments(all).map((line) => {
        const { row, degraded } = parsePayment(JSON.parse(line.text));
        expect(degraded).toEqual([]);
        return `${row.end_to_end_id}/${row.side}`;
      }),
    );
    expect(keys.size).toBe(20_000);
  });

  it('sends lines in order of arrival and labels in order of event time', () => {
    const times = all.map((line) => line.atMicros);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    for (const line of all.filter((one) => one.kind === 'label')) {
      expect(parseLabel(JSON.parse(line.text)).eventTimeMicros).toBe(line.atMicros);
    }
  });

  it('repeats duplicates byte for byte, after the first', () => {
    const seen = new Set<string>();
    let duplicates = 0;
    for (const line of all) {
      if (line.kind === 'payment') seen.add(line.text);
      if (line.kind === 'duplicate') {
        expect(seen.has(line.text)).toBe(true);
        duplicates += 1;
      }
    }
    expect(duplicates).toBeGreaterThan(200);
  });

  it('makes malformed lines that no parser accepts', () => {
    const malformed = all.filter((line) => line.kind === 'malformed');
    expect(malformed.length).toBeGreaterThan(500);
    for (const { text } of malformed) {
      expect(text).not.toContain('\n');
      expect(() => parsePayment(JSON.parse(text))).toThrow();
    }
  });

  it('delays late lines by minutes to three days', () => {
    let late = 0;
    for (const line of payments(all)) {
      const delay = line.atMicros - parsePayment(JSON.parse(line.text)).row.event_time;
      expect(delay).toBeGreaterThanOrEqual(0);
      expect(delay).toBeLessThan(3 * 86_400_000_000);
      if (delay > 60_000_000) late += 1;
    }
    expect(late).toBeGreaterThan(200);
  });

  it('shows a share of payments from both sides under one id', () => {
    const rows = payments(all).map((line) => parsePayment(JSON.parse(line.text)).row);
    const payer = new Map(rows.filter((row) => row.side === 'PAYER').map((row) => [row.end_to_end_id, row]));
    const payee = rows.filter((row) => row.side === 'PAYEE');
    expect(payee.length).toBeGreaterThan(1_000);
    for (const row of payee) {
      const other = payer.get(row.end_to_end_id);
      expect(row.amount_centavos).toBe(other?.amount_centavos);
      expect(row.payer_number).toBe(other?.payer_number);
      expect(row.device_id).toBeNull();
    }
  });

  it('never lets anything be younger than its payment', () => {
    for (const line of payments(all)) {
      const { row } = parsePayment(JSON.parse(line.text));
      const day = row.event_time / 86_400_000_000;
      for (const opened of [row.payer_account_opened_on, row.payee_account_opened_on, row.dict_key_created_on]) {
        if (opened !== null) expect(opened).toBeLessThanOrEqual(day);
      }
      for (const past of [row.device_enrolled_at, row.device_logged_in_at, row.device_sim_changed_at]) {
        if (past !== null) expect(past).toBeLessThanOrEqual(row.event_time);
      }
    }
  });

  it('contests late, and walks each of the paths that MED knows', () => {
    const paths = new Map<string, string[]>();
    for (const line of all.filter((one) => one.kind === 'label')) {
      const { endToEndId, state } = parseLabel(JSON.parse(line.text));
      paths.set(endToEndId, [...(paths.get(endToEndId) ?? []), state]);
    }
    const ends = new Set([...paths.values()].map((path) => path.at(-1)));
    for (const path of paths.values()) expect(path[0]).toBe('CONTESTED');
    expect(ends).toEqual(new Set(['AGREED', 'DISAGREED', 'CANCELLED']));
  });

  it('registers a key for one account only', () => {
    const accounts = new Map<string, string>();
    let seconds = 0;
    for (const line of payments(lines({ count: 60_000, seed: 3, days: 30 }))) {
      const { row } = parsePayment(JSON.parse(line.text));
      if (row.pix_key === null) continue;
      const account = `${row.payee_ispb} ${row.payee_branch} ${row.payee_number}`;
      expect(accounts.get(row.pix_key) ?? account, row.pix_key_type ?? '').toBe(account);
      accounts.set(row.pix_key, account);
      if (row.pix_key_type === 'CPF') seconds += 1;
    }
    expect(seconds).toBeGreaterThan(1000);
  });

  // A village, and a company town, where whoever is drawn may well be who drew.
  it.each([
    [{ count: 4_000, seed: 2, days: 30 }],
    [{ count: 300, seed: 4, days: 0.5, fraudRate: 1 }],
    [{ count: 30_000, seed: 6, fraudRate: 0.2, correctionRate: 0.1 }],
  ])('pays nothing from an account to itself: %j', (given) => {
    for (const { kind, text } of lines(given)) {
      if (kind === 'label') continue;
      const row =
        kind === 'correction' ? parseCorrection(JSON.parse(text)).replacement?.row : parsePayment(JSON.parse(text)).row;
      if (row === undefined) continue;
      expect([row.payee_ispb, row.payee_number]).not.toEqual([row.payer_ispb, row.payer_number]);
    }
  });

  it('gives out at tills what the rules allow, by day and by night', () => {
    const largest = { day: 0, night: 0 };
    for (const { kind, text } of lines({ count: 60_000, seed: 8, days: 20, correctionRate: 0.2 })) {
      if (kind === 'label') continue;
      const row =
        kind === 'correction' ? parseCorrection(JSON.parse(text)).replacement?.row : parsePayment(JSON.parse(text)).row;
      if (row?.purpose !== 'GSCB' && row?.purpose !== 'OTHR') continue;
      // Three hours behind UTC all year round, since 2019.
      const hour = new Date(row.event_time / 1000 - 3 * 3_600_000).getUTCHours();
      const when = hour >= 20 || hour < 6 ? 'night' : 'day';
      largest[when] = Math.max(largest[when], row.amount_centavos);
    }
    expect(largest.day).toBeGreaterThan(100_000);
    expect(largest.day).toBeLessThanOrEqual(300_000);
    expect(largest.night).toBeGreaterThan(30_000);
    expect(largest.night).toBeLessThanOrEqual(100_000);
  });

  it('keeps the asked share of fraud', () => {
    const frauds = payments(lines({ count: 50_000, seed: 9, fraudRate: 0.01 })).filter(
      (line) => line.story !== 'honest',
    );
    expect(frauds.length / 50_000).toBeGreaterThan(0.008);
    expect(frauds.length / 50_000).toBeLessThan(0.012);
    expect(payments(lines({ count: 5_000, fraudRate: 0 })).every((line) => line.story === 'honest')).toBe(true);
  });

  it('gives the same bytes for the same seed, others for another', () => {
    const once = sha256(lines({ count: 3_000, seed: 11, ...rates }));
    expect(sha256(lines({ count: 3_000, seed: 11, ...rates }))).toBe(once);
    expect(sha256(lines({ count: 3_000, seed: 12, ...rates }))).not.toBe(once);
  });

  it('corrects the asked share of payments, after they came, and changes no byte of the rest', () => {
    const given = { count: 5_000, seed: 4, ...rates, correctionRate: 0.1 };
    const corrected = lines(given);
    const rest = corrected.filter(({ kind }) => kind !== 'correction');
    expect(sha256(rest)).toBe(sha256(lines({ ...given, correctionRate: 0 })));
    expect(sha256(lines(given))).toBe(sha256(corrected));
    const times = corrected.map(({ atMicros }) => atMicros);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    const arrived = new Map<string, PaymentRow>();
    const changes = { retracted: 0, amount: 0, payee: 0, time: 0 };
    const ids = new Set<string>();
    for (const { kind, atMicros, text } of corrected) {
      if (kind === 'payment') {
        const { row } = parsePayment(JSON.parse(text));
        if (row.side === 'PAYER') arrived.set(row.end_to_end_id, row);
      }
      if (kind !== 'correction') continue;
      const { endToEndId, correctedAtMicros, replacement } = parseCorrection(JSON.parse(text));
      const was = arrived.get(endToEndId);
      expect([correctedAtMicros, was === undefined]).toEqual([atMicros, false]);
      ids.add(endToEndId);
      const now = replacement?.row;
      if (now === undefined) changes.retracted += 1;
      else if (now.amount_centavos !== was?.amount_centavos) changes.amount += 1;
      else if (now.payee_number !== was?.payee_number) changes.payee += 1;
      else if (now.event_time !== was?.event_time) changes.time += 1;
    }
    expect(ids.size / arrived.size).toBeGreaterThan(0.08);
    expect(ids.size / arrived.size).toBeLessThan(0.12);
    for (const count of Object.values(changes)) expect(count).toBeGreaterThan(10);
  });

  it('makes small, short and dense runs exactly too', () => {
    for (const given of [
      { count: 1 },
      { count: 7, days: 0.01 },
      { count: 500, days: 0.5 },
      { count: 2_000, days: 1, ...rates },
      { count: 300, days: 30, fraudRate: 1 },
    ]) {
      expect(payments(lines(given))).toHaveLength(given.count);
    }
  });

  it('refuses options outside their limits, by name', () => {
    expect(() => simulationOptions({ count: 0 })).toThrow(/count is 0/);
    expect(() => simulationOptions({ count: 10, lateRate: 1.5 })).toThrow(/lateRate is 1.5.*between 0 and 1/);
    expect(() => simulationOptions({ count: 10, days: -1 })).toThrow(/days is -1/);
  });
});
