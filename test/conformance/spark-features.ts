import type { createTable, DeltaTable } from '../../src/storage/table.ts';
import { arrayOf, decimalOf, field, mapOf, structOf } from '../../src/storage/types/delta-type.ts';

type Definition = Omit<Parameters<typeof createTable>[1], 'path'>;
type Rows = readonly Record<string, unknown>[];

/** A table that we make with a feature, and a row that Spark adds. */
export interface FeatureTable {
  readonly name: string;
  readonly definition: Definition;
  /** Their ids are 1, 2, … */
  readonly rows: Rows;
  readonly insert: string;
  /** The columns of the insert, where it leaves some out. */
  readonly insertNames?: string;
  readonly tracksRows?: boolean;
}

const SCHEMA = structOf([field('id', 'long'), field('v', 'string')]);
const ROWS: Rows = [
  { id: 1, v: 'one' },
  { id: 2, v: null },
  { id: 3, v: '😀' },
];
const plain = (name: string, configuration: Readonly<Record<string, string>>, more: Partial<FeatureTable> = {}) => ({
  name,
  definition: { schema: SCHEMA, configuration },
  rows: ROWS,
  insert: "VALUES (4, 'four')",
  ...more,
});

const NESTED = structOf([
  field('id', 'long'),
  field('a b', structOf([field('x.y', 'integer'), field('list', arrayOf(structOf([field('ü', 'date')])))])),
  field('m', mapOf('string', structOf([field('de', decimalOf(20, 3))]))),
]);
const NESTED_ROWS: Rows = [
  { id: 1, 'a b': { 'x.y': 5, list: [{ ü: 18_000 }, null] }, m: [['k', { de: '1.500' }]] },
  { id: 2, 'a b': null, m: [] },
  { id: 3, 'a b': { 'x.y': null, list: [] }, m: null },
];
const NESTED_INSERT =
  "SELECT 4L, named_struct('x.y', 9, 'list', array(named_struct('ü', DATE'2020-01-01'))), map('z', named_struct('de', 2.5BD))";

/** One or more for each feature that a table can be made with. */
export const FEATURE_TABLES: readonly FeatureTable[] = [
  plain('no features', {}),
  plain('deletion vectors', { 'delta.enableDeletionVectors': 'true' }),
  plain('row tracking', { 'delta.enableRowTracking': 'true' }, { tracksRows: true }),
  plain(
    'row tracking and vectors',
    { 'delta.enableRowTracking': 'true', 'delta.enableDeletionVectors': 'true' },
    { tracksRows: true },
  ),
  plain('in-commit timestamps', { 'delta.enableInCommitTimestamps': 'true' }),
  plain('V2 checkpoints', { 'delta.checkpointPolicy': 'v2', 'delta.checkpointInterval': '2' }),
  plain('type widening', { 'delta.enableTypeWidening': 'true' }),
  plain('change data feed', { 'delta.enableChangeDataFeed': 'true' }),
  plain('protected checkpoints and vacuum check', {
    'delta.feature.checkpointProtection': 'supported',
    'delta.feature.vacuumProtocolCheck': 'supported',
  }),
  ...(['name', 'id'] as const).map((mode) => ({
    name: `columns mapped by ${mode}`,
    definition: { schema: NESTED, configuration: { 'delta.columnMapping.mode': mode } },
    rows: NESTED_ROWS,
    insert: NESTED_INSERT,
  })),
  {
    name: 'clustering',
    definition: { schema: SCHEMA, clusterBy: ['id'] },
    rows: ROWS,
    insert: "VALUES (4, 'four')",
  },
  {
    name: 'partitions, mapped',
    definition: {
      schema: structOf([field('id', 'long'), field('p', 'date'), field('q', 'string')]),
      partitionColumns: ['p', 'q'],
      configuration: { 'delta.columnMapping.mode': 'name' },
    },
    rows: [
      { id: 1, p: 18_000, q: 'ü/= %' },
      { id: 2, p: null, q: 'a' },
      { id: 3, p: -200_000, q: null },
    ],
    insert: "VALUES (4, DATE'2020-01-01', 'x:y')",
  },
  {
    name: 'generated, default and constraints',
    definition: {
      schema: structOf([
        field('id', 'long', { nullable: false }),
        field('twice', 'long', { metadata: { 'delta.generationExpression': 'id * 2' } }),
        field('n', 'integer', { metadata: { CURRENT_DEFAULT: '5' } }),
      ]),
      configuration: { 'delta.constraints.positive': 'id > 0' },
    },
    rows: [{ id: 1 }, { id: 2, n: null }, { id: 3, n: 6 }],
    insert: 'VALUES (4)',
    insertNames: '(id)',
  },
  {
    name: 'identity',
    definition: {
      schema: structOf([
        field('id', 'long'),
        field('k', 'long', {
          metadata: {
            'delta.identity.start': 5,
            'delta.identity.step': 3,
            'delta.identity.allowExplicitInsert': false,
          },
        }),
      ]),
    },
    rows: [{ id: 1 }, { id: 2 }, { id: 3 }],
    insert: 'VALUES (4)',
    insertNames: '(id)',
  },
  {
    name: 'types of all kinds',
    definition: {
      schema: structOf([
        field('id', 'long'),
        field('ntz', 'timestamp_ntz'),
        field('ts', 'timestamp'),
        field('b', 'byte'),
        field('bin', 'binary'),
        field('v', 'variant'),
      ]),
    },
    rows: [
      { id: 1, ntz: -1n, ts: 1n, b: -128, bin: Uint8Array.of(0, 255), v: '{"a":[1,2.50,"x"]}' },
      { id: 2, ntz: null, ts: null, b: null, bin: null, v: null },
      { id: 3, ntz: 2_000_000_000_000_000n, ts: 0n, b: 127, bin: new Uint8Array(), v: 'true' },
    ],
    insert:
      "SELECT 4L, TIMESTAMP_NTZ'2020-01-01 00:00:00', TIMESTAMP'2020-01-01 00:00:00', 1Y, X'41', parse_json('[1]')",
  },
];

/** A feature that we and Spark drop from twins. */
export interface FeatureDrop {
  readonly feature: string;
  readonly definition: Definition;
  readonly rows: Rows;
  readonly before?: (table: DeltaTable) => Promise<unknown>;
}

const MANY: Rows = Array.from({ length: 5000 }, (_, id) => ({ id, v: `text ${id}` }));
const dropOf = (
  feature: string,
  configuration: Readonly<Record<string, string>>,
  before?: FeatureDrop['before'],
): FeatureDrop => ({
  feature,
  definition: { schema: SCHEMA, configuration },
  rows: MANY,
  ...(before === undefined ? {} : { before }),
});

/** Features that Spark drops, too. */
export const DROPS: readonly FeatureDrop[] = [
  dropOf('deletionVectors', { 'delta.enableDeletionVectors': 'true' }, (table) =>
    table.delete({ where: 'id % 7 = 3 OR id % 11 = 4' }),
  ),
  dropOf('v2Checkpoint', { 'delta.checkpointPolicy': 'v2' }, (table) => table.checkpoint()),
  dropOf('vacuumProtocolCheck', { 'delta.feature.vacuumProtocolCheck': 'supported' }),
  dropOf('rowTracking', { 'delta.enableRowTracking': 'true' }, (table) =>
    table.update({ where: 'id = 5', set: { v: "'new'" } }),
  ),
  dropOf('inCommitTimestamp', { 'delta.enableInCommitTimestamps': 'true' }),
  dropOf('checkConstraints', { 'delta.feature.checkConstraints': 'supported' }, async (table) => {
    await table.alter.addConstraint('positive', 'id >= 0');
    await table.alter.dropConstraint('positive');
  }),
  {
    feature: 'columnMapping',
    definition: { schema: SCHEMA },
    rows: MANY,
    before: (table) => table.alter.properties({ set: { 'delta.columnMapping.mode': 'name' } }),
  },
  {
    feature: 'typeWidening',
    definition: {
      schema: structOf([field('id', 'integer'), field('v', structOf([field('n', 'short')]))]),
      configuration: { 'delta.enableTypeWidening': 'true' },
    },
    rows: [
      { id: 1, v: { n: 5 } },
      { id: 2, v: null },
    ],
    before: async (table) => {
      await table.alter.widenColumn(['id'], 'long');
      await table.append({ rows: [{ id: 2n ** 40n, v: { n: 6 } }] });
      await table.alter.widenColumn(['v', 'n'], 'integer');
    },
  },
];
