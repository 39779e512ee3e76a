import { expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { openJournal } from '../../src/events/journal.ts';
import { readJournal } from '../../src/events/journal-reader.ts';
import { forgetfulFiles } from '../../src/events/memory-journal-files.ts';

const FOLDER = '/journal/one';

/** Appends, cuts the power at a random step, reopens; what was acknowledged must be there, in order, once. */
it('keeps every acknowledged record through 200 power cuts', async () => {
  for (let seed = 1; seed <= 40; seed += 1) {
    const random = seededRandom(seed);
    const files = forgetfulFiles();
    const acknowledged: string[] = [];
    const sent: string[] = [];
    let journalId: string | undefined;
    let counter = 0;
    for (let cut = 0; cut < 5; cut += 1) {
      const journal = await openJournal({
        files,
        folder: FOLDER,
        aheadBytes: 8192,
        newId: () => '11111111-2222-4333-8444-555555555555',
        onDurable: () => {},
        onLost: () => {},
        onFatal: () => {},
      });
      journalId ??= journal.id;
      expect(journal.id, `seed ${seed}`).toBe(journalId);
      const pending: Promise<unknown>[] = [];
      const rounds = random.below(6);
      for (let round = 0; round < rounds; round += 1) {
        for (let index = random.below(8); index >= 0; index -= 1) {
          counter += 1;
          const text = `record ${counter} ${'x'.repeat(random.below(1500))}`;
          sent.push(text);
          pending.push(
            journal.append(Buffer.from(text), counter).then(
              () => acknowledged.push(text),
              () => {},
            ),
          );
        }
        const turns = random.below(12);
        for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      }
      files.cutPower(random);
      await Promise.all(pending);
      const kept: string[] = [];
      await journal.close();
      const reopened = await openJournal({
        files,
        folder: FOLDER,
        aheadBytes: 8192,
        newId: () => journal.id,
        onDurable: () => {},
        onLost: () => {},
        onFatal: () => {},
      });
      for await (const batch of readJournal(files, FOLDER, 0))
        for (const { payload } of batch) kept.push(payload.toString());
      await reopened.close();
      const places = acknowledged.map((text) => kept.indexOf(text));
      expect(places.includes(-1), `seed ${seed}, cut ${cut}: an acknowledged record is gone`).toBe(false);
      expect(places, `seed ${seed}`).toEqual([...places].sort((a, b) => a - b));
      expect(new Set(kept).size, `seed ${seed}: a record is there twice`).toBe(kept.length);
      for (const text of kept) expect(sent, `seed ${seed}`).toContain(text);
      // What the cut left without an answer is there or not; from now on it stays as it is.
      acknowledged.length = 0;
      acknowledged.push(...kept);
    }
  }
});
