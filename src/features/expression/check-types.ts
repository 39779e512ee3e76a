import { didYouMean } from '../../base/nearest-name.ts';
import type { Argument, Call } from './arguments.ts';
import { COLUMN_TYPES, isColumnName } from './derived-columns.ts';
import { ExpressionError } from './expression-error.ts';
import { FUNCTIONS } from './functions.ts';
import { typeMembership, typeOperator } from './operators.ts';
import type { Literal, Syntax } from './syntax.ts';
import type { TypedExpression } from './typed-expression.ts';
import { aType, oneOf, type ValueType } from './value-type.ts';

/** A feature that an expression may name: its place in the vector, and its type. */
export interface NamedFeature {
  readonly output: number;
  readonly type: ValueType;
}

/** What the names of an expression mean. */
export interface Scope {
  /** Whose the expression is, for messages. */
  readonly subject: string;
  /** The feature's own name, which means the column in its own expression. */
  readonly own?: string;
  readonly features: ReadonlyMap<string, NamedFeature>;
  /** Types that the whole expression may have. */
  readonly gives: readonly ValueType[];
}

/**
 * Gives every name its meaning and every part its type.
 *
 * @param text the expression that `syntax` was read from, for messages.
 * @throws ExpressionError that says what is wrong, and where.
 */
export function checkTypes(syntax: Syntax, text: string, scope: Scope): TypedExpression {
  const fail = (problem: string, at: number): never => {
    throw new ExpressionError(scope.subject, problem, text, at);
  };
  const { typed, at } = new TypeChecker(scope, fail).argument(syntax);
  if (typed === 'null') return fail('null alone is no value', at);
  if (scope.gives.includes(typed.type)) return typed;
  return fail(`the value must be ${oneOf(scope.gives)}, and is ${aType(typed.type)}`, at);
}

class TypeChecker {
  readonly #scope: Scope;
  readonly #fail: (problem: string, at: number) => never;

  constructor(scope: Scope, fail: (problem: string, at: number) => never) {
    this.#scope = scope;
    this.#fail = fail;
  }

  argument(syntax: Syntax): Argument {
    return { at: syntax.at, typed: this.#type(syntax), isLiteral: syntax.kind === 'literal' };
  }

  #type(syntax: Syntax): TypedExpression | 'null' {
    switch (syntax.kind) {
      case 'literal':
        return constant(syntax);
      case 'name':
        return this.#name(syntax);
      case 'operator':
        return typeOperator(syntax.name, this.#call(syntax.name, syntax.at, syntax.args));
      case 'call':
        return this.#function(syntax);
      case 'in': {
        const call = this.#call('in', syntax.at, []);
        const items = syntax.items.map((item) => this.argument(item));
        const member = typeMembership(this.argument(syntax.operand), items, call);
        return syntax.isNegated ? { kind: 'call', type: 'boolean', does: 'not', args: [member] } : member;
      }
    }
  }

  #call(name: string, at: number, args: readonly Syntax[]): Call {
    return { name, at, args: args.map((part) => this.argument(part)), fail: this.#fail };
  }

  #name({ name, at, ofPayment }: Extract<Syntax, { kind: 'name' }>): TypedExpression {
    const { features, own } = this.#scope;
    const feature = ofPayment || name === own ? undefined : features.get(name);
    if (feature !== undefined) return { kind: 'feature', ...feature };
    const type = COLUMN_TYPES.get(name);
    if (type !== undefined && isColumnName(name)) return { kind: 'column', type, column: name };
    if (name === own) return this.#fail(`it needs itself: ${name} → ${name}`, at);
    if (FUNCTIONS.has(name)) return this.#fail(`${name} is a function: write ${FUNCTIONS.get(name)?.signature}`, at);
    const known = ofPayment ? COLUMN_TYPES.keys() : [...features.keys(), ...COLUMN_TYPES.keys()];
    const what = ofPayment || features.size === 0 ? 'column' : 'feature or column';
    return this.#fail(`there is no ${what} ${name}${didYouMean(name, known)}`, at);
  }

  #function({ name, at, args }: Extract<Syntax, { kind: 'call' }>): TypedExpression {
    const found = FUNCTIONS.get(name);
    if (found === undefined) return this.#fail(`there is no function ${name}${didYouMean(name, FUNCTIONS.keys())}`, at);
    const [least, most] = found.count;
    if (args.length < least || args.length > most) {
      this.#fail(`${found.signature} takes ${countWords(least, most)}, not ${args.length}`, at);
    }
    return found.type(this.#call(name, at, args));
  }
}

function constant({ type, value }: Literal): TypedExpression | 'null' {
  return type === 'null' ? 'null' : { kind: 'constant', type, value };
}

function countWords(least: number, most: number): string {
  if (least !== most) return `${least} operands or more`;
  return least === 1 ? '1 operand' : `${least} operands`;
}
