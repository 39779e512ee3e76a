import type { Metadata } from './actions.ts';

/*
 * Properties of `metaData.configuration` (PROTOCOL.md, "Table Properties", and the sections of the
 * features that they belong to). Where the specification names no default, Spark's is taken.
 */

const DAY_MS = 86_400_000;

/** Whether a property is `true`. */
export function isEnabled({ configuration }: Pick<Metadata, 'configuration'>, property: string): boolean {
  return configuration[property]?.trim().toLowerCase() === 'true';
}

/** Whether a property, which is true unless it is told, is `false`. */
export function isDisabled({ configuration }: Pick<Metadata, 'configuration'>, property: string): boolean {
  return configuration[property]?.trim().toLowerCase() === 'false';
}

/** Whether a table forbids taking rows out. */
export function isAppendOnly(metadata: Metadata): boolean {
  return isEnabled(metadata, 'delta.appendOnly');
}

/** Commits between checkpoints. */
export function checkpointInterval({ configuration }: Metadata): number {
  const interval = Number(configuration['delta.checkpointInterval'] ?? Number.NaN);
  return Number.isInteger(interval) && interval > 0 ? interval : 10;
}

/** How long tombstones, and the files that they name, are kept. */
export function deletedFileRetentionMs({ configuration }: Metadata): number {
  return intervalMs(configuration['delta.deletedFileRetentionDuration']) ?? 7 * DAY_MS;
}

/** How long commits are kept. */
export function logRetentionMs({ configuration }: Metadata): number {
  return intervalMs(configuration['delta.logRetentionDuration']) ?? 30 * DAY_MS;
}

/** How long an application's txn is kept; undefined for ever. */
export function transactionRetentionMs({ configuration }: Metadata): number | undefined {
  return intervalMs(configuration['delta.setTransactionRetentionDuration']);
}

const UNIT_MS: Readonly<Record<string, number>> = {
  millisecond: 1,
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
  day: DAY_MS,
  week: 7 * DAY_MS,
};

/** Milliseconds of Spark's interval text, `interval 7 days 12 hours`; undefined for another text. */
export function intervalMs(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const words = text
    .trim()
    .toLowerCase()
    .replace(/^interval\s+/, '')
    .split(/\s+/);
  if (words.length === 0 || words.length % 2 !== 0) return undefined;
  let total = 0;
  for (let at = 0; at < words.length; at += 2) {
    const count = Number(words[at]);
    const unit = UNIT_MS[(words[at + 1] ?? '').replace(/s$/, '')];
    if (!Number.isFinite(count) || unit === undefined) return undefined;
    total += count * unit;
  }
  return total;
}
