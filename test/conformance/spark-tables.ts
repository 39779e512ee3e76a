/** A table that Spark makes, and how we and Spark write to it after that. */
export interface SparkTable {
  readonly name: string;
  /** `$T` stands for the table. */
  readonly statements: readonly string[];
  readonly settings?: Readonly<Record<string, string>>;
  /** Rows that we add. */
  readonly append: readonly Record<string, unknown>[];
  readonly change?: {
    readonly delete?: string;
    readonly update?: { readonly where?: string; readonly set: Readonly<Record<string, string>> };
    readonly spark?: readonly string[];
  };
  /** What the refusal of our write names. */
  readonly unwritable?: string;
}

const IDS = (from: number): readonly Record<string, unknown>[] => [{ id: from }, { id: from + 1 }];
const CHANGE = {
  delete: 'id = 1',
  update: { where: 'id = 2', set: { id: 'id + 100' } },
  spark: [
    'INSERT INTO $T SELECT id FROM range(50, 53)',
    'DELETE FROM $T WHERE id = 51',
    'UPDATE $T SET id = 99 WHERE id = 52',
  ],
};
const withProperties = (properties: string): readonly string[] => [
  `CREATE TABLE $T (id BIGINT) USING delta TBLPROPERTIES (${properties})`,
  'INSERT INTO $T SELECT id FROM range(0, 10)',
  'DELETE FROM $T WHERE id = 3',
  'UPDATE $T SET id = id + 20 WHERE id >= 8',
];

/** One table or more for every feature that Spark writes. */
export const SPARK_TABLES: readonly SparkTable[] = [
  {
    name: 'no features',
    statements: withProperties("'delta.enableDeletionVectors' = 'false'"),
    append: IDS(30),
    change: CHANGE,
  },
  {
    name: 'deletion vectors',
    statements: withProperties("'delta.enableDeletionVectors' = 'true'"),
    append: IDS(30),
    change: CHANGE,
  },
  {
    name: 'V2 checkpoints',
    statements: withProperties("'delta.checkpointPolicy' = 'v2', 'delta.checkpointInterval' = '2'"),
    append: IDS(30),
    change: CHANGE,
  },
  {
    name: 'classic checkpoints with statistics in columns',
    statements: withProperties(
      "'delta.checkpointInterval' = '2', 'delta.checkpoint.writeStatsAsJson' = 'false', 'delta.checkpoint.writeStatsAsStruct' = 'true'",
    ),
    append: IDS(30),
    change: CHANGE,
  },
  {
    name: 'in-commit timestamps',
    statements: withProperties("'delta.enableInCommitTimestamps' = 'true'"),
    append: IDS(30),
    change: CHANGE,
  },
  {
    name: 'row tracking',
    statements: withProperties("'delta.enableRowTracking' = 'true'"),
    append: IDS(30),
    change: CHANGE,
  },
  {
    name: 'a change data feed',
    statements: withProperties("'delta.enableChangeDataFeed' = 'true'"),
    append: IDS(30),
    change: CHANGE,
  },
  {
    name: 'a change data feed and copy-on-write',
    statements: withProperties("'delta.enableChangeDataFeed' = 'true', 'delta.enableDeletionVectors' = 'false'"),
    append: IDS(30),
    change: CHANGE,
  },
  {
    name: 'append only',
    statements: withProperties("'delta.appendOnly' = 'true'").slice(0, 2),
    append: IDS(30),
    change: { spark: CHANGE.spark.slice(0, 1) },
  },
  {
    name: 'column mapping by name',
    statements: [
      "CREATE TABLE $T (id BIGINT, `a b` STRING, s STRUCT<x: INT, `y.z`: ARRAY<STRUCT<q: DATE>>>, m MAP<STRING, STRUCT<k: INT>>) USING delta TBLPROPERTIES ('delta.columnMapping.mode' = 'name')",
      "INSERT INTO $T VALUES (1, 'x', struct(1, array(struct(DATE'2020-01-01'))), map('a', struct(1))), (2, NULL, NULL, NULL)",
      'ALTER TABLE $T RENAME COLUMN `a b` TO b',
      'ALTER TABLE $T RENAME COLUMN s.x TO first',
      'ALTER TABLE $T ADD COLUMNS (`a b` INT, s.new INT)',
      "INSERT INTO $T VALUES (3, 'y', struct(5, NULL, 6), map(), 7)",
      'ALTER TABLE $T DROP COLUMN s.first',
    ],
    append: [{ id: 4, b: 'z', s: { 'y.z': [{ q: 18_000 }, null], new: 5 }, m: [['k', { k: 3 }]], 'a b': 9 }],
    change: {
      delete: 'id = 1',
      update: { where: 'id = 4', set: { b: "'zz'" } },
      spark: ["UPDATE $T SET b = 'w' WHERE id = 3", 'INSERT INTO $T SELECT id + 10, b, s, m, `a b` FROM $T'],
    },
  },
  {
    name: 'column mapping by id, partitioned',
    statements: [
      "CREATE TABLE $T (id BIGINT, p STRING, v DOUBLE) USING delta PARTITIONED BY (p) TBLPROPERTIES ('delta.columnMapping.mode' = 'id')",
      "INSERT INTO $T VALUES (1, 'a', 1.5), (2, NULL, double('NaN')), (3, '', -0.0)",
      'ALTER TABLE $T RENAME COLUMN p TO part',
      'ALTER TABLE $T RENAME COLUMN v TO value',
    ],
    append: [{ id: 4, part: 'ü/= %', value: Number.POSITIVE_INFINITY }],
    change: {
      delete: "part = 'a'",
      update: { where: 'id = 2', set: { value: 'value + 1D' } },
      spark: ["DELETE FROM $T WHERE part = 'ü/= %'"],
    },
  },
  {
    name: 'partitions of every type',
    statements: [
      'CREATE TABLE $T (id BIGINT, s STRING, i INT, d DATE, t TIMESTAMP, b BOOLEAN, f DOUBLE, de DECIMAL(10,2), bin BINARY) USING delta PARTITIONED BY (s, i, d, t, b, f, de, bin)',
      `INSERT INTO $T VALUES (1, 'a=b/c%d e', 1, DATE'2020-02-29', TIMESTAMP'2020-01-01 00:00:00.123456', true, 1.5, 12.30, X'41'),
        (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL), (3, 'München''"', -5, DATE'1500-01-01', TIMESTAMP'1900-01-01 00:00:00', false, -0.0, -1.00, X'42')`,
    ],
    append: [
      {
        id: 4,
        s: 'x:y',
        i: 7,
        d: 18_000,
        t: 1_600_000_000_000_001n,
        b: false,
        f: 0.1,
        de: '5.00',
        bin: Uint8Array.of(66),
      },
    ],
    change: { delete: 'i = 1', spark: ['UPDATE $T SET i = 8 WHERE id = 4'] },
  },
  {
    name: 'all types',
    statements: [
      `CREATE TABLE $T (id BIGINT, i INT, sh SMALLINT, by TINYINT, f FLOAT, d DOUBLE, de DECIMAL(38,10), d9 DECIMAL(9,2), s STRING, bin BINARY, b BOOLEAN,
        dt DATE, ts TIMESTAMP, ntz TIMESTAMP_NTZ, a ARRAY<INT>, m MAP<INT, STRING>, st STRUCT<x: INT, y: STRUCT<z: ARRAY<STRING>>>, aa ARRAY<ARRAY<INT>>) USING delta`,
      `INSERT INTO $T VALUES (9223372036854775807, -2147483648, -32768, 127, float('1.1'), double('NaN'), 1234567890123456789012345678.0123456789, 1.25, 'ü😀', X'00FF', true,
        DATE'0001-01-01', TIMESTAMP'1500-03-01 12:00:00.000001', TIMESTAMP_NTZ'9999-12-31 23:59:59.999999', array(1, NULL), map(1, NULL, 2, 'b'), struct(1, struct(array('a', NULL))), array(array(1), NULL)),
        (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
        (-9223372036854775808, 0, 0, 0, float('-Infinity'), double('-0.0'), -0.0000000001, 0, '', X'', false, DATE'9999-12-31', TIMESTAMP'0200-01-01 00:00:00', TIMESTAMP_NTZ'1969-12-31 23:59:59.999999', array(), map(), struct(NULL, NULL), array())`,
    ],
    append: [
      {
        id: 4n,
        i: 1,
        sh: 2,
        by: 3,
        f: 0.5,
        d: 0.1,
        de: '1.5',
        d9: '-7',
        s: 'x',
        bin: Uint8Array.of(1, 2),
        b: true,
        dt: -200_000,
        ts: -50_000_000_000_000_000n,
        ntz: 1n,
        a: [1, 2],
        m: [[3, 'c']],
        st: { x: 1, y: { z: ['q'] } },
        aa: [[1, 2], []],
      },
    ],
    change: {
      delete: 'id = 2',
      update: { where: 'id = 4', set: { d9: 'd9 + 1', st: 'st' } },
      spark: ['UPDATE $T SET i = i + 1 WHERE id = 4'],
    },
  },
  {
    name: 'type widening',
    statements: [
      "CREATE TABLE $T (id INT, f FLOAT, b TINYINT, d DATE, de DECIMAL(5,2), a ARRAY<SMALLINT>) USING delta TBLPROPERTIES ('delta.enableTypeWidening' = 'true', 'delta.feature.timestampNtz' = 'supported')",
      "INSERT INTO $T VALUES (1, 1.1, 2, DATE'2020-01-01', 1.25, array(1, 2))",
      'ALTER TABLE $T CHANGE COLUMN id TYPE BIGINT',
      'ALTER TABLE $T CHANGE COLUMN f TYPE DOUBLE',
      'ALTER TABLE $T CHANGE COLUMN b TYPE DECIMAL(12,1)',
      'ALTER TABLE $T CHANGE COLUMN d TYPE TIMESTAMP_NTZ',
      'ALTER TABLE $T CHANGE COLUMN de TYPE DECIMAL(10,4)',
      'ALTER TABLE $T CHANGE COLUMN a.element TYPE INT',
      "INSERT INTO $T VALUES (9000000000, 0.1, 3.5, TIMESTAMP_NTZ'2020-01-01 01:02:03', 100000.0001, array(100000))",
    ],
    append: [{ id: 5n, f: 0.2, b: '1.5', d: 5n, de: '2', a: [7] }],
    change: {
      delete: 'id = 9000000000L',
      update: { where: 'id = 1', set: { f: 'f + 1D' } },
      spark: ['UPDATE $T SET id = 6 WHERE id = 5'],
    },
  },
  {
    name: 'constraints, defaults and generated columns',
    statements: [
      "CREATE TABLE $T (id BIGINT NOT NULL, n INT DEFAULT 5, twice BIGINT GENERATED ALWAYS AS (id * 2)) USING delta TBLPROPERTIES ('delta.feature.allowColumnDefaults' = 'supported')",
      'ALTER TABLE $T ADD CONSTRAINT positive CHECK (id > 0)',
      'INSERT INTO $T (id) VALUES (1), (2)',
    ],
    append: [{ id: 3 }, { id: 4, n: null }],
    change: {
      delete: 'id = 1',
      update: { where: 'id = 2', set: { id: '20L' } },
      spark: ['INSERT INTO $T (id) VALUES (7)', 'UPDATE $T SET id = 8 WHERE id = 7'],
    },
  },
  {
    name: 'identity columns',
    statements: [
      'CREATE TABLE $T (id BIGINT GENERATED ALWAYS AS IDENTITY (START WITH 5 INCREMENT BY 3), v INT) USING delta',
      'INSERT INTO $T (v) VALUES (1), (2)',
    ],
    append: [{ v: 3 }, { v: 4 }],
    change: { delete: 'v = 1', spark: ['INSERT INTO $T (v) VALUES (5)', 'UPDATE $T SET v = 9 WHERE v = 5'] },
  },
  {
    name: 'clustering',
    statements: [
      'CREATE TABLE $T (id BIGINT) USING delta CLUSTER BY (id)',
      'INSERT INTO $T SELECT id FROM range(0, 10)',
      'OPTIMIZE $T',
    ],
    append: IDS(30),
    change: { ...CHANGE, spark: [...CHANGE.spark, 'OPTIMIZE $T'] },
  },
  {
    name: 'OPTIMIZE, RESTORE, MERGE and schema evolution',
    statements: [
      'CREATE TABLE $T (id BIGINT) USING delta',
      'INSERT INTO $T SELECT id FROM range(0, 5)',
      'INSERT INTO $T SELECT id FROM range(5, 10)',
      'OPTIMIZE $T ZORDER BY (id)',
      'DELETE FROM $T WHERE id < 3',
      'RESTORE TABLE $T TO VERSION AS OF 2',
      'ALTER TABLE $T ADD COLUMNS (name STRING FIRST)',
      "MERGE INTO $T t USING (SELECT 3L AS id, 'three' AS name UNION ALL SELECT 77L, 'new') s ON t.id = s.id WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *",
    ],
    append: [{ name: 'x', id: 30 }],
    change: {
      delete: 'id = 77',
      update: { where: 'id = 3', set: { name: "concat(name, '!')" } },
      spark: ["UPDATE $T SET name = 'w' WHERE id = 30"],
    },
  },
  {
    name: 'variants',
    statements: [
      'CREATE TABLE $T (id BIGINT, v VARIANT) USING delta',
      `INSERT INTO $T SELECT 1, parse_json('{"a": 1.50, "b": [1, null, "x"], "c": 12345678901234567890}')`,
      'INSERT INTO $T VALUES (2, NULL)',
    ],
    append: [{ id: 3, v: '{"k":[true,1e0]}' }],
    change: { delete: 'id = 2', spark: ['UPDATE $T SET id = 4 WHERE id = 3'] },
  },
  {
    name: 'column defaults, void and comments',
    statements: [
      "CREATE TABLE $T (id BIGINT COMMENT 'the key') USING delta COMMENT 'a table'",
      'INSERT INTO $T SELECT id FROM range(3)',
      'ALTER TABLE $T ADD COLUMNS (nothing VOID)',
    ],
    append: [{ id: 9, nothing: null }],
    change: { delete: 'id = 1', spark: ['INSERT INTO $T (id) VALUES (10)'] },
  },
  {
    name: 'Iceberg compatibility V2',
    statements: [
      "CREATE TABLE $T (id BIGINT, a ARRAY<INT>) USING delta TBLPROPERTIES ('delta.columnMapping.mode' = 'name', 'delta.enableIcebergCompatV2' = 'true', 'delta.enableDeletionVectors' = 'false')",
      'INSERT INTO $T VALUES (1, array(1, 2))',
    ],
    append: [],
    unwritable: 'icebergCompatV2',
  },
];
