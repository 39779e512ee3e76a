import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../base/clock.ts';
import { AppError, messageOf } from '../base/errors.ts';
import { compileFeatureSet } from '../features/feature-set.ts';
import { openLake } from '../pipeline/lake.ts';
import type { HistoricalRow } from '../server/historical-route.ts';
import { localObjectStore } from '../storage/store/local-object-store.ts';
import { arrowPieces } from '../training-export/arrow-pieces.ts';
import { readHistory } from '../training-export/read-history.ts';
import { readUserRows, type UserRecord, type UserRows } from '../training-export/user-rows.ts';
import { giveWay } from './give-way.ts';
import type { FromHistoricalWorker, HistoricalWorkerData } from './historical-messages.ts';
import { toThread } from './thread-error.ts';
import { toldAs } from './told-as.ts';

/*
 * The thread of one historical read. It has a thread of its own, and not the lake's: a replay of a minute there would
 * hold the consumer up. It gives way to the scoring thread, and waits for its reader between pieces.
 */

/** As the lake's thread does. */
const GIVES_WAY = 15;
giveWay(GIVES_WAY);

const { lakeFolder, question } = workerData as HistoricalWorkerData;
const send = (message: FromHistoricalWorker): void => parentPort?.postMessage(message);

async function start(): Promise<AsyncGenerator<Uint8Array>> {
  const { definition, features, withStatuses } = question;
  const of =
    question.of.kind === 'payments' ? question.of : ({ kind: 'own', rows: await ownRows(question.of.rows) } as const);
  const lake = openLake(localObjectStore(lakeFolder), { clock: systemClock() });
  const history = await readHistory(lake, compileFeatureSet(definition), { of, features, withStatuses, versions: {} });
  return arrowPieces(history.schema, history.dictionary, history.pieces());
}

/** Rows of a request, as those of a file. @throws AppError as {@link readUserRows}. */
async function ownRows(rows: readonly HistoricalRow[]): Promise<UserRows> {
  const header = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const records = rows.map((cells, at) => ({ line: at + 1, cells, problem: null }));
  async function* once(): AsyncGenerator<readonly UserRecord[]> {
    yield records;
  }
  const file = { format: 'csv', sha256: '', header, types: new Map(), records: once } as const;
  return toldAs('rows', () => readUserRows(file, { columns: {} }));
}

async function sendNext(pieces: AsyncGenerator<Uint8Array>): Promise<void> {
  try {
    const { value, done } = await pieces.next();
    if (done === true) send({ kind: 'end' });
    else send({ kind: 'piece', bytes: value });
  } catch (error) {
    fail(error);
  }
}

function fail(error: unknown): void {
  const told =
    error instanceof AppError
      ? error
      : new AppError('storage_failed', `the lake could not be read: ${messageOf(error)}`);
  send({ kind: 'failed', ...toThread(told) });
}

try {
  const pieces = await start();
  parentPort?.on('message', () => void sendNext(pieces));
  await sendNext(pieces);
} catch (error) {
  fail(error);
}
