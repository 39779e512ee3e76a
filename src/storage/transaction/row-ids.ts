import { AppError } from '../../base/errors.ts';
import { isJsonObject, parseExactJson } from '../../base/exact-json.ts';
import type { AddFile, DomainMetadata, Metadata, Protocol } from '../log/actions.ts';
import { isSupported } from '../log/table-features.ts';
import { isEnabled } from '../log/table-properties.ts';
import type { TableState } from '../log/table-state.ts';
import { parseStatistics } from '../types/statistics.ts';

/*
 * Row tracking (PROTOCOL.md, "Row Tracking"): where the feature is supported every add gets the id
 * of its first row and the version that it came with; ids come from a high-water mark in the domain
 * `delta.rowTracking`. A lost race gives them anew.
 */

const DOMAIN = 'delta.rowTracking';

/** Whether commits to a table give row ids. */
export function givesRowIds(protocol: Protocol, metadata: Metadata): boolean {
  return isSupported(protocol, 'rowTracking') && !isEnabled(metadata, 'delta.rowTrackingSuspended');
}

/** Adds with their row ids, and the domain that says how far ids have come. */
export interface TrackedAdds {
  readonly adds: readonly AddFile[];
  readonly domains: readonly DomainMetadata[];
}

/**
 * Gives row ids to adds that have none.
 *
 * @throws AppError table_unsupported for an add without a count of its rows.
 */
export function trackRows(base: TableState, adds: readonly AddFile[], version: number): TrackedAdds {
  const before = highWaterMark(base);
  let next = before + 1n;
  const tracked = adds.map((add) => {
    if (add.baseRowId !== undefined) {
      return add.defaultRowCommitVersion === undefined ? { ...add, defaultRowCommitVersion: version } : add;
    }
    const rows = add.stats === undefined ? undefined : parseStatistics(add.stats)?.numRecords;
    if (rows === undefined) {
      throw new AppError('table_unsupported', 'A file without a count of its rows cannot get row ids');
    }
    const baseRowId = loggable(next);
    next += BigInt(rows);
    return { ...add, baseRowId, defaultRowCommitVersion: version };
  });
  if (next - 1n === before) return { adds: tracked, domains: [] };
  const configuration = `{"rowIdHighWaterMark":${next - 1n}}`;
  return { adds: tracked, domains: [{ domain: DOMAIN, configuration, removed: false }] };
}

/** The greatest row id that was given; −1 where none was. */
export function highWaterMark({ domains }: TableState): bigint {
  const text = domains.get(DOMAIN)?.configuration;
  if (text === undefined) return -1n;
  try {
    const json = parseExactJson(text);
    const mark = isJsonObject(json) ? json.rowIdHighWaterMark : undefined;
    if (typeof mark === 'bigint' || typeof mark === 'number') return BigInt(mark);
  } catch {
    // Told below.
  }
  throw new AppError('table_corrupt', 'The domain delta.rowTracking does not say how far row ids have come');
}

function loggable(value: bigint): number | bigint {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}
