import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../base/clock.ts';
import { localJournalFiles } from '../events/local-journal-files.ts';
import { compileFeatureSet } from '../features/feature-set.ts';
import { rebuildEpoch, setKeysAt } from '../features/redis/redis-epoch.ts';
import { openLake } from '../pipeline/lake.ts';
import { localObjectStore } from '../storage/store/local-object-store.ts';
import { buildEpochBase, type EpochSources, lastKnownEpoch } from './epoch-base.ts';
import type { EpochQuestion, EpochWorkerData, FromEpochWorker, ToEpochWorker } from './epoch-messages.ts';
import { takeEpoch } from './epoch-numbers.ts';
import { giveWay } from './give-way.ts';
import { fromThread, toThread } from './thread-error.ts';

/*
 * The thread that builds an epoch of Redis: reading a million payments and putting them in order holds a thread up for
 * seconds, in which the scoring thread answers, degraded. What it built goes with it when it ends.
 */

/** Nice value of this thread. Less than the lake's: until the epoch is open every decision is degraded. */
const GIVES_WAY = 5;
giveWay(GIVES_WAY);

const data = workerData as EpochWorkerData;
const set = compileFeatureSet(data.definition);
const clock = systemClock();
const send = (message: FromEpochWorker): void => parentPort?.postMessage(message);

/** Asks the scoring thread, which answers everything that it is asked. */
function ask(question: EpochQuestion): Promise<number> {
  return new Promise((resolve, reject) => {
    parentPort?.once('message', (answer: ToEpochWorker) => {
      if (answer.kind === 'answer') resolve(answer.position);
      else reject(fromThread(answer));
    });
    send({ kind: 'ask', question });
  });
}

const sources: EpochSources = {
  lake: openLake(localObjectStore(data.lakeFolder), { clock }),
  files: localJournalFiles(),
  journals: data.journals,
  own: async () => ({ journalId: data.journalId, through: await ask({ what: 'durable' }) }),
  nowMicros: () => clock.nowMicros(),
};

try {
  await rebuildEpoch(data.redisUrl, set, setKeysAt(data.redisUrl, set), {
    settle: async () => void (await ask({ what: 'settle' })),
    leastEpoch: async () => takeEpoch(data.epochs, Math.max(data.knownEpoch, await lastKnownEpoch(sources))),
    async build() {
      const { payments, tailPayments, ...built } = await buildEpochBase(set, sources, data.reason, (done, total) =>
        send({ kind: 'fed', done, total }),
      );
      send({ kind: 'built', payments, tailPayments });
      return built;
    },
    publish: async (epoch, base) => void (await ask({ what: 'publish', epoch, base })),
    onOvertaken: () => send({ kind: 'overtaken' }),
    onOpened: (opened) => send({ kind: 'opened', opened }),
    onFreed: (keys) => send({ kind: 'freed', keys }),
  });
} catch (error) {
  send({ kind: 'failed', ...toThread(error) });
}
