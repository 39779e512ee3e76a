import { AppError } from '../../base/errors.ts';
import type { Metadata } from '../log/actions.ts';
import { structOf } from '../types/delta-type.ts';
import { parseSchema, serializeSchema } from '../types/schema-json.ts';
import type { IdentityRule } from './table-rules.ts';

/** The first number that a column gives now. */
function nextIdentity({ start, step, highWaterMark }: IdentityRule): bigint {
  return highWaterMark === undefined ? start : highWaterMark + step;
}

/**
 * The metadata after numbers were given, so that none is given again (PROTOCOL.md, "Writer
 * Requirements for Identity Columns").
 *
 * @param marks the furthest number by column.
 */
export function withHighWaterMarks(metadata: Metadata, marks: ReadonlyMap<string, bigint>): Metadata {
  const { fields } = parseSchema(metadata.schemaString);
  const schema = structOf(
    fields.map((item) => {
      const mark = marks.get(item.name);
      if (mark === undefined) return item;
      return { ...item, metadata: { ...item.metadata, 'delta.identity.highWaterMark': loggable(mark) } };
    }),
  );
  return { ...metadata, schemaString: serializeSchema(schema) };
}

/** The number after a count of given ones. @throws AppError invalid_request beyond a long. */
export function identityAt(rule: IdentityRule, index: bigint): bigint {
  const value = nextIdentity(rule) + rule.step * index;
  if (value > 9_223_372_036_854_775_807n || value < -9_223_372_036_854_775_808n) {
    throw new AppError('invalid_request', `The identity column ${rule.column} has no numbers left`);
  }
  return value;
}

/** The furthest numbers after columns gave a count of them. */
export function marksAfter(
  identities: ReadonlyMap<string, IdentityRule>,
  columns: Iterable<string>,
  count: bigint,
): Map<string, bigint> {
  const marks = new Map<string, bigint>();
  for (const column of columns) {
    const rule = identities.get(column);
    if (rule !== undefined && count > 0n) marks.set(column, identityAt(rule, count - 1n));
  }
  return marks;
}

function loggable(value: bigint): number | bigint {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}
