import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { expect, it } from 'vitest';
import { civilParts, civilZone } from '../../src/base/civil-time.ts';
import { type Random, seededRandom } from '../../src/base/random.ts';
import { ENTITY_KINDS, type EntityKind, type EntityNumbers } from '../../src/domain/entity-keys.ts';
import { entityKeys, PAYMENT_COLUMNS, type PaymentRow } from '../../src/domain/payment-row.ts';
import type { FeatureDefinition, WindowFeature } from '../../src/features/definition/definition.ts';
import { EmbeddedStore } from '../../src/features/embedded/embedded-store.ts';
import { compileFeatureSet } from '../../src/features/feature-set.ts';
import { FEATURE_STATUS_NAMES } from '../../src/features/feature-status.ts';
import type { Observation } from '../../src/features/online-store.ts';
import { relationsSql } from '../../src/features/sql/relations-sql.ts';
import { windowSql } from '../../src/features/sql/window-sql.ts';
import { rowOf } from '../unit/features/streams.ts';

/*
 * A second opinion on the engine, from outside: each feature's SQL, run by DuckDB over the same payments, against the
 * values that the embedded store gave when it scored them.
 */

const QUARTER = 900_000_000;
const PAYMENTS = 600;
const ENTITIES: readonly EntityKind[] = ['payer', 'pair', 'payee_document', 'device'];
const AGGREGATES: readonly Partial<WindowFeature>[] = [
  { aggregate: 'count', default: 7 },
  { aggregate: 'count', column: 'payee_account_type' },
  { aggregate: 'sum', column: 'amount_centavos' },
  { aggregate: 'sum', column: 'device_remote_access', default: 0 },
  { aggregate: 'mean', column: 'amount_centavos' },
  { aggregate: 'mean', column: 'civil_hour' },
  { aggregate: 'min', column: 'device_logged_in_at' },
  { aggregate: 'max', column: 'amount_centavos' },
  { aggregate: 'min', column: 'weekday' },
  { aggregate: 'max', column: 'day' },
  { aggregate: 'first', column: 'amount_centavos' },
  { aggregate: 'first', column: 'dict_key_created_on' },
  { aggregate: 'last', column: 'dict_key_created_on' },
  { aggregate: 'last', column: 'amount_centavos', timeToLive: '2h' },
  { aggregate: 'time_since_first', unit: '1m' },
  { aggregate: 'time_since_last', unit: '1h' },
  { aggregate: 'distinct', column: 'payee_account' },
  { aggregate: 'distinct', column: 'amount_centavos' },
];
const WINDOWS: readonly Partial<WindowFeature>[] = [
  { window: '1h' },
  { window: '1d', current: 'include' },
  { window: '2d', offset: '3h' },
  { window: 'civil_day' },
  { window: 'civil_month', current: 'include' },
  { window: 'all' },
  { window: '3d', hop: '6h' },
];
const FILTERS = [
  undefined,
  'amount_centavos > 1000',
  undefined,
  "payee_account_type in ('SVGS', 'O''Neill') or not device_remote_access",
  'is_night(event_time) and weekday(event_time) < 6',
  "multiple_of(amount_centavos, 2) and dict_key_created_on > date '2025-11-05'",
] as const;

it('DuckDB agrees with the engine, value by value', async () => {
  const set = compileFeatureSet({
    name: 'sql',
    description: '-',
    bound: 128,
    allowedLateness: '1h',
    features: features(),
  });
  const { rows, observations } = scored(new EmbeddedStore(set), payments(seededRandom(6, 1)));
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  await fill(connection, rows, observations);

  const tally = { compared: 0, truncated: 0, too_late: 0, beyond53: 0 };
  const differing: string[] = [];
  const statuses = new Set<string>();
  for (const [output, definition] of set.definition.features.entries()) {
    const theirs = await valuesOf(connection, definition);
    for (const [read, { values, status }] of observations.entries()) {
      const name = FEATURE_STATUS_NAMES[status[output] as number] ?? '?';
      const ours = values[output] as number;
      statuses.add(name);
      if (name === 'truncated' || name === 'too_late') {
        tally[name] += 1;
        continue;
      }
      tally.compared += 1;
      if (ours > 2 ** 53) tally.beyond53 += 1;
      const row = rows[read] as PaymentRow;
      const value = theirs.get(`${row.end_to_end_id} ${row.side}`);
      if (!agrees(definition as WindowFeature, row, name, ours, value)) {
        differing.push(`${definition.name} of read ${read}: ${name} ${ours}, by SQL ${value}`);
      }
    }
  }
  connection.closeSync();
  console.info(
    `${set.names.length} features of ${rows.length} rows: ${tally.compared} values compared (${tally.beyond53} beyond 2^53), ` +
      `${differing.length} differ; left out ${tally.truncated} truncated, ${tally.too_late} too late`,
  );
  expect(differing.slice(0, 5)).toEqual([]);
  expect(tally.compared).toBeGreaterThan(10_000);
  expect(tally.beyond53).toBeGreaterThan(100);
  expect([...statuses].sort()).toEqual(['expired', 'not_found', 'null', 'present', 'too_late', 'truncated']);
});

/**
 * An empty window is 0 or null in SQL; of an entity that was never seen the engine gives the default instead, and nothing
 * where the payment names no such entity.
 */
function agrees(
  { entity, aggregate, default: fallback = Number.NaN }: WindowFeature,
  row: PaymentRow,
  status: string,
  ours: number,
  theirs: unknown,
): boolean {
  if (status === 'present') return Object.is(ours, theirs);
  if (status !== 'not_found') return theirs === null;
  const empty = ['count', 'sum', 'distinct'].includes(aggregate) ? 0 : null;
  return theirs === empty && Object.is(ours, entityKeys(row)[entity] === null ? Number.NaN : fallback);
}

/** Every aggregate over every window, of each entity; filters go round. */
function features(): FeatureDefinition[] {
  const made: FeatureDefinition[] = [];
  for (const entity of ENTITIES) {
    for (const aggregate of AGGREGATES) {
      for (const window of WINDOWS) {
        if (window.hop !== undefined && !/^(count|sum|mean|min|max)$/.test(aggregate.aggregate ?? '')) continue;
        const filter = FILTERS[(made.length * 5) % FILTERS.length];
        made.push({
          kind: 'window',
          name: `f${made.length}`,
          description: '-',
          entity,
          ...aggregate,
          ...window,
          ...(filter === undefined ? {} : { filter }),
        } as WindowFeature);
      }
    }
  }
  return made;
}

/** Three weeks with ties, late payments, holes, second sides, and sums beyond 2^53. */
function payments(random: Random): PaymentRow[] {
  const rows: PaymentRow[] = [];
  let clock = Date.UTC(2025, 9, 25) * 1000;
  for (let number = 0; number < PAYMENTS; number += 1) {
    const earlier = rows[rows.length - 1 - random.below(30)];
    if (earlier?.side === 'PAYER' && random.chance(0.1) && !rows.some((row) => isOther(row, earlier))) {
      rows.push({ ...earlier, side: 'PAYEE', event_time: earlier.event_time + random.below(2) * QUARTER });
      continue;
    }
    // On a grid, so that events lie on the very edges of windows.
    if (random.chance(0.8)) clock += random.below(9) * QUARTER;
    const late = random.chance(0.15) ? random.below(8) * QUARTER : 0;
    const amount = random.chance(0.2) ? Number.MAX_SAFE_INTEGER - random.below(1000) : random.below(3000);
    const id = `E${String(number).padStart(31, '0')}`;
    rows.push({
      ...rowOf(id, clock - late, amount, random.below(5), random.below(5)),
      device_remote_access: random.chance(0.3) ? null : random.chance(0.5),
      device_logged_in_at: random.chance(0.2) ? null : clock - random.below(4) * QUARTER,
      dict_key_created_on: random.chance(0.2) ? null : 20_380 + random.below(40),
    });
  }
  return rows;
}

function isOther(row: PaymentRow, { end_to_end_id, side }: PaymentRow): boolean {
  return row.end_to_end_id === end_to_end_id && row.side !== side;
}

/** Scored in two epochs; the second is built from all of the first. */
function scored(store: EmbeddedStore, rows: PaymentRow[]): { rows: PaymentRow[]; observations: Observation[] } {
  const observations = rows.map((row, at) => {
    if (at === 0 || at === Math.floor(PAYMENTS / 2)) store.openEpoch(store.epoch + 1);
    const { values, status, ...rest } = store.observePayment({ row, keys: entityKeys(row) });
    return { ...rest, values: values.slice(), status: status.slice() };
  });
  return { rows, observations };
}

const SQL_TYPES = {
  string: 'VARCHAR',
  long: 'BIGINT',
  boolean: 'BOOLEAN',
  timestamp: 'TIMESTAMP',
  date: 'DATE',
} as const;
const NUMBER_COLUMNS = ENTITY_KINDS.flatMap((kind) => [`${kind}_epoch BIGINT`, `${kind}_seq BIGINT`]).join(', ');

/** The two tables of silver with the columns that the views read. */
async function fill(
  connection: DuckDBConnection,
  rows: readonly PaymentRow[],
  observations: readonly Observation[],
): Promise<void> {
  const columns = PAYMENT_COLUMNS.map(({ name, type }) => `${name} ${SQL_TYPES[type]}`).join(', ');
  await connection.run(`
    CREATE TABLE silver_transactions (${columns}, payer_account VARCHAR, payee_account VARCHAR, day DATE,
      civil_hour INTEGER, is_event BOOLEAN, ${NUMBER_COLUMNS});
    CREATE TABLE silver_decisions (end_to_end_id VARCHAR, side VARCHAR, ${NUMBER_COLUMNS});`);
  const zone = civilZone('America/Sao_Paulo');
  const payments: string[] = [];
  const decisions: string[] = [];
  for (const [at, row] of rows.entries()) {
    const { isEvent, numbers, saw } = observations[at] as Observation;
    const { payer, payee } = entityKeys(row);
    const { day, hour } = civilParts(zone, row.event_time);
    const own = PAYMENT_COLUMNS.map(({ name, type }) => literal(row[name], type));
    const derived = [literal(payer), literal(payee), literal(day, 'date'), hour, isEvent, ...numbersOf(numbers)];
    payments.push(`(${[...own, ...derived].join(', ')})`);
    decisions.push(`(${[literal(row.end_to_end_id), literal(row.side), ...numbersOf(saw)].join(', ')})`);
  }
  await connection.run(`INSERT INTO silver_transactions VALUES ${payments.join(', ')}`);
  await connection.run(`INSERT INTO silver_decisions VALUES ${decisions.join(', ')}`);
  await connection.run(relationsSql());
}

function numbersOf(numbers: EntityNumbers): (number | string)[] {
  return ENTITY_KINDS.flatMap((kind) => [numbers[kind]?.epoch ?? 'NULL', numbers[kind]?.seq ?? 'NULL']);
}

function literal(value: string | number | boolean | null | undefined, type = 'string'): string {
  if (value === null || value === undefined) return 'NULL';
  if (type === 'timestamp') return `make_timestamp(${value})`;
  if (type === 'date') return `DATE '1970-01-01' + ${value}`;
  return typeof value === 'string' ? `'${value}'` : String(value);
}

/** Values by endToEndId and side. */
async function valuesOf(connection: DuckDBConnection, definition: FeatureDefinition): Promise<Map<string, unknown>> {
  const written = windowSql(definition);
  if (written.kind === 'unwritten') throw new Error(`${definition.name}: ${written.why}`);
  const reader = await connection.runAndReadAll(
    `SELECT end_to_end_id || ' ' || side, CAST(${definition.name} AS DOUBLE) FROM (${written.sql})`,
  );
  return new Map(reader.getRows().map(([read, value]) => [String(read), value]));
}
