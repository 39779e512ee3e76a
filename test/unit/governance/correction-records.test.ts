import { beforeEach, describe, expect, it } from 'vitest';
import { manualClock } from '../../../src/base/clock.ts';
import { entityKeys, type ImportedPayment, paymentRow } from '../../../src/domain/payment-row.ts';
import { SILVER_CORRECTIONS, SILVER_TRANSACTIONS } from '../../../src/governance/contracts/silver.ts';
import { definitionOf } from '../../../src/governance/contracts/table-contract.ts';
import { paymentsWithCorrections } from '../../../src/governance/correction-records.ts';
import { lakeColumns } from '../../../src/governance/lake-columns.ts';
import { paymentRecordColumns, recordedPayments } from '../../../src/governance/silver-records.ts';
import { memoryObjectStore } from '../../../src/storage/store/memory-object-store.ts';
import { createTable, type DeltaTable } from '../../../src/storage/table.ts';
import { examplePayment } from '../../payment-example.ts';

let transactions: DeltaTable;
let corrections: DeltaTable;

beforeEach(async () => {
  const store = memoryObjectStore();
  transactions = await createTable(store, definitionOf(SILVER_TRANSACTIONS), { clock: manualClock(0) });
  corrections = await createTable(store, definitionOf(SILVER_CORRECTIONS), { clock: manualClock(0) });
  await transactions.append({
    rows: [{ ...payment('1.00'), ...place(1), is_event: true, day: 1, civil_hour: 2, source_id: 's' }],
  });
  await corrections.append({
    rows: [
      { ...payment('1.00'), ...place(2), ...effect('RETRACTED'), payer_epoch: 1, payer_seq: 7 },
      { ...payment('2.50'), ...place(2), ...effect('REPLACED'), payer_epoch: 1, payer_seq: 8 },
      { ...place(3), ...effect('IGNORED'), end_to_end_id: 'E' },
      { ...payment('2.50'), ...place(4), ...effect('RETRACTED'), payer_epoch: 1, payer_seq: 9 },
    ],
  });
});

function payment(amount: string): Record<string, unknown> {
  const row = paymentRow(examplePayment({ amount }) as ImportedPayment);
  return { ...row, payer_account: entityKeys(row).payer, payee_account: entityKeys(row).payee };
}

const place = (position: number) => ({
  known_time: position * 10,
  known_assumed: false,
  journal_id: 'journal',
  journal_position: position,
  source: 'http',
});
const effect = (name: string) => ({ effect: name, corrected_at: 5 });

const COLUMNS = ['amount_centavos'];
const NAMES = [...paymentRecordColumns(COLUMNS), 'source_id', 'civil_hour', 'source'];

describe('payments with corrections', () => {
  it('are the rows of both tables as one, and say what each is to state', async () => {
    const read = paymentsWithCorrections(await corrections.snapshot());
    const columns = await lakeColumns(await transactions.snapshot(), NAMES, read);
    const { count, ids, isEvent, keys, numbers, places, row } = recordedPayments(columns, COLUMNS);
    expect(count).toBe(4);
    expect([...isEvent]).toEqual([1, 2, 3, 2]);
    expect(new Set(ids)).toEqual(new Set([examplePayment().endToEndId]));
    expect([0, 1, 2, 3].map((at) => row(at).amount_centavos)).toEqual([100, 100, 250, 250]);
    expect([...keys.payee]).toEqual(Array.from({ length: 4 }, () => '1A2B3C4D||99887766'));
    expect([...keys.device]).toEqual(Array.from({ length: 4 }, () => 'device-1'));
    expect([...numbers.payer.seqs]).toEqual([0, 7, 8, 9]);
    expect([...places.positions]).toEqual([1, 2, 2, 4]);
    expect([...places.knownTimes]).toEqual([10, 20, 20, 40]);
    // What silver.corrections has not is null there.
    expect([...columns.texts('source_id')]).toEqual(['s', null, null, null]);
    expect([...columns.numbers('civil_hour')]).toEqual([2, Number.NaN, Number.NaN, Number.NaN]);
    expect([...columns.texts('source')]).toEqual(['http', 'http', 'http', 'http']);
  });

  it('are those up to the places that are asked for', async () => {
    const read = paymentsWithCorrections(
      await corrections.snapshot(),
      (journal, at) => journal === 'journal' && at < 3,
    );
    const columns = await lakeColumns(await transactions.snapshot(), ['is_event'], read);
    expect([...columns.flags('is_event')]).toEqual([1, 2, 3]);
  });
});
