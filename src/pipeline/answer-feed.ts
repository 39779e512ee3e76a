import { assert } from '../base/assert.ts';
import type { Side } from '../domain/payment.ts';
import type { AnswerIndex } from '../events/answer-index.ts';
import { fingerprintOf } from '../events/answer-index.ts';
import { readColumnChunks, safeNumbers } from '../storage/scan/column-read.ts';
import type { Lake } from './lake.ts';

/** A segment of 0 says that the lake has the answer. */
const IN_THE_LAKE = { segment: 0, offset: 0 };

/** Puts every decision that silver knows since an instant into the index of answers. */
export async function feedAnswers(lake: Lake, index: AnswerIndex, sinceMicros: number): Promise<number> {
  const snapshot = await lake.table('silver/decisions').snapshot();
  let count = 0;
  const columns = ['end_to_end_id', 'side', 'request_sha256', 'known_time'];
  for await (const chunk of readColumnChunks(snapshot, { columns })) {
    const [ids, sides, hashes, known] = chunk.columns;
    assert(
      ids?.kind === 'string' && sides?.kind === 'string' && hashes?.kind === 'string',
      'the columns are of strings',
    );
    assert(known?.kind === 'int64', 'known_time is a timestamp');
    const times = safeNumbers(known.values);
    for (let row = 0; row < chunk.rowCount; row += 1) {
      const time = times[row] as number;
      if (time < sinceMicros) continue;
      const fingerprint = fingerprintOf(Buffer.from(hashes.values[row] ?? '', 'hex'));
      index.put(ids.values[row] ?? '', sides.values[row] as Side, IN_THE_LAKE, fingerprint, time);
      count += 1;
    }
  }
  return count;
}
