import { assert } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import { AppError } from '../base/errors.ts';
import { GOLD_FEATURE_CHECKS } from '../governance/contracts/gold.ts';
import { definitionOf } from '../governance/contracts/table-contract.ts';
import type { Snapshot } from '../storage/scan/snapshot.ts';
import { readRows } from '../storage/scan/table-read.ts';
import type { ObjectStore } from '../storage/store/object-store.ts';
import { type DeltaTable, openOrCreateTable } from '../storage/table.ts';
import type { Row } from '../storage/types/cell.ts';
import { findField } from '../storage/types/delta-type.ts';
import type { Transaction } from '../storage/write/change-request.ts';
import type { SkewReport } from './compare-served.ts';
import type { ServedFeature } from './served-tally.ts';
import { CORRECTIONS } from './source-snapshots.ts';

/** Where a check was recorded. */
export interface RecordedCheck {
  readonly table: string;
  readonly version: number;
  /** Known time of the check, microseconds: its name among others. */
  readonly checkedAtMicros: number;
}

/** How often a check is recorded anew where others are recorded at the same time. */
const MAX_TRIES = 5;

/**
 * Adds a check of served features to gold/feature_checks, a row a feature; makes the table where it is not there. The
 * check is named by its known time, which is later than that of every check before it, also where clocks go back.
 *
 * @param store the lake.
 * @throws AppError `commit_conflict` where others keep recording at the same time; those of storage.
 */
export async function recordCheck(store: ObjectStore, clock: Clock, report: SkewReport): Promise<RecordedCheck> {
  const recorded = await record(store, clock, report, null, undefined);
  assert(recorded !== undefined, 'without a txn every check is recorded');
  return recorded;
}

/**
 * Adds a check of drawn decisions as {@link recordCheck} does, once: the txn tells how far it came. One that drew none has
 * no rows.
 *
 * @param share of the decisions that were drawn.
 * @returns undefined where the txn was committed before: nothing is added.
 * @throws AppError as {@link recordCheck}.
 */
export function recordSample(
  store: ObjectStore,
  clock: Clock,
  report: SkewReport,
  share: number,
  txn: Transaction,
): Promise<RecordedCheck | undefined> {
  return record(store, clock, report, share, txn);
}

async function record(
  store: ObjectStore,
  clock: Clock,
  report: SkewReport,
  share: number | null,
  txn: Transaction | undefined,
): Promise<RecordedCheck | undefined> {
  const table = await openChecks(store, clock);
  for (let attempt = 1; attempt <= MAX_TRIES; attempt += 1) {
    const basedOn = await table.snapshot();
    const checkedAtMicros = Math.max(clock.nowMicros(), (await lastCheck(basedOn)) + 1);
    const rows = txn !== undefined && report.decisions === 0 ? [] : checkRows(report, checkedAtMicros, share);
    // The commit point. It reads the table's rows: a check that came in between may have this time.
    const outcome = await table.append({
      rows,
      basedOn,
      readsRows: true,
      ...(txn === undefined ? {} : { txn }),
      allowEmpty: true,
    });
    if (outcome.kind === 'conflict') continue;
    if (outcome.kind === 'already_committed') return undefined;
    return { table: GOLD_FEATURE_CHECKS.path, version: outcome.version, checkedAtMicros };
  }
  throw new AppError('commit_conflict', `other checks were recorded during ${MAX_TRIES} tries: check again`, {
    table: GOLD_FEATURE_CHECKS.path,
  });
}

/** The table of checks; one of an earlier version of the program gets the columns that it lacks. */
export async function openChecks(store: ObjectStore, clock: Clock): Promise<DeltaTable> {
  const definition = definitionOf(GOLD_FEATURE_CHECKS);
  const table = await openOrCreateTable(store, definition, { clock });
  const { schema } = await table.snapshot();
  const missing = definition.schema.fields.filter(({ name }) => findField(schema, name) === undefined);
  if (missing.length > 0) await table.alter.addColumns(missing);
  return table;
}

/** The rows of a check, in the order of the set. */
function checkRows(report: SkewReport, checkedAtMicros: number, sampledShare: number | null): Row[] {
  const { featureSet, versions } = report;
  return report.features.map((feature) => ({
    checked_at: checkedAtMicros,
    feature_set: featureSet.name,
    feature_set_version: featureSet.version,
    feature: feature.feature,
    decision_count: report.decisions,
    differing_count: feature.differing,
    ...absenceCounts(feature),
    check_differing_decision_count: report.differingDecisions,
    check_other_decision_count: report.otherVersions,
    newest_decision_at: report.newestDecisionMicros,
    transactions_version: versions['silver/transactions'],
    decisions_version: versions['silver/decisions'],
    labels_version: versions['silver/labels'],
    epochs_version: versions['silver/epochs'],
    corrections_version: versions[CORRECTIONS] ?? null,
    sampled_share: sampledShare,
  }));
}

function absenceCounts({ absent, defaulted }: ServedFeature): Row {
  const { null: none = 0, not_found: notFound = 0, truncated = 0, ...others } = absent;
  return {
    null_count: none,
    not_found_count: notFound,
    truncated_count: truncated,
    other_absent_count: Object.values(others).reduce((sum, rows) => sum + rows, 0),
    defaulted_count: defaulted,
  };
}

async function lastCheck(snapshot: Snapshot): Promise<number> {
  let last = Number.NEGATIVE_INFINITY;
  for await (const { checked_at: at } of readRows(snapshot, { columns: ['checked_at'] }))
    last = Math.max(last, Number(at));
  return last;
}
