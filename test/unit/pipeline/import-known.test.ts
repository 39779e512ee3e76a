import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { paymentCodec } from '../../../src/events/payment-codec.ts';
import { bronzeToSilver } from '../../../src/pipeline/bronze-to-silver.ts';
import { bronzeWriter } from '../../../src/pipeline/bronze-writer.ts';
import { knownPayments } from '../../../src/pipeline/import-known.ts';
import { type ExampleLake, entries, exampleLake, idOf, JOURNAL, scored } from './lake-example.ts';

let example: ExampleLake;

beforeEach(async () => {
  example = await exampleLake();
});
afterEach(() => example.remove());

describe('what the lake held before an import', () => {
  it('is read as it is asked for, and counted without being read', async () => {
    const payments = [scored(1), scored(1, { side: 'PAYEE', isEvent: false }), scored(2), scored(3)];
    await bronzeWriter(example.lake, JOURNAL, paymentCodec()).write(entries(payments));
    await bronzeToSilver(example.ports);
    const epoch = { epoch: 2, knownMicros: 0, offsets: { [JOURNAL]: 3 } };
    const known = await knownPayments(example.lake, epoch as Parameters<typeof knownPayments>[1], new Set());
    expect(known.count).toBe(4);
    expect(Symbol.iterator in known.payments).toBe(false);
    const read: unknown[] = [];
    for await (const chunk of known.payments) read.push(...chunk);
    const account = '1A2B3C4D||99887766';
    expect(read).toHaveLength(3);
    expect(read).toEqual(
      expect.arrayContaining([
        { endToEndId: idOf(1), side: 'PAYER', payeeAccount: account },
        { endToEndId: idOf(1), side: 'PAYEE', payeeAccount: null },
        { endToEndId: idOf(2), side: 'PAYER', payeeAccount: account },
      ]),
    );
  });
});
