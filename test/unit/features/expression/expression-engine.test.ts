import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bindExpressions } from '../../../../src/features/definition/bind-expressions.ts';
import type { FeatureDefinition } from '../../../../src/features/definition/definition.ts';
import { ExpressionEngine } from '../../../../src/features/engine/expression-engine.ts';
import { ExpressionError } from '../../../../src/features/expression/expression-error.ts';
import { FEATURE_STATUS_NAMES } from '../../../../src/features/feature-status.ts';
import { type Cell, expression, type World, world } from './random-expressions.ts';

const entity = (name: string): FeatureDefinition => ({
  kind: 'window',
  name,
  description: '-',
  entity: 'payer',
  aggregate: 'count',
  window: '1h',
});
const computed = (name: string, text: string): FeatureDefinition => ({
  kind: 'expression',
  name,
  description: '-',
  expression: text,
});

/** The set that random expressions are read in: the subject stands before what it needs. */
const engineOf = (text: string): ExpressionEngine =>
  new ExpressionEngine(
    bindExpressions([
      computed('subject', text),
      entity('wa'),
      entity('wb'),
      entity('wc'),
      computed('flag', 'device_location_available'),
      computed('count', 'dict_person_registered_accounts'),
    ]),
  );

function evaluate(engine: ExpressionEngine, { row, features }: World): Cell {
  const given = [{ value: null, status: 'present' }, features.wa, features.wb, features.wc, null, null];
  const out = {
    values: Float64Array.from(given, (cell) => (typeof cell?.value === 'number' ? cell.value : Number.NaN)),
    status: Uint8Array.from(given, (cell) => FEATURE_STATUS_NAMES.indexOf(cell?.status ?? 'null')),
  };
  engine.read(row, out);
  const [value = Number.NaN] = out.values;
  return {
    value: Number.isNaN(value) ? null : value,
    status: FEATURE_STATUS_NAMES[out.status[0] ?? -1] ?? '?',
  };
}

/** As a vector holds it. */
const asCell = ({ value, status }: Cell): Cell =>
  value === null ? { value, status } : { value: Number(value) + 0, status: 'present' };

/** Words and signs of the language in any order, and text that is none of it. */
const soup = fc.oneof(
  fc
    .array(
      fc.constantFrom(
        ...'( ) , + - * / % = <> < >= and or not in is null true date . payment if coalesce abs( sqrt( ln( code( least('.split(
          ' ',
        ),
        ...'wa flag count side amount_centavos event_time day payer_account 1 0 0.5 7d since( never_seen( absent('.split(
          ' ',
        ),
        "'PAYER'",
        "'2026-01-31'",
      ),
      { minLength: 1, maxLength: 8 },
    )
    .map((words) => words.join(' ')),
  fc
    .tuple(fc.constantFrom('wa', 'count', '1', 'amount_centavos'), fc.constantFrom('+', '/', '%', '<', '*'))
    .map(([operand, sign]) => `${operand} ${sign} ${operand} - wb`),
  fc.string({ maxLength: 30 }),
);

describe('compiled expressions', () => {
  it('are what plain code says of random expressions over random payments, statuses too', () => {
    const seen = { null: 0, present: 0, longest: 0 };
    fc.assert(
      fc.property(expression, fc.array(world, { minLength: 8, maxLength: 8 }), (subject, worlds) => {
        fc.pre(subject.text.length < 2000);
        const engine = engineOf(subject.text);
        for (const here of worlds) {
          const expected = asCell(subject.of(here));
          seen[expected.value === null ? 'null' : 'present'] += 1;
          expect(evaluate(engine, here), subject.text).toStrictEqual(expected);
        }
        seen.longest = Math.max(seen.longest, subject.text.length);
      }),
      { numRuns: 3000 },
    );
    // The test says nothing where it meets one kind of value only.
    expect(Math.min(seen.null, seen.present)).toBeGreaterThan(3000);
    expect(seen.longest).toBeGreaterThan(300);
  });

  it('are refused with a place, or have a finite value or a status, whatever is written', () => {
    const seen = { refused: 0, taken: 0 };
    fc.assert(
      fc.property(soup, world, (text, here) => {
        let engine: ExpressionEngine;
        try {
          engine = engineOf(text);
        } catch (error) {
          if (!(error instanceof ExpressionError)) throw error;
          expect(error.position).toBeGreaterThanOrEqual(1);
          expect(error.position).toBeLessThanOrEqual(text.length + 1);
          expect(error.excerpt).toMatch(/\n *\^$/);
          seen.refused += 1;
          return;
        }
        const { value, status } = evaluate(engine, here);
        expect(value === null ? status !== 'present' : status === 'present' && Number.isFinite(value), text).toBe(true);
        seen.taken += 1;
      }),
      { numRuns: 20_000 },
    );
    expect(Math.min(seen.refused, seen.taken)).toBeGreaterThan(500);
  });
});
