import { expect, it } from 'vitest';
import { type EntityNumbers, NO_NUMBERS } from '../../../src/domain/entity-keys.ts';
import { EVENT } from '../../../src/domain/recorded-event.ts';
import type { SkimmedRecord } from '../../../src/events/journal-record.ts';
import type { JournalTail } from '../../../src/events/journal-tail.ts';
import { tailEvents } from '../../../src/pipeline/tail-events.ts';
import { rowOf } from '../features/streams.ts';

const ID = `E${'1'.repeat(31)}`;
const numbered = (seq: number): EntityNumbers => ({
  ...NO_NUMBERS,
  payer: { epoch: 1, seq },
  payee: { epoch: 1, seq },
});

function tail(journalId: string, entries: readonly Record<string, unknown>[]): JournalTail {
  return {
    journalId,
    lastPosition: entries.length,
    entries: entries.map(({ row = null, ...record }, at) => ({
      record: { knownTimeMicros: at, endToEndId: ID, ...record } as SkimmedRecord,
      row: row as ReturnType<typeof rowOf> | null,
      position: at + 1,
    })),
  } as JournalTail;
}

it('of tails take back what the record with a number says, where nothing is told yet of a second side', () => {
  const row = rowOf(ID, 5, 100, 1, 1);
  const { payments } = tailEvents([
    tail('a', [{ kind: 'payment', side: 'PAYEE', row: { ...row, side: 'PAYEE', payee_number: '2' } }]),
    tail('b', [
      { kind: 'payment', side: 'PAYER', row },
      { kind: 'sequence', side: 'PAYER', isEvent: true, numbers: numbered(1) },
      {
        kind: 'correction',
        isApplied: true,
        retracted: numbered(2),
        replaced: NO_NUMBERS,
        settles: { request: 'r', revision: 0 },
      },
    ]),
  ]);
  const retraction = payments.isEvent.indexOf(EVENT.retraction);
  expect(payments.row(retraction)).toMatchObject({ side: 'PAYER', payee_number: row.payee_number });
});
