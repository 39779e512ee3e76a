import { AppError, messageOf } from '../../base/errors.ts';
import type { FeatureSetDefinition } from '../../features/definition/definition.ts';
import { compileFeatureSet, type FeatureSet } from '../../features/feature-set.ts';
import type { EpochOpening } from '../../features/replay/epoch-book.ts';
import { checkedDefinition } from '../../features/yaml/definition-json.ts';

/** What both sides must agree about: how the columns of the two stages are called and what they hold. */
export const SPARK_PROTOCOL = 1;

/** The key of the task in the metadata of the schema that a worker is sent. */
export const SPARK_TASK_KEY = 'sentinela.task';

/** Entities' events and reads to blocks of values; or blocks and payments to vectors. */
export const SPARK_STAGES = ['history', 'vector'] as const;
/** One of {@link SPARK_STAGES}. */
export type SparkStage = (typeof SPARK_STAGES)[number];

/** What a worker is told: the set whole, for it has no lake to look it up in. */
export interface SparkTask {
  readonly protocol: number;
  readonly stage: SparkStage;
  readonly featureSet: { readonly name: string; readonly version: string };
  readonly definition: FeatureSetDefinition;
  /** Names of the features that are answered, in the order of the answer. */
  readonly features: readonly string[];
  /** Whether a status stands behind each feature. */
  readonly statuses: boolean;
  readonly epochs: readonly EpochOpening[];
}

/** What every worker of one call is told alike. */
export type SparkTaskBase = Omit<SparkTask, 'stage' | 'statuses' | 'epochs'>;

/**
 * Reads a task.
 *
 * @throws AppError `invalid_file` where the text is none, or of another version of this program; `feature_invalid`
 * where this program computes another version of the set.
 */
export function readSparkTask(text: string | undefined): { readonly task: SparkTask; readonly set: FeatureSet } {
  const task = parsed(text);
  if (task.protocol !== SPARK_PROTOCOL) {
    throw new AppError(
      'invalid_file',
      `the task is of protocol ${task.protocol}, and this program of ${SPARK_PROTOCOL}: install one version of Sentinela on the driver and on every worker`,
      { protocol: task.protocol },
    );
  }
  if (!SPARK_STAGES.includes(task.stage)) throw new AppError('invalid_file', `there is no stage ${task.stage}`);
  const { name, version } = task.featureSet;
  const set = compileFeatureSet(checkedDefinition(task.definition, `${name}@${version}`));
  if (set.version === version) return { task, set };
  throw new AppError(
    'feature_invalid',
    `the driver's program made ${name}@${version} of the definition, and this one ${set.version}: install one version of Sentinela on the driver and on every worker`,
  );
}

function parsed(text: string | undefined): SparkTask {
  if (text === undefined) {
    throw new AppError(
      'invalid_file',
      `the schema of stdin has no ${SPARK_TASK_KEY}: sentinela.spark starts this command`,
    );
  }
  try {
    return JSON.parse(text) as SparkTask;
  } catch (error) {
    throw new AppError('invalid_file', `the task is no JSON: ${messageOf(error)}`, {}, error);
  }
}
