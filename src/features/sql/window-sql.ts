import { type EntityKind, KEY_COLUMNS } from '../../domain/entity-keys.ts';
import type { FeatureDefinition, WindowFeature } from '../definition/definition.ts';
import { durationMicros } from '../duration.ts';
import { columnSql, numberSql } from './column-sql.ts';
import { conditionSql } from './condition-sql.ts';
import type { WrittenSql } from './written-sql.ts';

/**
 * A window feature as a self-join that DuckDB runs: a row a payment of `reads`, with its endToEndId, its side and the
 * value, null where there is none. It is the definition in other words, and shares no code with the engine: a second
 * opinion on it, and a formula for people.
 *
 * It holds for entities whose state kept every event of the window (else the engine says `truncated`), payments within
 * the allowed lateness (else `too_late`), events that took a number, and epochs that were built from all that was before
 * them. An entity that was never seen has an empty window; the engine gives the default. Where a second side names other
 * entities than the first, `current: include` counts it for those of the first only. Sums are exact integers, null
 * beyond 64 bits, also of a mean; an integer of 64 bits becomes a double by one rounding, as our own rule has it.
 *
 * @throws AppError `feature_invalid` where a span or a condition is wrong.
 */
export function windowSql(definition: FeatureDefinition): WrittenSql {
  if (definition.kind !== 'window') return { kind: 'unwritten', why: `it is of kind ${definition.kind}, no window` };
  const value = valueSql(definition);
  if (value === undefined)
    return { kind: 'unwritten', why: `${definition.aggregate} is not among the aggregates that are` };
  const { name, entity, filter, current } = definition;
  const condition = filter === undefined ? undefined : conditionSql(filter, `feature '${name}'`);
  if (condition?.kind === 'unwritten') return condition;
  const joined = [
    ...keyColumns(entity).map((column) => `e.${column} = r.${column}`),
    seenSql(entity, current === 'include'),
    ...intervalSql(definition),
    ...(condition === undefined ? [] : [condition.sql]),
  ];
  const sql = `SELECT r.end_to_end_id, r.side,
  ${value} AS "${name}"
FROM reads AS r LEFT JOIN events AS e
  ON ${joined.join('\n  AND ')}
GROUP BY r.end_to_end_id, r.side, r.t`;
  return { kind: 'sql', sql };
}

function keyColumns(entity: EntityKind): readonly string[] {
  return entity === 'pair' ? [KEY_COLUMNS.payer, KEY_COLUMNS.payee] : [KEY_COLUMNS[entity]];
}

/** What was known when the payment was scored; its own event is known by its name, on either side. */
function seenSql(entity: EntityKind, includesOwn: boolean): string {
  const known = `(e.${entity}_epoch, e.${entity}_seq) <= (r.${entity}_epoch, r.${entity}_seq)`;
  return includesOwn
    ? `(${known} OR e.end_to_end_id = r.end_to_end_id)`
    : `${known} AND e.end_to_end_id <> r.end_to_end_id`;
}

function intervalSql({ name, window, offset, hop }: WindowFeature): readonly string[] {
  const end = offset === undefined ? 0 : durationMicros(offset, name);
  const upTo = `e.t <= r.t${end === 0 ? '' : ` - ${end}`}`;
  switch (window) {
    case 'all':
      return [upTo];
    case 'civil_day':
      return ['e.day = r.day', upTo];
    case 'civil_month':
      return ["date_trunc('month', e.day) = date_trunc('month', r.day)", upTo];
    default: {
      const start = `r.t - ${end + durationMicros(window, name)}`;
      if (hop === undefined) return [`e.t > ${start} AND ${upTo}`];
      const step = durationMicros(hop, name);
      return [`e.t > (${start}) // ${step} * ${step} AND ${upTo}`];
    }
  }
}

/** Undefined where the aggregate is not written as SQL. */
function valueSql({ name, entity, aggregate, column, unit, timeToLive }: WindowFeature): string | undefined {
  const number = column === undefined ? 'e.t' : numberSql(column);
  const order = `(e.t, e.${entity}_epoch, e.${entity}_seq)`;
  const isThere = `FILTER (WHERE ${number} IS NOT NULL)`;
  switch (aggregate) {
    case 'count':
      return `count(${column === undefined ? 'e.t' : columnSql(column)})`;
    case 'distinct':
      return column === undefined ? undefined : `count(DISTINCT ${columnSql(column)})`;
    case 'sum':
      return `TRY_CAST(coalesce(sum(CAST(${number} AS HUGEINT)), 0) AS BIGINT)`;
    case 'mean':
      return `CAST(TRY_CAST(sum(CAST(${number} AS HUGEINT)) AS BIGINT) AS DOUBLE) / count(${number})`;
    case 'min':
    case 'max':
      return `${aggregate}(${number})`;
    case 'first':
      return `arg_min(${number}, ${order}) ${isThere}`;
    case 'last': {
      const last = `arg_max(${number}, ${order}) ${isThere}`;
      if (timeToLive === undefined) return last;
      return `CASE WHEN r.t - max(e.t) ${isThere} <= ${durationMicros(timeToLive, name)} THEN ${last} END`;
    }
    case 'time_since_first':
    case 'time_since_last': {
      const edge = aggregate === 'time_since_first' ? 'min(e.t)' : 'max(e.t)';
      return `CAST(r.t - ${edge} AS DOUBLE) / ${durationMicros(unit ?? '1s', name)}`;
    }
    default:
      return undefined;
  }
}
