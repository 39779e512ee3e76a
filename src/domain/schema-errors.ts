import type { TSchema } from 'typebox';
// `typebox/compile` is the same check with parsing and conversion around it, and takes 70 ms longer to load.
import { Compile } from 'typebox/schema';

/** What is wrong with a value, and where. Never holds the value: it may be personal data. */
export interface FieldProblem {
  /** Dotted path of the field, `payer.account.number`; empty for the whole body. */
  readonly field: string;
  /** What is asked of the field. */
  readonly problem: string;
}

/** Checks values of one schema; compiled once, 0.1–1 µs a value. */
export interface SchemaCheck<T> {
  /** Whether a value has the schema's form. */
  is(value: unknown): value is T;
  /** The first problem of a value that has not. */
  problemOf(value: unknown): FieldProblem;
}

/** One problem as typebox reports it. */
interface ReportedError {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: object;
}

/** Compiles a schema. */
export function schemaCheck<T>(schema: TSchema): SchemaCheck<T> {
  const compiled = Compile(schema);
  return {
    is: (value): value is T => compiled.Check(value),
    problemOf(value) {
      const [, errors] = compiled.Errors(value) as [boolean, readonly ReportedError[]];
      // An unknown field is reported twice; the report by its object names it.
      const first = errors.find((error) => error.keyword !== 'boolean') ?? errors[0];
      return first === undefined ? { field: '', problem: 'has the wrong form' } : describe(first);
    },
  };
}

function describe(error: ReportedError): FieldProblem {
  const at = error.instancePath.slice(1).split('/').filter(Boolean).map(safeName);
  const params = error.params as Readonly<Record<string, unknown>>;
  switch (error.keyword) {
    case 'additionalProperties':
      return { field: join(at, firstName(params.additionalProperties)), problem: 'is not a field that is known here' };
    case 'required':
      return { field: join(at, firstName(params.requiredProperties)), problem: 'is missing' };
    case 'type':
      return { field: join(at), problem: `must be of type ${String(params.type)}` };
    case 'pattern':
      return { field: join(at), problem: `must match ${String(params.pattern)}` };
    case 'enum':
      return { field: join(at), problem: `must be one of ${listOf(params.allowedValues)}` };
    case 'minLength':
    case 'maxLength':
    case 'minimum':
    case 'maximum':
    case 'maxItems':
    case 'minItems':
      return {
        field: join(at),
        problem: `is outside its limit (${error.keyword} ${String(params.limit ?? params.comparison ?? '')})`,
      };
    default:
      return { field: join(at), problem: `has the wrong form (${error.keyword})` };
  }
}

function listOf(values: unknown): string {
  return Array.isArray(values) ? values.join(', ') : 'the allowed values';
}

function firstName(names: unknown): string {
  return safeName(Array.isArray(names) ? String(names[0]) : '?');
}

/** A name from outside is repeated only where it cannot be a document, a key or an account. */
function safeName(name: string): string {
  return /^[A-Za-z_][A-Za-z_]{0,40}$/.test(name) || /^(d90|m12|m60|\d{1,4})$/.test(name) ? name : '(unnamed)';
}

function join(path: readonly string[], name?: string): string {
  return [...path, ...(name === undefined ? [] : [name])].join('.');
}
