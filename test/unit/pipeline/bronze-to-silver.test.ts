import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type EntityNumbers, NO_NUMBERS } from '../../../src/domain/entity-keys.ts';
import type { JournalRecord } from '../../../src/events/journal-record.ts';
import { paymentCodec } from '../../../src/events/payment-codec.ts';
import { bronzeToSilver } from '../../../src/pipeline/bronze-to-silver.ts';
import { bronzeWriter } from '../../../src/pipeline/bronze-writer.ts';
import { findDecision, findPayeeAccount } from '../../../src/pipeline/decision-lookup.ts';
import { silverPositions } from '../../../src/pipeline/silver-plan.ts';
import { type ExampleLake, entries, exampleLake, idOf, JOURNAL, label, numbered, scored, T0 } from './lake-example.ts';

let example: ExampleLake;

beforeEach(async () => {
  example = await exampleLake();
});
afterEach(() => example.remove());

const writerOf = (journal = JOURNAL) => bronzeWriter(example.lake, journal, paymentCodec());

describe('bronze to silver', () => {
  it('flattens payments and decisions, with civil time and the numbers that they took', async () => {
    await writerOf().write(entries([scored(1), scored(2)]));
    const figures = await bronzeToSilver(example.ports);
    expect(figures).toMatchObject({ read: 4, written: 4, duplicates: 0, quarantined: 0 });
    const [first] = await example.rows('silver/transactions');
    expect(first).toMatchObject({
      end_to_end_id: idOf(1),
      side: 'PAYER',
      amount_centavos: 150n,
      event_time: BigInt(Date.UTC(2026, 10, 1, 12, 0, 5, 123)) * 1000n,
      known_time: BigInt(T0 + 1000),
      day: Date.UTC(2026, 10, 1) / 86_400_000,
      civil_hour: 9,
      payer_account: '12345678|1|123456',
      payee_account: '1A2B3C4D||99887766',
      payer_seq: 1n,
      is_event: true,
      journal_position: 1n,
      dict_person_frauds_m12: 1n,
    });
    const [decision] = await example.rows('silver/decisions');
    expect(decision).toMatchObject({
      end_to_end_id: idOf(1),
      decision: 'APPROVE',
      score: 0.25,
      reasons: ['amount_high', 'new_payee'],
      features: [1, null, 0.5],
      payer_seq: 0n,
      expires_at: null,
      request_sha256: '01'.repeat(32),
    });
  });

  it('does nothing the second time, and only what is new the third', async () => {
    const writer = writerOf();
    await writer.write(entries([scored(1), scored(2)]));
    await bronzeToSilver(example.ports);
    const version = (await example.lake.table('silver/transactions').snapshot()).version;
    expect(await bronzeToSilver(example.ports)).toMatchObject({ read: 0, written: 0 });
    expect((await example.lake.table('silver/transactions').snapshot()).version).toBe(version);
    await writer.write(entries([scored(3), label(3, 'AGREED')], 3));
    expect(await bronzeToSilver(example.ports)).toMatchObject({ read: 3, written: 3 });
    expect((await silverPositions(example.lake)).get(JOURNAL)).toBe(4);
  });

  it('keeps the first of each payment and side, within a run and against silver', async () => {
    const again = scored(1, { knownTimeMicros: T0 + 9_000_000, numbers: NO_NUMBERS });
    await writerOf().write(entries([scored(1), again, scored(1, { side: 'PAYEE', isEvent: false })]));
    expect(await bronzeToSilver(example.ports)).toMatchObject({ read: 6, written: 4, duplicates: 2 });
    await writerOf().write(entries([scored(1, { knownTimeMicros: T0 + 1 })], 4));
    expect(await bronzeToSilver(example.ports)).toMatchObject({ read: 2, written: 0, duplicates: 2 });
    const rows = await example.rows('silver/transactions');
    expect(rows.map((row) => [row.side, row.known_time]).sort()).toEqual([
      ['PAYEE', BigInt(T0 + 1000)],
      ['PAYER', BigInt(T0 + 1000)],
    ]);
  });

  it('keeps the first good one where an earlier one breaks the contract', async () => {
    const bad = scored(1, { raw: Buffer.from('{"endToEndId":') });
    const record = entries([bad, scored(1, { knownTimeMicros: T0 + 5_000 })]);
    await writerOf().write(record);
    const figures = await bronzeToSilver(example.ports);
    expect(figures).toMatchObject({ quarantined: 1, reasons: { unreadable: 1 } });
    expect(await example.rows('silver/transactions')).toHaveLength(1);
    const [quarantined] = await example.rows('quarantine/transactions');
    expect(quarantined).toMatchObject({ code: 'unreadable', journal_position: 1n, raw: new Uint8Array(bad.raw) });
  });

  it('quarantines an instant that no column holds, and goes on', async () => {
    await writerOf().write(entries([scored(1, {}, { acceptedAt: '1500-01-01T00:00:00Z' }), scored(2)]));
    expect(await bronzeToSilver(example.ports)).toMatchObject({ quarantined: 1, reasons: { unreadable: 1 } });
    expect(await example.rows('silver/transactions')).toHaveLength(1);
  });

  it('quarantines a row that breaks an expectation, in words that hold no value', async () => {
    await writerOf().write(entries([scored(1, {}, { amount: '-3.00' }), scored(2)]));
    const figures = await bronzeToSilver(example.ports);
    expect(figures).toMatchObject({ quarantined: 1, reasons: { amount_out_of_range: 1 } });
    const [row] = await example.rows('quarantine/transactions');
    expect(row?.reason).not.toMatch(/3/);
  });

  it('keeps every label that took a number, and one of each that took none', async () => {
    const bare = { number: null } as const;
    await writerOf().write(
      entries([
        label(1, 'AGREED'),
        label(1, 'AGREED'),
        label(2, 'CONTESTED', bare),
        label(2, 'CONTESTED', bare),
        label(2, 'AGREED', bare),
      ]),
    );
    const figures = await bronzeToSilver(example.ports);
    expect(figures).toMatchObject({ read: 5, written: 4, duplicates: 1 });
    const rows = await example.rows('silver/labels');
    expect(rows.map((row) => `${row.end_to_end_id === idOf(1) ? 1 : 2} ${row.state}`).sort()).toEqual([
      '1 AGREED',
      '1 AGREED',
      '2 AGREED',
      '2 CONTESTED',
    ]);
    expect(rows[0]).toMatchObject({ med_status: 'ANALYSED', payee_account: '1A2B3C4D||99887766' });
  });

  it('holds an event back until its number is known, and gives it that number', async () => {
    const { kind: _, isEvent: __, numbers: ___, saw, answer, features, featureStatus, ...payment } = scored(2);
    const event = { ...payment, kind: 'payment' as const };
    const decision = {
      kind: 'decision' as const,
      knownTimeMicros: event.knownTimeMicros,
      endToEndId: event.endToEndId,
      side: event.side,
      source: event.source,
      requestSha256: event.requestSha256,
      isEvent: true,
      numbers: numbered(7, 3),
      saw,
      answer,
      features,
      featureStatus,
    };
    await writerOf().write(entries([scored(1), event, scored(3)]));
    example.clock.advanceTo(T0 + 60_000_000);
    await bronzeToSilver(example.ports);
    expect((await example.rows('silver/transactions')).map((row) => row.end_to_end_id)).toEqual([idOf(1)]);
    await writerOf().write(entries([decision], 4));
    await bronzeToSilver(example.ports);
    const rows = await example.rows('silver/transactions');
    expect(rows).toHaveLength(3);
    expect(rows.find((row) => row.end_to_end_id === idOf(2))).toMatchObject({
      payer_epoch: 3n,
      pair_seq: 7n,
      is_event: true,
    });
  });

  it('takes of numbers that were told in parts, or again, the first of each entity', async () => {
    const paid = (n: number): JournalRecord => {
      const { isEvent, numbers, saw, answer, features, featureStatus, ...payment } = scored(n);
      return { ...payment, kind: 'payment' };
    };
    const told = (n: number, at: number, numbers: Partial<EntityNumbers>, isEvent = true): JournalRecord => ({
      kind: 'sequence',
      knownTimeMicros: T0 + at,
      endToEndId: idOf(n),
      side: 'PAYER',
      isEvent,
      numbers: { ...NO_NUMBERS, ...numbers },
    });
    const of = (seq: number) => ({ epoch: 2, seq });
    const first = [paid(1), told(1, 9000, { payer: of(1), pair: of(1) })];
    const second = [
      paid(2),
      paid(3),
      paid(4),
      told(2, 10_000, { payer: of(5) }),
      told(3, 11_000, { payer: of(6), payee: of(7) }),
      told(2, 12_000, { payer: of(8), payee: of(9) }),
      told(4, 13_000, {}, false),
      // Told once more of one that silver has.
      told(1, 14_000, { payer: of(10) }),
    ];
    await writerOf().write(entries(first));
    await bronzeToSilver(example.ports);
    await writerOf().write(entries(second, 1 + first.length));
    await bronzeToSilver(example.ports);
    const rows = (await example.rows('silver/transactions')).map((row) => [
      row.end_to_end_id,
      row.is_event,
      row.payer_seq,
      row.payee_seq,
      row.pair_seq,
      row.payee_epoch,
    ]);
    expect(rows.sort()).toEqual([
      [idOf(1), true, 1n, null, 1n, null],
      [idOf(2), true, 5n, 9n, null, 2n],
      [idOf(3), true, 6n, 7n, null, 2n],
      [idOf(4), false, null, null, null, null],
    ]);
  });

  it('lets an event go on without a number that never came', async () => {
    const {
      kind: _,
      isEvent: __,
      numbers: ___,
      saw: ____,
      answer: _5,
      features: _6,
      featureStatus: _7,
      ...payment
    } = scored(2);
    await writerOf().write(entries([{ ...payment, kind: 'payment' as const }, scored(3)]));
    example.clock.advanceTo(T0 + 3_600_000_000);
    await bronzeToSilver(example.ports);
    const rows = await example.rows('silver/transactions');
    expect(rows.find((row) => row.end_to_end_id === idOf(2))).toMatchObject({ payer_epoch: null, is_event: true });
  });

  it('gives every row once when two runs race', async () => {
    await writerOf().write(entries(Array.from({ length: 40 }, (_, n) => scored(n + 1))));
    await Promise.all([bronzeToSilver(example.ports), bronzeToSilver(example.ports)]);
    expect(await example.rows('silver/transactions')).toHaveLength(40);
    expect(await example.rows('silver/decisions')).toHaveLength(40);
  });
});

describe('look-ups', () => {
  it('find a decision in bronze, and in silver after the job', async () => {
    await writerOf().write(entries([scored(1), scored(2)]));
    for (let round = 0; round < 2; round += 1) {
      const found = await findDecision(example.ports, idOf(2), 'PAYER');
      expect(found?.knownTimeMicros).toBe(T0 + 2000);
      expect(found?.features).toEqual(Float64Array.of(2, Number.NaN, 0.5));
      expect(found?.featureStatus).toEqual(Uint8Array.of(0, 2, 0));
      expect(JSON.parse(found?.body ?? '')).toMatchObject({ endToEndId: idOf(2) });
      expect(await findDecision(example.ports, idOf(2), 'PAYEE')).toBeUndefined();
      expect(await findPayeeAccount(example.ports, idOf(1))).toBe('1A2B3C4D||99887766');
      expect(await findPayeeAccount(example.ports, idOf(5))).toBeUndefined();
      await bronzeToSilver(example.ports);
    }
  });
});

describe('the order of silver', () => {
  it('is that of the journal, over many files of bronze', async () => {
    for (let from = 1; from <= 9001; from += 3000) {
      await writerOf().write(
        entries(
          Array.from({ length: 3000 }, (_, n) => scored(from + n)),
          from,
        ),
      );
    }
    await bronzeToSilver(example.ports);
    const positions = (await example.rows('silver/transactions')).map((row) => Number(row.journal_position));
    expect(positions).toEqual(Array.from({ length: 12_000 }, (_, n) => n + 1));
  }, 60_000);

  it('find the decision of the request that is asked for, where another payment has the key in silver', async () => {
    const other = { endToEndId: idOf(1), requestSha256: new Uint8Array(32).fill(9), isEvent: false };
    await writerOf().write(entries([scored(1)]));
    await bronzeToSilver(example.ports);
    await writerOf().write(entries([scored(2, other), scored(3, other)], 2));
    for (let round = 0; round < 2; round += 1) {
      const find = (sha256?: Uint8Array) => findDecision(example.ports, idOf(1), 'PAYER', sha256);
      expect((await find())?.knownTimeMicros).toBe(T0 + 1000);
      expect((await find(new Uint8Array(32).fill(1)))?.knownTimeMicros).toBe(T0 + 1000);
      expect(await find(other.requestSha256)).toMatchObject({
        knownTimeMicros: T0 + 2000,
        requestSha256: Buffer.from(other.requestSha256),
        features: Float64Array.of(2, Number.NaN, 0.5),
      });
      expect(await find(new Uint8Array(32).fill(7))).toBeUndefined();
      await bronzeToSilver(example.ports);
    }
  });
});
