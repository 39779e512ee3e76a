import '../base/onnx-without-telemetry.ts';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { AppError, messageOf } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { requireFeatureSet, type ServedFeatureSet } from './model-card.ts';
import type { StoredModel } from './model-registry.ts';
import { hasExternalData } from './onnx-external-data.ts';
import type { Scorer } from './scorer.ts';

/** Sizes that tests make small. */
export interface OnnxScorerOptions {
  /** Rows of one run at most. */
  readonly batchRows?: number;
  /** Rows that wait at most. */
  readonly queueRows?: number;
}

/** A scorer that also takes many vectors at once. */
export interface OnnxScorer extends Scorer {
  /**
   * Probabilities of fraud of vectors that follow each other in one array. A row's score does not
   * depend on the others.
   */
  scoreAll(vectors: Float32Array): Promise<Float64Array>;
}

/**
 * Loads a model into onnxruntime, once for the life of the scorer: a session that is made anew
 * leaks (onnxruntime issue 25325).
 *
 * One thread: with two, 5–7 % of scores change in their last bits with the size of the batch. Only
 * the probabilities are fetched: the label output logs a warning per run.
 *
 * @throws AppError `model_mismatch` for another feature set, `model_invalid` for a model that
 * cannot be run, one that reads other files, or one that gives no number where features are absent.
 */
export async function onnxScorer(
  model: StoredModel,
  set: ServedFeatureSet,
  options: OnnxScorerOptions = {},
): Promise<OnnxScorer> {
  requireFeatureSet(model.card, set);
  const session = await openSession(model);
  const width = set.names.length;
  const name = `${model.identity.name}@${model.identity.version}`;
  const input = session.inputNames[0];
  const output = session.outputNames.find((one) => /prob/i.test(one));
  if (input === undefined || output === undefined || session.inputNames.length !== 1) {
    throw new AppError('model_invalid', `the model ${name} has not one input and an output of probabilities`, {
      model: name,
    });
  }
  const run = async (rows: Float32Array): Promise<ArrayLike<number>> => {
    const count = rows.length / width;
    const results = await session.run({ [input]: new Tensor('float32', rows, [count, width]) }, [output]);
    const scores = results[output];
    if (scores?.type !== 'float32' || scores.dims[0] !== count || scores.dims[1] !== 2) {
      throw new AppError('model_invalid', `the model ${name} does not give two probabilities a row`, { model: name });
    }
    return scores.data as Float32Array;
  };
  await probe(width, name, run);
  const { batchRows = LIMITS.modelBatchRows, queueRows = LIMITS.modelQueueRows } = options;
  const queue = scoreQueue({ width, batchRows, queueRows, name, run });
  return {
    model: model.identity,
    score: queue.score,
    scoreAll: (vectors) => scoreAll(vectors, width, batchRows, run),
    async close() {
      await queue.idle();
      await session.release();
    },
  };
}

async function openSession({ bytes, identity }: StoredModel): Promise<InferenceSession> {
  const model = `${identity.name}@${identity.version}`;
  let external: boolean;
  try {
    external = hasExternalData(bytes);
  } catch (error) {
    throw new AppError('model_invalid', `the model ${model} is no ONNX file: ${messageOf(error)}`, { model }, error);
  }
  if (external) {
    throw new AppError('model_invalid', `the model ${model} has tensors in other files: they are never read`, {
      model,
    });
  }
  try {
    return await InferenceSession.create(bytes, {
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      logSeverityLevel: 3,
    });
  } catch (error) {
    throw new AppError(
      'model_invalid',
      `onnxruntime refuses the model ${model}: ${messageOf(error)}`,
      { model },
      error,
    );
  }
}

/** A row of absent values finds out now whether the width is right, and whether the model knows what to do without a value. */
async function probe(
  width: number,
  name: string,
  run: (rows: Float32Array) => Promise<ArrayLike<number>>,
): Promise<void> {
  let pair: ArrayLike<number>;
  try {
    pair = await run(new Float32Array(width).fill(Number.NaN));
  } catch (error) {
    throw new AppError('model_invalid', `the model ${name} cannot be run: ${messageOf(error)}`, { model: name }, error);
  }
  if (Number.isFinite(pair[1])) return;
  throw new AppError(
    'model_invalid',
    `the model ${name} gives ${pair[1]} where features are absent, which are NaN: put what takes the place of absent values into the model, and register it again`,
    { model: name },
  );
}

async function scoreAll(
  vectors: Float32Array,
  width: number,
  batchRows: number,
  run: (rows: Float32Array) => Promise<ArrayLike<number>>,
): Promise<Float64Array> {
  const count = vectors.length / width;
  const scores = new Float64Array(count);
  for (let row = 0; row < count; row += batchRows) {
    const end = Math.min(count, row + batchRows);
    const pairs = await run(vectors.subarray(row * width, end * width));
    for (let at = row; at < end; at += 1) scores[at] = pairs[2 * (at - row) + 1] ?? Number.NaN;
  }
  return scores;
}

function noNumber(name: string, score: number | undefined): AppError {
  return new AppError('internal', `the model ${name} gave ${score}, which is no probability`, { model: name });
}

interface QueueParts {
  readonly width: number;
  readonly batchRows: number;
  readonly queueRows: number;
  readonly name: string;
  readonly run: (rows: Float32Array) => Promise<ArrayLike<number>>;
}

interface Waiting {
  readonly resolve: (score: number) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Gathers what arrives in one turn of the event loop, and what arrives while the model runs, into
 * runs of several rows: crossing into native code costs more than the trees do. Vectors lie in a
 * ring that is made once; a run reads its rows where they are.
 */
function scoreQueue({ width, batchRows, queueRows, name, run }: QueueParts) {
  const ring = new Float32Array(queueRows * width);
  const waiting: (Waiting | undefined)[] = new Array<Waiting | undefined>(queueRows);
  let head = 0;
  let count = 0;
  let running = false;
  let whenIdle: (() => void)[] = [];

  const runBatch = async (): Promise<void> => {
    // A run's rows lie next to each other: it ends where the ring does.
    const rows = Math.min(count, batchRows, queueRows - head);
    const first = head;
    let pairs: ArrayLike<number> | undefined;
    let failure: unknown;
    try {
      pairs = await run(ring.subarray(first * width, (first + rows) * width));
    } catch (error) {
      failure = new AppError('internal', `the model ${name} failed: ${messageOf(error)}`, { model: name }, error);
    }
    head = (first + rows) % queueRows;
    count -= rows;
    for (let row = 0; row < rows; row += 1) {
      const one = waiting[first + row];
      waiting[first + row] = undefined;
      const score = pairs?.[2 * row + 1];
      // No rule of a policy holds for NaN as it should, and no decision can say it.
      if (Number.isFinite(score)) one?.resolve(score as number);
      else one?.reject(failure ?? noNumber(name, score));
    }
  };
  const drain = async (): Promise<void> => {
    while (count > 0) await runBatch();
    running = false;
    for (const tell of whenIdle) tell();
    whenIdle = [];
  };

  return {
    score(vector: Float32Array): Promise<number> {
      if (count === queueRows) {
        return Promise.reject(
          new AppError('overloaded', `${queueRows} payments wait for the model: try again`, { waiting: count }),
        );
      }
      const place = (head + count) % queueRows;
      ring.set(vector, place * width);
      count += 1;
      return new Promise((resolve, reject) => {
        waiting[place] = { resolve, reject };
        if (running) return;
        running = true;
        setImmediate(() => void drain());
      });
    },
    /** Resolves when nothing waits. */
    idle: (): Promise<void> => (running ? new Promise((resolve) => whenIdle.push(resolve)) : Promise.resolve()),
  };
}
