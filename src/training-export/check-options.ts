import { AppError } from '../base/errors.ts';
import { type ExportOptions, labelPolicyOf } from './export-options.ts';
import { GROUP_BUCKETS } from './group-split.ts';

/** Looks whether options have a meaning, before anything is read. @throws AppError `usage`. */
export function checkOptions(options: ExportOptions): void {
  const { horizonMicros, split, group, sample, countedStates, rows, where, toMicros, eventKeys, fromDecisions } =
    options;
  const policy = labelPolicyOf(options);
  if (policy.maturityMicros < policy.horizonMicros) {
    fail('--maturity must not be shorter than --horizon: a label may still come');
  }
  if (horizonMicros !== undefined && !(horizonMicros > 0)) fail('the horizon must be longer than 0');
  if (countedStates?.length === 0) fail('at least one state must count as fraud');
  if (countedStates?.includes('CONTESTED'))
    fail('CONTESTED cannot count as fraud: a contest is a claim, not a finding');
  if (split !== undefined && split.aMicros >= split.bMicros) {
    fail('of --split time:A,B the first instant must be before the second');
  }
  if (rows !== undefined && where !== undefined)
    fail('--where is for silver.transactions: choose rows in your own file');
  if (rows !== undefined && toMicros !== undefined)
    fail('--to is for silver.transactions: choose rows in your own file');
  if (rows !== undefined && fromDecisions === true)
    fail('rows of --rows were never served: leave --from-decisions out');
  if (rows !== undefined && eventKeys === true)
    fail('rows of --rows have no place in a journal: leave --event-keys out');
  if (rows !== undefined && options.weighsControl === true)
    fail('rows of --rows were never decided: --unobserved weigh is for silver.transactions');
  if (sample !== undefined && !(sample.keep > 0 && sample.keep < 1)) {
    fail('--sample-negatives keeps a share above 0 and below 1, such as 0.1');
  }
  if (group !== undefined && group.buckets.reduce((sum, share) => sum + share, 0) !== GROUP_BUCKETS) {
    fail('the shares of --split group:… must make 100 together, such as 80/10/10');
  }
}

function fail(message: string): never {
  throw new AppError('usage', message);
}
