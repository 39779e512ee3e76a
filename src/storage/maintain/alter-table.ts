import { AppError } from '../../base/errors.ts';
import type { ExactJson } from '../../base/exact-json.ts';
import { bindPredicate, expressionSql, parseExpression } from '../expression/expressions.ts';
import type { AddFile, DomainMetadata, Metadata, Protocol } from '../log/actions.ts';
import { columnMappingMode } from '../log/physical-schema.ts';
import { namedFeatures } from '../log/required-features.ts';
import { checkWritable, isSupported, withFeatures } from '../log/table-features.ts';
import { isEnabled } from '../log/table-properties.ts';
import { columnPathSql } from '../scan/column-path.ts';
import { duckdbScan } from '../scan/duckdb-scan.ts';
import type { Snapshot } from '../scan/snapshot.ts';
import { type CommitOutcome, commitWork } from '../transaction/commit-loop.ts';
import { READ_NOTHING, type Reads, type TransactionContext } from '../transaction/work.ts';
import { mappedFields } from '../write/column-ids.ts';
import { type Redefinition, redefined } from '../write/redefine-table.ts';
import { withDuckDb } from '../write/write-session.ts';
import { clusteringColumns } from './clustering-order.ts';
import { clusteringDomain, completeConfiguration } from './create-table.ts';

/** What a change of a table's definition commits. */
export interface Alteration {
  readonly operation: string;
  readonly parameters: Readonly<Record<string, ExactJson>>;
  readonly metadata?: Metadata;
  readonly protocol?: Protocol;
  readonly domains?: readonly DomainMetadata[];
  /** Files that are written to the log anew, without a change of rows. */
  readonly adds?: readonly AddFile[];
  readonly reads?: Reads;
}

/** Tries of an alteration that lost to another writer. */
const MAX_TRIES = 10;

/** Commits a change of a table's definition, made anew from the newest version where another was first. */
export async function alterTable(
  context: TransactionContext,
  change: (snapshot: Snapshot) => Alteration | undefined | Promise<Alteration | undefined>,
): Promise<CommitOutcome> {
  for (let attempt = 1; ; attempt += 1) {
    const snapshot = await context.snapshot();
    checkWritable(snapshot.table, snapshot.protocol, snapshot.metadata);
    const alteration = await change(snapshot);
    if (alteration === undefined) return { kind: 'nothing', version: snapshot.version };
    const { reads = READ_NOTHING, ...rest } = alteration;
    const outcome = await commitWork(context, snapshot, { ...rest, reads });
    if (outcome.kind === 'committed') return { ...outcome, files: 0, rows: 0 };
    if (outcome.kind !== 'conflict' || attempt >= MAX_TRIES) return outcome;
  }
}

/** Properties to set, and to take away. */
export interface PropertyChange {
  readonly set?: Readonly<Record<string, string>>;
  readonly unset?: readonly string[];
}

/**
 * Sets table properties; features that they need are added to the protocol, and what they need of the
 * table is done: ids of columns for column mapping, ids of rows for row tracking.
 *
 * @throws AppError invalid_request for a change that the protocol does not allow, table_unsupported.
 */
export function setProperties(
  context: TransactionContext,
  { set = {}, unset = [] }: PropertyChange,
): Promise<CommitOutcome> {
  return alterTable(context, (snapshot) => {
    const constraint = Object.keys(set).find((key) => key.startsWith('delta.constraints.'));
    if (constraint !== undefined) {
      throw new AppError(
        'invalid_request',
        `${constraint} is no property to set: rows must be looked at, add a constraint`,
      );
    }
    const { features, rest } = namedFeatures(set);
    const kept = Object.entries(snapshot.metadata.configuration).filter(([key]) => !unset.includes(key));
    const configuration = completeConfiguration({ ...Object.fromEntries(kept), ...rest }, context);
    const mapped = mappingOf(snapshot, configuration);
    return {
      operation: unset.length > 0 && Object.keys(set).length === 0 ? 'UNSET TBLPROPERTIES' : 'SET TBLPROPERTIES',
      parameters: { properties: JSON.stringify(Object.keys(set).length > 0 ? set : unset) },
      ...redefined(snapshot, { ...mapped, features }).change,
      ...trackedFiles(snapshot, configuration),
    };
  });
}

/** Adds features to a table's protocol. */
export function addFeatures(context: TransactionContext, names: readonly string[]): Promise<CommitOutcome> {
  return alterTable(context, (snapshot) => {
    const protocol = withFeatures(snapshot.protocol, names);
    if (protocol === snapshot.protocol) return undefined;
    return { operation: 'UPGRADE PROTOCOL', parameters: { newProtocol: JSON.stringify(protocol) }, protocol };
  });
}

/** Adds a CHECK constraint, which every row must meet already. @throws AppError constraint_violated. */
export function addConstraint(context: TransactionContext, name: string, text: string): Promise<CommitOutcome> {
  return alterTable(context, async (snapshot) => {
    const key = `delta.constraints.${name.toLowerCase()}`;
    const { configuration } = snapshot.metadata;
    if (configuration[key] !== undefined)
      throw new AppError('invalid_request', `There is a constraint ${name} already`);
    const condition = bindPredicate(parseExpression(text), snapshot.schema);
    await withDuckDb(async (db) => {
      const columns = [...new Set(condition.columns.map(({ path }) => path[0] ?? ''))];
      const scan = await duckdbScan(db, snapshot, { columns });
      const [broken] = await db.rows(
        `SELECT 1 FROM ${scan} WHERE (${expressionSql(condition, columnPathSql)}) IS NOT TRUE LIMIT 1`,
      );
      if (broken === undefined) return;
      throw new AppError(
        'constraint_violated',
        `Rows of ${snapshot.table} break the constraint ${name}: it is not added`,
        {
          table: snapshot.table,
        },
      );
    });
    return {
      operation: 'ADD CONSTRAINT',
      parameters: { name, expr: text },
      ...redefined(snapshot, { configuration: { ...configuration, [key]: text } }).change,
      reads: { ...READ_NOTHING, wholeTable: true },
    };
  });
}

/** Takes a CHECK constraint away. */
export function dropConstraint(context: TransactionContext, name: string): Promise<CommitOutcome> {
  return alterTable(context, (snapshot) => {
    const { [`delta.constraints.${name.toLowerCase()}`]: dropped, ...configuration } = snapshot.metadata.configuration;
    if (dropped === undefined) throw new AppError('not_found', `There is no constraint ${name}`);
    return { operation: 'DROP CONSTRAINT', parameters: { name }, metadata: { ...snapshot.metadata, configuration } };
  });
}

/** Sets the columns that OPTIMIZE orders rows by; none of them ends it. */
export function clusterBy(context: TransactionContext, columns: readonly string[]): Promise<CommitOutcome> {
  return alterTable(context, (snapshot) => {
    if (snapshot.partitionColumns.length > 0) {
      throw new AppError('invalid_request', `The table ${snapshot.table} is partitioned: it cannot be clustered`);
    }
    return {
      operation: 'CLUSTER BY',
      parameters: {
        oldClusteringColumns: clusteringColumns(snapshot)
          .map((path) => path.join('.'))
          .join(','),
        newClusteringColumns: columns.join(','),
      },
      domains: [clusteringDomain(snapshot.schema, columns)],
      ...protocolChange(snapshot, withFeatures(snapshot.protocol, ['clustering'])),
    };
  });
}

function protocolChange(snapshot: Snapshot, protocol: Protocol): Pick<Alteration, 'protocol'> {
  return protocol === snapshot.protocol ? {} : { protocol };
}

/** The definition whose fields have ids where column mapping begins. @throws AppError invalid_request for other changes of it. */
function mappingOf(
  snapshot: Snapshot,
  configuration: Metadata['configuration'],
): Required<Pick<Redefinition, 'schema' | 'configuration'>> {
  const before = columnMappingMode(snapshot);
  const after = configuration['delta.columnMapping.mode'] ?? 'none';
  const { schema } = snapshot;
  if (before === after) return { schema, configuration };
  if (before === 'none' && after === 'name') {
    const mapped = mappedFields(schema, { configuration }, 'as named');
    return { schema: mapped.schema, configuration: { ...configuration, ...mapped.configuration } };
  }
  throw new AppError('invalid_request', `Column mapping cannot go from ${before} to ${after}`);
}

/** Files without row ids get them with the commit that turns row tracking on. */
function trackedFiles(
  snapshot: Snapshot,
  configuration: Metadata['configuration'],
): Pick<Alteration, 'adds' | 'reads'> {
  const wasOn = isEnabled(snapshot.metadata, 'delta.enableRowTracking');
  if (wasOn || !isEnabled({ configuration }, 'delta.enableRowTracking')) return {};
  const files = snapshot.files.filter(
    ({ add }) => add.baseRowId === undefined || !isSupported(snapshot.protocol, 'rowTracking'),
  );
  return {
    adds: files.map(({ add }) => ({ ...add, dataChange: false })),
    reads: { ...READ_NOTHING, wholeTable: true },
  };
}
