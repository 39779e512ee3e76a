import fastJson from 'fast-json-stringify';
import type { TSchema } from 'typebox';
import { type Payment, PaymentSchema } from './payment.ts';

/**
 * The canonical form (RFC 8785) of a payment, as `canonicalJson` writes it, by a writer that is
 * compiled from the schema: it knows every name and their order. 4 µs where the general one takes 8.
 */
export const canonicalPayment: (payment: Payment) => string = fastJson(
  namesInOrder(PaymentSchema) as Parameters<typeof fastJson>[0],
);

interface CanonicalSchema {
  readonly type: string;
  readonly properties?: Readonly<Record<string, CanonicalSchema>>;
}

/** What the writer needs of a schema: types, and members in the order of their names as UTF-16 code units. */
function namesInOrder(schema: TSchema): CanonicalSchema {
  const { type, properties } = schema as { type: string; properties?: Record<string, TSchema> };
  if (properties === undefined) return { type };
  const names = Object.keys(properties).sort();
  return {
    type,
    properties: Object.fromEntries(names.map((name) => [name, namesInOrder(properties[name] as TSchema)])),
  };
}
