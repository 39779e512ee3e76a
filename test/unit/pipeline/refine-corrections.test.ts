import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NO_NUMBERS } from '../../../src/domain/entity-keys.ts';
import type { JournalRecord } from '../../../src/events/journal-record.ts';
import { paymentCodec } from '../../../src/events/payment-codec.ts';
import { bronzeToSilver } from '../../../src/pipeline/bronze-to-silver.ts';
import { bronzeWriter } from '../../../src/pipeline/bronze-writer.ts';
import { ensureLake, openLake } from '../../../src/pipeline/lake.ts';
import { silverPositions } from '../../../src/pipeline/silver-plan.ts';
import { openOrCreateTable } from '../../../src/storage/table.ts';
import type { CellRow } from '../../../src/storage/types/cell.ts';
import { storeThatDies } from './failing-store.ts';
import {
  correction,
  type ExampleLake,
  entries,
  exampleLake,
  idOf,
  JOURNAL,
  numbered,
  scored,
  T0,
} from './lake-example.ts';

let example: ExampleLake;

beforeEach(async () => {
  example = await exampleLake();
});
afterEach(() => example.remove());

const OTHER_PAYEE = { ispb: '1A2B3C4D', account: { number: '555', type: 'TRAN' } };

async function write(records: readonly JournalRecord[], from = 1, journal = JOURNAL): Promise<void> {
  await bronzeWriter(example.lake, journal, paymentCodec()).write(entries(records, from));
}

/** What the rows of silver.corrections say: position, effect, payment, number. */
async function effects(): Promise<unknown[]> {
  const said = (row: CellRow) => [
    Number(row.journal_position),
    row.effect,
    row.amount_centavos === null ? null : Number(row.amount_centavos),
    row.payee_account,
    row.payee_seq === null ? null : Number(row.payee_seq),
  ];
  const rows = await example.rows('silver/corrections');
  return rows.sort((a, b) => Number(a.journal_position) - Number(b.journal_position)).map(said);
}

const PAYEE = '1A2B3C4D||99887766';
const OTHER = '1A2B3C4D||555';

describe('corrections in silver', () => {
  it('of a retraction hold the payment as it was, with the numbers of the retraction', async () => {
    await write([scored(1), scored(1, { side: 'PAYEE', isEvent: false }), scored(2), correction(1, null)]);
    expect(await bronzeToSilver(example.ports)).toMatchObject({ read: 7, written: 7, duplicates: 0, quarantined: 0 });
    const rows = await example.rows('silver/corrections');
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({
      end_to_end_id: idOf(1),
      effect: 'RETRACTED',
      side: 'PAYER',
      amount_centavos: 150n,
      event_time: BigInt(Date.UTC(2026, 10, 1, 12, 0, 5, 123)) * 1000n,
      payer_account: '12345678|1|123456',
      payee_account: PAYEE,
      pix_key: 'loja@example.com',
      device_id: 'device-1',
      payer_epoch: 1n,
      payer_seq: 1002n,
      pix_key_seq: null,
      corrected_at: BigInt(Date.UTC(2026, 10, 2, 12)) * 1000n,
      known_time: BigInt(T0 + 1_000_000),
      journal_id: JOURNAL,
      journal_position: 4n,
      source: 'http',
    });
    // The payment's own row stays as it was first presented.
    expect(await example.rows('silver/transactions')).toHaveLength(3);
    const [bronze] = await example.rows('bronze/corrections');
    expect(bronze).toMatchObject({ is_applied: true, retracted_payee_seq: 1002n, replaced_payee_seq: null });
    expect(JSON.parse(String(bronze?.correction))).toMatchObject({ endToEndId: idOf(1) });
  });

  it('of a replacement hold the payment as it was and as it is, of a replacement of that the replaced one', async () => {
    await write([
      scored(1),
      correction(1, { amount: '7.00', payee: OTHER_PAYEE }),
      correction(1, { amount: '8.00' }, { retracted: numbered(2000), replaced: numbered(2001) }),
    ]);
    await bronzeToSilver(example.ports);
    const first = [
      [2, 'RETRACTED', 150, PAYEE, 1002],
      [2, 'REPLACED', 700, OTHER, 1003],
      [3, 'RETRACTED', 700, OTHER, 2000],
      [3, 'REPLACED', 800, PAYEE, 2001],
    ];
    expect(await effects()).toEqual(first);
    // Run by run it is the same: the payment as it was is in silver then.
    await write([correction(1, null, { retracted: numbered(2002) })], 4);
    await bronzeToSilver(example.ports);
    expect(await effects()).toEqual([...first, [4, 'RETRACTED', 800, PAYEE, 2002]]);
  });

  it('come in the order of their epochs, whatever an import says of when it was known', async () => {
    const at = (seconds: number, epoch: number, seq: number) => ({
      knownTimeMicros: T0 + seconds * 1_000_000,
      retracted: numbered(seq, epoch),
      replaced: numbered(seq + 1, epoch),
    });
    const steps = [
      correction(1, { amount: '7.00', payee: OTHER_PAYEE }, at(10, 1, 2000)),
      correction(1, { amount: '8.00' }, at(5, 2, 1)),
      correction(1, { amount: '9.00' }, at(6, 3, 1)),
    ];
    const expected = [
      [2, 'RETRACTED', 150, PAYEE, 2000],
      [2, 'REPLACED', 700, OTHER, 2001],
      [3, 'RETRACTED', 700, OTHER, 1],
      [3, 'REPLACED', 800, PAYEE, 2],
      [4, 'RETRACTED', 800, PAYEE, 1],
      [4, 'REPLACED', 900, PAYEE, 2],
    ];
    await write([scored(1), ...steps]);
    await bronzeToSilver(example.ports);
    expect(await effects()).toEqual(expected);
    // Run by run it is the same.
    example.remove();
    example = await exampleLake();
    for (const [step, record] of [scored(1), ...steps].entries()) {
      await write([record], step + 1);
      await bronzeToSilver(example.ports);
    }
    expect(await effects()).toEqual(expected);
  });

  it('that did nothing are kept and say so, and a retracted payment may be replaced', async () => {
    const nothing = { retracted: NO_NUMBERS, replaced: NO_NUMBERS } as const;
    await write([
      scored(1),
      correction(1, null),
      correction(1, null, nothing),
      correction(1, { amount: '9.00' }, { retracted: NO_NUMBERS, replaced: numbered(2000) }),
      correction(5, { amount: '9.00' }, { ...nothing, isApplied: false }),
    ]);
    expect(await bronzeToSilver(example.ports)).toMatchObject({ read: 6, written: 6, duplicates: 0, quarantined: 0 });
    expect(await effects()).toEqual([
      [2, 'RETRACTED', 150, PAYEE, 1002],
      [3, 'IGNORED', null, null, null],
      [4, 'REPLACED', 900, PAYEE, 2000],
      [5, 'IGNORED', null, null, null],
    ]);
  });

  it('of a payment that silver does not hold go to quarantine, and the position goes on', async () => {
    const lost = correction(3, null);
    await write([scored(1), lost, correction(1, null)]);
    const figures = await bronzeToSilver(example.ports);
    expect(figures).toMatchObject({ quarantined: 1, reasons: { payment_missing: 1 } });
    expect(await effects()).toHaveLength(1);
    const [row] = await example.rows('quarantine/corrections');
    expect(row).toMatchObject({
      code: 'payment_missing',
      journal_position: 2n,
      line: null,
      raw: new Uint8Array(lost.raw),
    });
    expect((await silverPositions(example.lake)).get(JOURNAL)).toBe(3);
  });

  it('come once, wherever a job is killed, and only once their payments are there', async () => {
    await write([scored(1), correction(1, { amount: '7.00' }), correction(2, null), scored(2)]);
    let runs = 0;
    for (let writes = 0; ; writes += 1) {
      const dying = storeThatDies(example.lake.store, writes);
      await bronzeToSilver({ ...example.ports, lake: openLake(dying, example) }).catch(() => undefined);
      runs += 1;
      if (!dying.died) break;
    }
    expect(runs).toBeGreaterThan(5);
    // The second was written before its payment: they are in silver in whichever order.
    expect(await effects()).toEqual([
      [2, 'RETRACTED', 150, PAYEE, 1002],
      [2, 'REPLACED', 700, PAYEE, 1003],
      [3, 'RETRACTED', 250, PAYEE, 1004],
    ]);
    expect(await bronzeToSilver(example.ports)).toMatchObject({ read: 0, written: 0 });
  });
});

describe('corrections of two servers on one Redis', () => {
  const OTHER_JOURNAL = '5e5d7f0e-8a55-4a7e-9d7b-1f5f2f3c4d5e';
  /** What the second server did before in Redis, and recorded earlier: its clock is late. */
  const moved = correction(1, { payee: OTHER_PAYEE }, { settles: { request: 'a', revision: 0 } });
  const takenBack = correction(1, null, {
    knownTimeMicros: moved.knownTimeMicros - 1000,
    retracted: numbered(2000),
    settles: { request: 'b', revision: 2 },
  });
  const expected = [
    ['RETRACTED', 0n, PAYEE, 1002n],
    ['REPLACED', 1n, OTHER, 1003n],
    ['RETRACTED', 2n, OTHER, 2000n],
  ];
  const rows = async (): Promise<unknown[]> => {
    const found = await example.rows('silver/corrections');
    const said = found.map(({ effect, revision, payee_account, payee_seq }) => [
      effect,
      revision,
      payee_account,
      payee_seq,
    ]);
    return said.sort((a, b) => Number(a[1]) - Number(b[1]));
  };

  it('come in the order that Redis counted, whatever their clocks say', async () => {
    await write([scored(1), takenBack]);
    await write([moved], 1, OTHER_JOURNAL);
    await bronzeToSilver(example.ports);
    expect(await rows()).toEqual(expected);
  });

  it('wait for the payment and for the corrections before them, and hold back what stands behind them', async () => {
    await write([scored(2), takenBack, correction(2, null, { settles: { request: 'c', revision: 0 } })]);
    await bronzeToSilver(example.ports);
    // Neither the payment nor the correction before is there: the position stays before the correction.
    expect([await rows(), (await silverPositions(example.lake)).get(JOURNAL)]).toEqual([[], 1]);
    await write([scored(1)], 1, OTHER_JOURNAL);
    await bronzeToSilver(example.ports);
    expect(await rows()).toEqual([]);
    await write([moved], 2, OTHER_JOURNAL);
    await bronzeToSilver(example.ports);
    const ofFirst = (await rows()).filter((row) => Array.isArray(row) && row[3] !== 1004n);
    expect(ofFirst).toEqual(expected);
    expect((await silverPositions(example.lake)).get(JOURNAL)).toBe(3);
    // One that found nothing to do has no numbers, and waits for nothing.
    const nothing = { retracted: NO_NUMBERS, settles: { request: 'd', revision: 3 } };
    await write([correction(1, null, nothing)], 4);
    await bronzeToSilver(example.ports);
    expect((await silverPositions(example.lake)).get(JOURNAL)).toBe(4);
    expect(await example.rows('quarantine/corrections')).toEqual([]);
  });

  it('go on without them after a quarter of an hour, and say so', async () => {
    await write([scored(2), takenBack]);
    await bronzeToSilver(example.ports);
    expect((await silverPositions(example.lake)).get(JOURNAL)).toBe(1);
    example.clock.advanceTo(takenBack.knownTimeMicros + 15 * 60_000_000);
    expect(await bronzeToSilver(example.ports)).toMatchObject({ quarantined: 1, reasons: { payment_missing: 1 } });
    expect((await silverPositions(example.lake)).get(JOURNAL)).toBe(2);
  });

  it('are brought to a lake whose tables know nothing of their order', async () => {
    for (const name of ['bronze/corrections', 'silver/corrections'] as const) {
      const { schema } = await example.lake.table(name).snapshot();
      const fields = schema.fields.filter((field) => field.name !== 'revision');
      rmSync(join(example.folder, 'lake', name), { recursive: true });
      await openOrCreateTable(
        example.lake.store,
        { path: name, schema: { ...schema, fields }, partitionColumns: [] },
        example,
      );
    }
    const lake = await ensureLake(example.lake.store, example);
    await bronzeWriter(lake, JOURNAL, paymentCodec()).write(entries([scored(1), moved, takenBack]));
    await bronzeToSilver({ ...example.ports, lake });
    expect(await rows()).toEqual(expected);
  });
});

describe('the position of silver', () => {
  it('waits for corrections', async () => {
    await write([scored(1)]);
    await bronzeToSilver(example.ports);
    expect((await silverPositions(example.lake)).get(JOURNAL)).toBe(1);
    await write([correction(1, null)], 2);
    expect((await silverPositions(example.lake)).get(JOURNAL)).toBe(1);
    await bronzeToSilver(example.ports);
    expect((await silverPositions(example.lake)).get(JOURNAL)).toBe(2);
  });

  it('in a lake of a program that knew no corrections is that of its other tables, and never beyond a correction that silver lacks', async () => {
    await write([scored(1), scored(2)]);
    await bronzeToSilver(example.ports);
    // As that program left it: it made no such tables, which the next start makes.
    for (const layer of ['bronze', 'silver', 'quarantine']) {
      rmSync(join(example.folder, 'lake', layer, 'corrections'), { recursive: true });
    }
    await ensureLake(example.lake.store, example);
    expect((await silverPositions(example.lake)).get(JOURNAL)).toBe(2);
    await write([scored(3), correction(3, null), scored(4)], 3);
    const seen = new Set<number>();
    // Few writes a run, several times over: each table's commit is the last of some run.
    for (let run = 0; ; run += 1) {
      const dying = storeThatDies(example.lake.store, Math.floor(run / 6));
      await bronzeToSilver({ ...example.ports, lake: openLake(dying, example) }).catch(() => undefined);
      const position = (await silverPositions(example.lake)).get(JOURNAL) ?? 0;
      // At whichever point the job was killed.
      expect(position).toBe((await effects()).length > 0 ? 5 : 2);
      seen.add(position);
      if (!dying.died) break;
    }
    expect([...seen]).toEqual([2, 5]);
    expect(await effects()).toEqual([[4, 'RETRACTED', 350, PAYEE, 1006]]);
  });
});
