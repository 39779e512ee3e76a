import { describe, expect, it } from 'vitest';
import { AnswerIndex } from '../../../src/events/answer-index.ts';
import { forgetfulFiles } from '../../../src/events/memory-journal-files.ts';
import { AnswerBook } from '../../../src/scoring/answer-book.ts';
import type { ArchivedDecision, DecisionArchive } from '../../../src/scoring/decision-archive.ts';

const ID = 'E1234567820261101120012345678901';
const NOW = 1_000_000;
const sha = (byte: number) => Buffer.alloc(32, byte);
const decision = (body: string, byte: number): ArchivedDecision => ({
  body,
  knownTimeMicros: NOW,
  requestSha256: sha(byte),
  features: new Float64Array(0),
  featureStatus: new Uint8Array(0),
});

/** A book whose journal has let every segment go: the archive has first A's decision under the key, then B's. */
const bookOver = (find: DecisionArchive['find']) => {
  const index = new AnswerIndex(7 * 86_400_000_000);
  const book = new AnswerBook({ index, files: forgetfulFiles(), folder: 'journal', archive: { find } });
  book.remember(ID, 'PAYER', sha(2), { segment: 1, offset: 64, position: 1 }, NOW);
  return book;
};
const archived = [decision('A', 1), decision('B', 2)];

describe('an answer that only the lake has', () => {
  it('is that of the payment that is repeated, where another one had the key before', async () => {
    const book = bookOver(async (_id, _side, asked) =>
      archived.find(({ requestSha256 }) => asked === null || sha(asked[0] ?? 0).equals(requestSha256)),
    );
    await expect(book.earlier(ID, 'PAYER', sha(2), NOW)).resolves.toBe('B');
    expect(() => book.earlier(ID, 'PAYER', sha(1), NOW)).toThrow(expect.objectContaining({ code: 'key_reused' }));
    // Without a request it is the first under the key, as silver keeps it.
    expect(await book.find(ID, 'PAYER', NOW)).toMatchObject({ body: 'A' });
  });

  it('is not given where the archive has only another payment’s', async () => {
    const none = bookOver(async () => undefined);
    await expect(none.earlier(ID, 'PAYER', sha(2), NOW)).rejects.toMatchObject({ code: 'storage_failed' });
    const wrong = bookOver(async () => archived[0]);
    await expect(wrong.earlier(ID, 'PAYER', sha(2), NOW)).rejects.toThrow(/the answer to the request/);
  });
});
