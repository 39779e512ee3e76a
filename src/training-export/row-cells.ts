import { AppError } from '../base/errors.ts';
import { type IdColumn, isIdColumn } from './entity-columns.ts';
import { idsOf } from './entity-ids.ts';
import type { ExportColumn } from './export-columns.ts';
import type { RowLabel } from './label-policy.ts';
import type { SilverSource } from './silver-source.ts';
import type { RowSplit } from './split-plan.ts';

/** What is known of a row besides what silver says. */
export interface RowFacts {
  /** Row of the payments. */
  readonly row: number;
  readonly isObserved: boolean;
  readonly label: RowLabel;
  readonly split: RowSplit;
  readonly weight: number;
}

type CellReader = (facts: RowFacts) => unknown;

/**
 * Gives the cells of a row, of all columns but those of features and their statuses, in the order of the columns.
 *
 * @param nameOf what an id is written as.
 */
export function rowCells(
  source: SilverSource,
  columns: readonly ExportColumn[],
  nameOf: (column: IdColumn, id: string) => string,
): (facts: RowFacts) => unknown[] {
  const known = { ...cellReaders(source), ...userReaders(source), ...idReaders(source, columns, nameOf) };
  const readers = columns
    .filter(({ role }) => role !== 'feature' && role !== 'status')
    .map(({ name }): CellReader => {
      const reader = known[name];
      if (reader === undefined) throw new AppError('internal', `nothing fills the column ${name} of the export`);
      return reader;
    });
  return (facts) => readers.map((read) => read(facts));
}

function idReaders(
  source: SilverSource,
  columns: readonly ExportColumn[],
  nameOf: (column: IdColumn, id: string) => string,
): Record<string, CellReader> {
  const ids = columns.flatMap(({ name }) => (isIdColumn(name) ? [name] : []));
  return Object.fromEntries(
    ids.map((column) => {
      const values = idsOf(source, column);
      const read: CellReader = ({ row }) => {
        const id = values.at(row) ?? null;
        return id === null ? null : nameOf(column, id);
      };
      return [column, read];
    }),
  );
}

/** Of rows of the user's own file, which lie behind the payments of silver. */
function userReaders({ payments, sides, userRows }: SilverSource): Record<string, CellReader> {
  if (userRows === null) return {};
  const { first, rows } = userRows;
  return {
    row: ({ row }) => row - first + 1,
    end_to_end_id: ({ row }) => rows.ids[row - first] ?? null,
    side: ({ row }) => sides.at(row) || null,
    known_time: ({ row }) => payments.places.knownTimes[row],
    reconstructed: () => true,
  };
}

function cellReaders({ payments, sides, sourceIds, decisions, decisionOf }: SilverSource): Record<string, CellReader> {
  const decided = decisions.texts('decision');
  const policies = decisions.texts('policy_version');
  const degraded = textLists(decisions);
  const decisionAt = ({ row }: RowFacts): number => decisionOf[row] as number;
  return {
    end_to_end_id: ({ row }) => payments.ids.at(row),
    side: ({ row }) => sides.at(row),
    event_time: ({ row }) => payments.times[row],
    known_time: ({ row }) => payments.places.knownTimes[row],
    journal_id: ({ row }) => payments.places.journals.at(row),
    journal_position: ({ row }) => payments.places.positions[row],
    source_id: ({ row }) => sourceIds.at(row) ?? null,
    decision: (facts) => decided.at(decisionAt(facts)) ?? null,
    policy_version: (facts) => policies.at(decisionAt(facts)) ?? null,
    degraded: (facts) => (decisionAt(facts) < 0 ? null : degraded(decisionAt(facts))),
    outcome_observed: ({ isObserved }) => isObserved,
    label: ({ label }) => label.label,
    label_state: ({ label }) => label.state,
    label_known_time: ({ label }) => label.knownTimeMicros,
    split: ({ split }) => split,
    weight: ({ weight }) => weight,
  };
}

function textLists(decisions: SilverSource['decisions']): (row: number) => readonly (string | null)[] {
  const lists = decisions.data('degraded');
  if (lists.kind !== 'list' || lists.child.kind !== 'string')
    throw new Error('assertion failed: degraded is a list of texts');
  const { offsets, child } = lists;
  return (row) => child.values.slice(offsets[row], offsets[row + 1]);
}
