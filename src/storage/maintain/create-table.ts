import { AppError } from '../../base/errors.ts';
import type { DomainMetadata, Metadata, Protocol } from '../log/actions.ts';
import { encodeCommit } from '../log/commit-checksum.ts';
import { putCommit } from '../log/committer.ts';
import { tablePrefix } from '../log/log-names.ts';
import { hasLog } from '../log/log-segment.ts';
import { physicalName } from '../log/physical-schema.ts';
import { namedFeatures, requiredFeatures } from '../log/required-features.ts';
import { BASE_PROTOCOL, checkWritable, withFeatures } from '../log/table-features.ts';
import { isEnabled } from '../log/table-properties.ts';
import { StateReplay } from '../log/table-state.ts';
import { snapshotOf } from '../scan/snapshot.ts';
import { commitBody } from '../transaction/commit-body.ts';
import { READ_NOTHING, type TransactionContext, type Work } from '../transaction/work.ts';
import type { StructType } from '../types/delta-type.ts';
import { serializeSchema } from '../types/schema-json.ts';
import { mappedFields } from '../write/column-ids.ts';
import { checkColumns } from '../write/redefine-table.ts';
import { tableRules } from '../write/table-rules.ts';

/** What a new table is. */
export interface TableDefinition {
  /** The path in the store, without a closing slash. */
  readonly path: string;
  readonly schema: StructType;
  readonly partitionColumns?: readonly string[];
  /** Columns that OPTIMIZE orders rows by; not together with partitions. */
  readonly clusterBy?: readonly string[];
  /** Table properties, `delta.…`; `delta.feature.NAME` set to `supported` asks for a feature. */
  readonly configuration?: Readonly<Record<string, string>>;
  readonly name?: string;
  readonly description?: string;
}

/**
 * Creates a table: version 0, without rows. Its protocol names the features that its properties and
 * columns need; without any it is what every client reads and writes.
 *
 * @throws AppError table_exists, invalid_request, table_unsupported.
 */
export async function createTableAt(context: TransactionContext, definition: TableDefinition): Promise<void> {
  const { partitionColumns = [], clusterBy = [] } = definition;
  checkDefinition(definition);
  const { features, rest } = namedFeatures(definition.configuration ?? {});
  const own = completeConfiguration(rest, context);
  const isMapped = (own['delta.columnMapping.mode'] ?? 'none') !== 'none';
  const mapped = isMapped
    ? mappedFields(definition.schema, { configuration: own })
    : { schema: definition.schema, configuration: {} };
  const configuration = { ...own, ...mapped.configuration };
  const needed = requiredFeatures({ configuration, schema: mapped.schema, isClustered: clusterBy.length > 0 });
  const protocol = withFeatures(BASE_PROTOCOL, [...needed, ...features]);
  const metadata: Metadata = {
    id: context.newUuid(),
    ...(definition.name === undefined ? {} : { name: definition.name }),
    ...(definition.description === undefined ? {} : { description: definition.description }),
    format: { provider: 'parquet', options: {} },
    schemaString: serializeSchema(mapped.schema),
    partitionColumns,
    configuration,
    createdTime: context.nowMs(),
  };
  await commitFirst(context, {
    operation: 'CREATE TABLE',
    parameters: {
      partitionBy: JSON.stringify(partitionColumns),
      clusterBy: JSON.stringify(clusterBy),
      description: definition.description ?? null,
      isManaged: 'false',
      properties: JSON.stringify(configuration),
    },
    reads: READ_NOTHING,
    protocol,
    metadata,
    ...(clusterBy.length === 0 ? {} : { domains: [clusteringDomain(mapped.schema, clusterBy)] }),
  });
}

/** The work of a table's first commit, which says what it is. */
export type FirstWork = Work & { readonly protocol: Protocol; readonly metadata: Metadata };

/**
 * Commits version 0 of a table.
 *
 * @throws AppError table_exists, table_unsupported for expressions and features that are not understood: now, not at
 * the first row.
 */
export async function commitFirst(context: TransactionContext, work: FirstWork): Promise<void> {
  const { store, table, keyOf } = context.log;
  const { protocol, metadata } = work;
  if (await hasLog(store, table)) throw tableExists(table);
  checkWritable(table, protocol, metadata);
  const replay = new StateReplay(table, { keyOf, prefix: tablePrefix(table) });
  replay.apply([{ protocol }, { metaData: metadata }], -1);
  const base = snapshotOf(store, table, replay.stateAt(-1), keyOf);
  tableRules(base, 0n);
  const txnId = context.newUuid();
  const actions = await commitBody(context, { work, readVersion: -1, base, txnId });
  if ((await putCommit(store, table, 0, encodeCommit(actions), txnId)) === 'lost') throw tableExists(table);
}

/** The domain that says which columns a table is clustered by, by their physical names. */
export function clusteringDomain(schema: StructType, columns: readonly string[]): DomainMetadata {
  const paths = columns.map((name) => {
    const found = schema.fields.find((item) => item.name === name);
    if (found === undefined)
      throw new AppError('invalid_request', `There is no column ${name} to cluster by`, { column: name });
    return [physicalName(found)];
  });
  return {
    domain: 'delta.clustering',
    configuration: JSON.stringify({ clusteringColumns: paths, domainName: 'delta.clustering' }),
    removed: false,
  };
}

/** Properties with those that belong to them. */
export function completeConfiguration(
  configuration: Metadata['configuration'],
  { newUuid }: Pick<TransactionContext, 'newUuid'>,
): Record<string, string> {
  const complete: Record<string, string> = { ...configuration };
  if (isEnabled({ configuration }, 'delta.enableRowTracking')) {
    complete['delta.rowTracking.materializedRowIdColumnName'] ??= `_row-id-col-${newUuid()}`;
    complete['delta.rowTracking.materializedRowCommitVersionColumnName'] ??= `_row-commit-version-col-${newUuid()}`;
  }
  return complete;
}

function checkDefinition({ schema, partitionColumns = [], clusterBy = [] }: TableDefinition): void {
  checkColumns(schema, partitionColumns);
  if (partitionColumns.length > 0 && clusterBy.length > 0) {
    throw new AppError('invalid_request', 'A table is partitioned or clustered, not both');
  }
}

function tableExists(path: string): AppError {
  return new AppError('table_exists', `There is a Delta table at ${path} already`, { table: path });
}
