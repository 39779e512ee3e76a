import { RecordBatchReader } from 'apache-arrow';
import { AppError, messageOf } from '../../base/errors.ts';
import { arrowPieces } from '../arrow-pieces.ts';
import { BLOCK_SCHEMA, historyStage } from './history-stage.ts';
import { rowsOfBatch, type SparkRows } from './spark-rows.ts';
import { readSparkTask, SPARK_TASK_KEY } from './spark-task.ts';
import { vectorSchema, vectorStage } from './vector-stage.ts';

/** Continuation and a length of 0 (Arrow columnar format, "IPC Streaming Format"). */
const END_OF_STREAM = Buffer.from('ffffffff00000000', 'hex');

/**
 * One stage of one partition: an Arrow IPC stream with the task in its schema to the stream of what it gives. What is
 * read and answered is in memory piece by piece, but for what the stage holds.
 *
 * @throws AppError `invalid_file` where the input is no such stream, or lacks its end; those of the stage.
 */
export async function* sparkWorker(input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const end = new StreamEnd();
  const reader = await opened(end.watched(input));
  const { task, set } = readSparkTask(reader.schema.metadata.get(SPARK_TASK_KEY));
  async function* pieces(): AsyncGenerator<SparkRows> {
    for await (const batch of reader) yield rowsOfBatch(batch);
    if (!end.isThere) throw new AppError('invalid_file', 'stdin ended in the midst of its Arrow stream');
  }
  if (task.stage === 'history') yield* arrowPieces(BLOCK_SCHEMA, '{}', historyStage(set, task.epochs, pieces()));
  else yield* arrowPieces(vectorSchema(task), '{}', vectorStage(set, task, pieces()));
}

async function opened(input: AsyncIterable<Uint8Array>): Promise<RecordBatchReader> {
  try {
    const reader = await RecordBatchReader.from(input);
    await reader.open();
    // Bytes that are no Arrow are a stream without a schema to the library.
    if (reader.schema === undefined) throw new Error('it has no schema');
    return reader;
  } catch (error) {
    throw new AppError('invalid_file', `stdin is no Arrow IPC stream: ${messageOf(error)}`, {}, error);
  }
}

/** Remembers how a stream ended: to the library one that was cut off between two batches is whole. */
class StreamEnd {
  #last = Buffer.alloc(0);

  get isThere(): boolean {
    return this.#last.equals(END_OF_STREAM);
  }

  async *watched(input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const bytes of input) {
      const tail = bytes.length >= END_OF_STREAM.length ? bytes : Buffer.concat([this.#last, bytes]);
      this.#last = Buffer.from(tail.subarray(-END_OF_STREAM.length));
      yield bytes;
    }
  }
}
