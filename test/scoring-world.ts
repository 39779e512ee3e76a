import { civilZone } from '../src/base/civil-time.ts';
import type { ManualClock } from '../src/base/clock.ts';
import { parsePayment } from '../src/domain/parse-payment.ts';
import { AnswerIndex } from '../src/events/answer-index.ts';
import { type Journal, openJournal } from '../src/events/journal.ts';
import type { JournalFiles } from '../src/events/journal-files.ts';
import { feedJournalTail } from '../src/events/journal-tail.ts';
import { encodeRecord } from '../src/events/record-codec.ts';
import { EmbeddedStore } from '../src/features/embedded/embedded-store.ts';
import { compileFeatureSet } from '../src/features/feature-set.ts';
import { PIX_CORE } from '../src/features/pix-core.ts';
import { AnswerBook } from '../src/scoring/answer-book.ts';
import { CommitQueue } from '../src/scoring/commit-queue.ts';
import { Deadline } from '../src/scoring/deadline.ts';
import { PaymentScoring, type ScoringParts } from '../src/scoring/payment-scoring.ts';
import { DEFAULT_POLICY } from '../src/scoring/policy.ts';
import { REASON_RULES, reasonTable } from '../src/scoring/reasons.ts';
import type { Scorer } from '../src/scoring/scorer.ts';
import type { ScoringAnswer } from '../src/scoring/scoring-port.ts';

/** The shipped features. */
export const SET = compileFeatureSet(PIX_CORE);
const ZONE = civilZone('America/Sao_Paulo');
/** Enough for tests; the default reserves memory for 4 M payments. */
const STORE_LIMITS = { maxPayments: 20_000 };

/** The scoring path over given journal files: everything but the ways in and the lake. */
export interface ScoringWorld {
  readonly scoring: PaymentScoring;
  readonly store: EmbeddedStore;
  readonly journal: Journal;
  score(payment: Record<string, unknown>): Promise<ScoringAnswer>;
  close(): Promise<void>;
}

/** A model of one line, so that vectors decide: its score moves with the amount and the history. */
export const LINEAR_SCORER: Scorer = {
  model: { name: 'linear', version: '1', sha256: '1'.repeat(64) },
  async score(vector) {
    let sum = 0;
    for (const value of vector) if (!Number.isNaN(value)) sum += value % 97;
    await new Promise((resolve) => setImmediate(resolve));
    return Math.fround(1 / (1 + sum));
  },
  async close() {},
};

/** Starts as a server does: recover the journal, rebuild state from it, open an epoch. @param change of the path's parts. */
export async function startWorld(
  files: JournalFiles,
  clock: ManualClock,
  scorer: Scorer = LINEAR_SCORER,
  change: (parts: ScoringParts) => ScoringParts = (parts) => parts,
): Promise<ScoringWorld> {
  const folder = '/journal/main';
  const hooks = { onDurable: (_mark: number): void => {}, onLost: (): void => {} };
  const journal = await openJournal({
    files,
    folder,
    aheadBytes: 65_536,
    newId: () => '00000000-1111-4222-8333-444444444444',
    onDurable: (mark) => hooks.onDurable(mark),
    onLost: () => hooks.onLost(),
    onFatal: () => {},
  });
  const store = new EmbeddedStore(SET, STORE_LIMITS);
  const index = new AnswerIndex(7 * 86_400_000_000);
  const tail = await feedJournalTail(files, folder, 0, store, index);
  const queue = new CommitQueue(journal);
  let durable = 0;
  hooks.onDurable = (mark) => {
    durable = Math.max(durable, mark);
    store.settleUpTo(durable);
  };
  hooks.onLost = () => {
    store.rollbackAfter(durable);
    queue.reset();
  };
  const epoch = (tail.lastEpoch?.epoch ?? 0) + 1;
  store.openEpoch(epoch);
  const offsets = { [journal.id]: journal.durablePosition() };
  await journal.append(
    encodeRecord({
      kind: 'epoch',
      knownTimeMicros: clock.nowMicros(),
      epoch,
      reason: 'start',
      silverVersion: null,
      offsets,
    }),
    0,
  );
  const deadline = new Deadline(5000);
  const scoring = new PaymentScoring(
    change({
      store,
      durability: 'together',
      journal,
      queue,
      scorer,
      makers: {
        model: scorer.model,
        featureSet: { name: SET.name, version: SET.version },
        policy: DEFAULT_POLICY,
        control: null,
        reasons: reasonTable(REASON_RULES, SET.names),
        payeeFraudsIndex: SET.indexOf('payee_frauds_agreed'),
        zone: ZONE,
      },
      answers: new AnswerBook({ index, files, folder, archive: { find: async () => undefined } }),
      deadline,
      clock,
      journalIsFull: () => false,
      onDecision: () => {},
      onServed: () => {},
      onLabel: () => {},
    }),
    SET,
  );
  return {
    scoring,
    store,
    journal,
    score: async (payment) =>
      scoring.score({ parsed: parsePayment(payment), source: 'http', raw: Buffer.from(JSON.stringify(payment)) }),
    async close() {
      deadline.close();
      await journal.close();
    },
  };
}
