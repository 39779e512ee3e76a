import { describe, expect, it } from 'vitest';
import { byKeyedKind, byKind } from '../../../src/domain/entity-keys.ts';
import type { PaymentRow } from '../../../src/domain/payment-row.ts';
import { EVENT } from '../../../src/domain/recorded-event.ts';
import { numberColumns } from '../../../src/features/replay/replay-input.ts';
import { type CountedPayments, paymentTurns } from '../../../src/pipeline/payment-turns.ts';

/** A row of a payment, or of what a correction made of it. */
interface Row {
  readonly id: string;
  readonly event: number;
  readonly hasNumber: boolean;
  readonly revision?: number;
}

function recorded(rows: readonly Row[]): CountedPayments {
  const payer = numberColumns(rows.length);
  for (const [at, { hasNumber }] of rows.entries()) {
    payer.epochs[at] = hasNumber ? 1 : 0;
    payer.seqs[at] = hasNumber ? at + 1 : 0;
  }
  const times = Float64Array.from(rows, (_, at) => at);
  return {
    count: rows.length,
    keys: byKeyedKind(() => rows.map(() => null)),
    isEvent: Uint8Array.from(rows, ({ event }) => event),
    numbers: byKind((kind) => (kind === 'payer' ? payer : numberColumns(rows.length))),
    places: { journals: rows.map(() => 'j'), positions: times, knownTimes: times },
    revisions: Float64Array.from(rows, ({ revision = Number.NaN }) => revision),
    row: (at) => ({ end_to_end_id: rows[at]?.id }) as PaymentRow,
  };
}

const FIRST = { event: EVENT.first, hasNumber: true } as const;
const RETRACTION = { event: EVENT.retraction, hasNumber: true } as const;

describe('the turns of payments', () => {
  it('are asked for where an event had no number when an embedded store retracted it: replay has it before that', () => {
    const turns = paymentTurns(
      recorded([
        { ...RETRACTION, id: 'a' },
        { ...FIRST, id: 'b' },
        { ...RETRACTION, id: 'b' },
        { ...FIRST, id: 'a', hasNumber: false },
        { ...FIRST, id: 'c', hasNumber: false },
      ]),
    );
    expect(turns?.payments).toEqual(Int32Array.of(0, -1, -1, 0, -1));
    expect(turns?.turns).toEqual(Float64Array.of(2, 0, 0, 1, 0));
  });

  it('are those that Redis counted, whatever the clocks of its servers said', () => {
    const turns = paymentTurns(
      recorded([
        { ...RETRACTION, id: 'a', revision: 2 },
        { ...RETRACTION, id: 'a', revision: 0 },
        { event: EVENT.replacement, hasNumber: true, id: 'a', revision: 1 },
        { ...FIRST, id: 'a' },
      ]),
    );
    expect(turns?.turns).toEqual(Float64Array.of(4, 2, 3, 1));
  });

  it('begin with the record that has a number, of two that may be the event', () => {
    const turns = paymentTurns(
      recorded([
        { ...FIRST, id: 'a', hasNumber: false },
        { ...RETRACTION, id: 'a', revision: 0 },
        { ...FIRST, id: 'a' },
      ]),
    );
    expect(turns?.turns).toEqual(Float64Array.of(2, 3, 1));
  });

  it('are none where every event has its number and Redis counted nothing', () => {
    expect(
      paymentTurns(
        recorded([
          { ...FIRST, id: 'a' },
          { ...RETRACTION, id: 'a' },
        ]),
      ),
    ).toBeUndefined();
  });
});
