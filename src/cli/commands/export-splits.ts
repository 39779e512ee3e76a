import { AppError } from '../../base/errors.ts';
import { idColumnOf } from '../../training-export/entity-columns.ts';
import type { ExportOptions } from '../../training-export/export-options.ts';
import { GROUP_BUCKETS, type GroupSplit } from '../../training-export/group-split.ts';
import type { TimeSplit } from '../../training-export/time-split.ts';
import { instantOf } from './flag-values.ts';

const FORMS = 'time:A,B, such as time:2026-06-19,2026-07-09, or group:ENTITY=a/b/c, such as group:payer=80/10/10';

/** The splits of `--split`, which may be given once for time and once for groups. @throws AppError `usage`. */
export function splitsOf(
  split: string | readonly string[] | undefined,
  seed: number,
): Pick<ExportOptions, 'split' | 'group'> {
  const texts = typeof split === 'string' ? [split] : (split ?? []);
  const times = texts.filter((text) => !text.startsWith('group:')).map(timeSplitOf);
  const groups = texts.filter((text) => text.startsWith('group:')).map((text) => groupSplitOf(text, seed));
  const [time, ...moreTimes] = times;
  const [group, ...moreGroups] = groups;
  if (moreTimes.length > 0 || moreGroups.length > 0) {
    throw new AppError('usage', '--split may be given once for time and once for groups, no more');
  }
  return { ...(time === undefined ? {} : { split: time }), ...(group === undefined ? {} : { group }) };
}

function timeSplitOf(text: string): TimeSplit {
  const [, a, b] = /^time:([^,]+),([^,]+)$/.exec(text) ?? [];
  if (a === undefined || b === undefined) throw new AppError('usage', `--split ${text} is not known: write ${FORMS}`);
  return { aMicros: instantOf('--split', a), bMicros: instantOf('--split', b) };
}

function groupSplitOf(text: string, seed: number): GroupSplit {
  const [, entity = '', ...shares] = /^group:([^=]+)=([\d.]+)\/([\d.]+)\/([\d.]+)$/.exec(text) ?? [];
  if (shares.length === 0) throw new AppError('usage', `--split ${text} is not known: write ${FORMS}`);
  const [train = 0, validation = 0, test = 0] = shares.map((share) => bucketsOf(text, share));
  if (train + validation + test !== GROUP_BUCKETS) {
    throw new AppError('usage', `the shares of --split ${text} must make 100 together, such as 80/10/10`);
  }
  return { entity: idColumnOf('--split group:', entity), buckets: [train, validation, test], seed };
}

/** Buckets of a share in percent, with up to two digits after the point. */
function bucketsOf(text: string, share: string): number {
  const [, whole = '', part = ''] = /^(\d{1,3})(?:\.(\d{1,2}))?$/.exec(share) ?? [];
  if (whole !== '') return Number(whole) * 100 + Number(part.padEnd(2, '0'));
  throw new AppError('usage', `--split ${text} has a share that is none: ${share} (percent, such as 80 or 12.5)`);
}
