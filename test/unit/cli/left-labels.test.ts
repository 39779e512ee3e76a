import { expect, it } from 'vitest';
import { leftLabels } from '../../../src/cli/left-labels.ts';
import { forgetfulFiles } from '../../../src/events/memory-journal-files.ts';
import { paymentCodec } from '../../../src/events/payment-codec.ts';
import { bronzeToSilver } from '../../../src/pipeline/bronze-to-silver.ts';
import { bronzeWriter } from '../../../src/pipeline/bronze-writer.ts';
import { entries, exampleLake, idOf, JOURNAL, label, T0 } from '../pipeline/lake-example.ts';

it('labels that a journal holds without a number are found once silver has them, and the journal has none of them any more', async () => {
  const { lake, ports, remove } = await exampleLake();
  const bare = (n: number) => label(n, 'AGREED', { payeeAccount: null, number: null });
  const body = { endToEndId: idOf(4), state: 'CONTESTED', eventTime: new Date(T0 / 1000).toISOString() };
  const named = { ...body, payeeAccount: { ispb: '12345678', number: '99' } };
  const records = [
    bare(1),
    label(1, 'AGREED'),
    bare(2),
    bare(3),
    // Sent again: the number is of the first of both.
    bare(3),
    label(3, 'AGREED'),
    label(4, 'CONTESTED', {
      eventTimeMicros: T0,
      payeeAccount: null,
      number: null,
      raw: Buffer.from(JSON.stringify(named)),
    }),
    bare(5),
  ];
  await bronzeWriter(lake, JOURNAL, paymentCodec()).write(entries(records));
  await bronzeWriter(lake, JOURNAL.replace('0', '1'), paymentCodec()).write(entries([bare(6)]));
  await bronzeToSilver(ports);
  const sources = { ports, files: forgetfulFiles(), journalFolder: '/journal/main' };
  expect(
    (await leftLabels(sources, JOURNAL, 7)).map((left) => [left.endToEndId, left.payeeAccount, left.request]),
  ).toEqual([
    [idOf(2), null, `${JOURNAL}/3`],
    [idOf(3), null, `${JOURNAL}/5`],
    [idOf(4), '12345678||99', `${JOURNAL}/7`],
  ]);
  remove();
});
