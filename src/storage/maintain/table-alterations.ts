import type { CommitOutcome } from '../transaction/commit-loop.ts';
import type { TransactionContext } from '../transaction/work.ts';
import type { DeltaType, StructField } from '../types/delta-type.ts';
import { addColumns, dropColumn, dropNotNull, renameColumn, widenColumn } from './alter-columns.ts';
import {
  addConstraint,
  addFeatures,
  clusterBy,
  dropConstraint,
  type PropertyChange,
  setProperties,
} from './alter-table.ts';
import { type DropFeatureRequest, dropFeature } from './drop-feature.ts';

/** Changes of what a table is; columns are named by their path. */
export interface TableAlterations {
  properties(change: PropertyChange): Promise<CommitOutcome>;
  addFeatures(names: readonly string[]): Promise<CommitOutcome>;
  /** Takes a feature out of the table: see {@link dropFeature}. */
  dropFeature(name: string, request?: DropFeatureRequest): Promise<CommitOutcome>;
  addColumns(fields: readonly StructField[]): Promise<CommitOutcome>;
  renameColumn(path: readonly string[], name: string): Promise<CommitOutcome>;
  dropColumn(path: readonly string[]): Promise<CommitOutcome>;
  widenColumn(path: readonly string[], type: DeltaType): Promise<CommitOutcome>;
  dropNotNull(path: readonly string[]): Promise<CommitOutcome>;
  addConstraint(name: string, condition: string): Promise<CommitOutcome>;
  dropConstraint(name: string): Promise<CommitOutcome>;
  clusterBy(columns: readonly string[]): Promise<CommitOutcome>;
}

/** The alterations of a table. */
export function alterations(context: TransactionContext): TableAlterations {
  return {
    properties: (change) => setProperties(context, change),
    addFeatures: (names) => addFeatures(context, names),
    dropFeature: (name, request) => dropFeature(context, name, request),
    addColumns: (fields) => addColumns(context, fields),
    renameColumn: (path, name) => renameColumn(context, path, name),
    dropColumn: (path) => dropColumn(context, path),
    widenColumn: (path, type) => widenColumn(context, path, type),
    dropNotNull: (path) => dropNotNull(context, path),
    addConstraint: (name, condition) => addConstraint(context, name, condition),
    dropConstraint: (name) => dropConstraint(context, name),
    clusterBy: (columns) => clusterBy(context, columns),
  };
}
