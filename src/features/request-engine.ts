import { type CivilParts, type CivilZone, civilParts } from '../base/civil-time.ts';
import type { PaymentRow } from '../domain/payment-row.ts';
import type { Column, RequestExpression, RequestFeature } from './definition.ts';
import { durationMicros } from './duration.ts';
import { FEATURE_STATUS } from './feature-status.ts';
import type { FeatureOutput } from './window-engine.ts';
import type { Placed } from './window-plan.ts';

/** NaN where the payment does not say. */
type Read = (row: PaymentRow, civil: CivilParts) => number;

/** Computes the features that are read off the payment alone. */
export class RequestEngine {
  readonly #zone: CivilZone;
  readonly #reads: readonly Read[];
  readonly #outputs: Int32Array;

  /** @param dates columns that hold days since 1970, whose ages are whole civil days. */
  constructor(features: readonly Placed<RequestFeature>[], dates: ReadonlySet<Column>, zone: CivilZone) {
    this.#zone = zone;
    this.#reads = features.map(({ feature }) => compile(feature.value, feature.name, dates));
    this.#outputs = Int32Array.from(features, (placed) => placed.output);
  }

  /** Writes the request features of a payment. */
  read(row: PaymentRow, out: FeatureOutput): void {
    const civil = civilParts(this.#zone, row.event_time);
    const reads = this.#reads;
    for (let at = 0; at < reads.length; at += 1) {
      const value = (reads[at] as Read)(row, civil);
      const output = this.#outputs[at] as number;
      out.values[output] = value;
      out.status[output] = Number.isNaN(value) ? FEATURE_STATUS.null : FEATURE_STATUS.present;
    }
  }
}

function compile(expression: RequestExpression, name: string, dates: ReadonlySet<Column>): Read {
  switch (expression.op) {
    case 'number':
    case 'flag': {
      const { column } = expression;
      return (row) => {
        const value = row[column];
        return value === null ? Number.NaN : Number(value);
      };
    }
    case 'age':
      return dates.has(expression.column)
        ? dateAge(expression.column)
        : instantAge(expression.column, durationMicros(expression.unit, name));
    case 'code': {
      const { column } = expression;
      const codes = new Map<unknown, number>(Object.entries(expression.codes));
      return (row) => codes.get(row[column]) ?? Number.NaN;
    }
    case 'missing': {
      const { columns } = expression;
      return (row) => (columns.every((column) => row[column] === null) ? 1 : 0);
    }
    case 'same': {
      const [left, right] = expression.columns;
      return (row) => (row[left] === null || row[right] === null ? Number.NaN : row[left] === row[right] ? 1 : 0);
    }
    case 'multiple': {
      const { column, of } = expression;
      return (row) => (row[column] === null ? Number.NaN : Number(row[column]) % of === 0 ? 1 : 0);
    }
    case 'civil':
      return civilPart(expression.part);
  }
}

function instantAge(column: Column, unitMicros: number): Read {
  return (row) => {
    const value = row[column];
    return value === null ? Number.NaN : (row.event_time - Number(value)) / unitMicros;
  };
}

function dateAge(column: Column): Read {
  return (row, civil) => {
    const value = row[column];
    // DICT writes the first day of 1970 where it has no data.
    return value === null || value === 0 ? Number.NaN : civil.day - Number(value);
  };
}

function civilPart(part: 'hour' | 'weekday' | 'night' | 'weekend'): Read {
  switch (part) {
    case 'hour':
      return (_row, civil) => civil.hour;
    case 'weekday':
      return (_row, civil) => civil.weekday;
    case 'night':
      return (_row, civil) => (civil.hour >= 20 || civil.hour < 6 ? 1 : 0);
    case 'weekend':
      return (_row, civil) => (civil.weekday >= 6 ? 1 : 0);
  }
}
