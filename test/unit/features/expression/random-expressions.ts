import fc from 'fast-check';
import { civilZone } from '../../../../src/base/civil-time.ts';
import { naturalLogarithm } from '../../../../src/base/natural-logarithm.ts';
import { PAYMENT_COLUMNS, type PaymentRow } from '../../../../src/domain/payment-row.ts';
import { durationMicros } from '../../../../src/features/duration.ts';

/*
 * Random expressions that each bring their own meaning, in plain code: whole numbers, instants, dates and spans are
 * bigints, null is null, and nothing is compiled.
 */

/** A value and, where it is null, why. */
export interface Cell {
  readonly value: bigint | number | boolean | string | null;
  readonly status: string;
}

/** What an expression is read from. */
export interface World {
  readonly row: PaymentRow;
  /** Features by name. */
  readonly features: Readonly<Record<string, Cell>>;
}

/** An expression, and what it means. */
export interface Meaning {
  readonly text: string;
  readonly of: (world: World) => Cell;
}

const MOST = 2n ** 53n - 1n;
const ZONE = civilZone('America/Sao_Paulo');

const none = (status = 'null'): Cell => ({ value: null, status });
const some = (value: Cell['value']): Cell => (value === null ? none() : { value, status: 'present' });
const exact = (value: bigint): bigint | null => (value > MOST || value < -MOST ? null : value);
const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
const toNumber = (value: Cell['value']): number => Number(value);

/** A meaning that is null as soon as an operand is, with the status of the first. */
function strict(text: string, operands: readonly Meaning[], value: (...operands: never[]) => Cell['value']): Meaning {
  return {
    text,
    of: (world) => {
      const cells = operands.map((operand) => operand.of(world));
      const missing = cells.find((cell) => cell.value === null);
      if (missing !== undefined) return missing;
      return some(value(...(cells.map((cell) => cell.value) as never[])));
    },
  };
}

const literal = (text: string, value: Cell['value']): Meaning => ({ text, of: () => some(value) });
const whole = (value: number): Meaning => literal(String(value), BigInt(value));
const bigintOrNull = (value: unknown): bigint | null => (typeof value === 'number' ? BigInt(value) : null);
const column = (name: keyof PaymentRow): Meaning => ({
  text: name,
  of: ({ row }) => {
    const value = row[name];
    return some(typeof value === 'number' ? BigInt(value) : value);
  },
});
const feature = (name: string): Meaning => ({ text: name, of: ({ features }) => features[name] ?? none('?') });

const civil = ({ row }: World): Date => civilDate(row.event_time);
const civilDate = (micros: number): Date =>
  new Date(Math.floor(micros / 1e6) * 1000 + ZONE.offsetSeconds(micros) * 1000);
const utcDate = (micros: number): Date => new Date(Math.floor(micros / 1000));
const weekdayOf = (date: Date): bigint => BigInt(date.getUTCDay() === 0 ? 7 : date.getUTCDay());
const dayOf = (date: Date): bigint => BigInt(Math.floor(date.getTime() / 86_400_000));
const account = (isp: string | null, branch: string | null, number: string | null): string | null =>
  number === null ? null : `${isp ?? ''}|${branch ?? ''}|${number}`;

const derived = {
  civil_hour: { text: 'civil_hour', of: (world: World) => some(BigInt(civil(world).getUTCHours())) },
  weekday: { text: 'weekday', of: (world: World) => some(weekdayOf(civil(world))) },
  day: { text: 'day', of: (world: World) => some(dayOf(civil(world))) },
  payer_account: {
    text: 'payer_account',
    of: ({ row }: World) => some(account(row.payer_ispb, row.payer_branch, row.payer_number)),
  },
} satisfies Record<string, Meaning>;

const TEXTS = ['PAYER', 'PAYEE', 'CPF', "it's", ''];
const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`;

type Names = 'long' | 'double' | 'number' | 'boolean' | 'string' | 'timestamp' | 'date' | 'duration';
type Tie = (name: Names) => fc.Arbitrary<Meaning>;

const chosen = (tie: Tie, type: Names): fc.Arbitrary<Meaning> =>
  fc.tuple(tie('boolean'), tie(type), tie(type)).map(([condition, yes, no]) => ({
    text: `if(${condition.text}, ${yes.text}, ${no.text})`,
    of: (world) => {
      const test = condition.of(world);
      return test.value === null ? test : (test.value ? yes : no).of(world);
    },
  }));
const first = (tie: Tie, type: Names): fc.Arbitrary<Meaning> =>
  fc.array(tie(type), { minLength: 2, maxLength: 3 }).map((operands) => ({
    text: `coalesce(${operands.map(({ text }) => text).join(', ')})`,
    of: (world) => {
      const cells = operands.map((operand) => operand.of(world));
      return cells.find(({ value }) => value !== null) ?? (cells[0] as Cell);
    },
  }));
const extreme = (tie: Tie, type: Names): fc.Arbitrary<Meaning> =>
  fc
    .tuple(fc.boolean(), fc.array(tie(type), { minLength: 2, maxLength: 3 }))
    .map(([isLeast, operands]) =>
      strict(
        `${isLeast ? 'least' : 'greatest'}(${operands.map(({ text }) => text).join(', ')})`,
        operands,
        (...values: (bigint | number)[]) => values.reduce((best, value) => (isLeast === value < best ? value : best)),
      ),
    );
const pair = (tie: Tie, a: Names, b: Names): fc.Arbitrary<[Meaning, Meaning]> => fc.tuple(tie(a), tie(b));

function wholeOperations(tie: Tie): fc.Arbitrary<Meaning>[] {
  const operation = (sign: string, value: (a: bigint, b: bigint) => bigint | null): fc.Arbitrary<Meaning> =>
    pair(tie, 'long', 'long').map(([a, b]) => strict(`(${a.text} ${sign} ${b.text})`, [a, b], value));
  return [
    operation('+', (a, b) => exact(a + b)),
    operation('-', (a, b) => exact(a - b)),
    operation('*', (a, b) => exact(a * b)),
    operation('%', (a, b) => (b === 0n ? null : a % b)),
    tie('long').map((a) => strict(`(-(${a.text}))`, [a], (value: bigint) => -value)),
    tie('long').map((a) => strict(`abs(${a.text})`, [a], (value: bigint) => (value < 0n ? -value : value))),
    tie('number').map((a) =>
      strict(`floor(${a.text})`, [a], (value: bigint | number) =>
        typeof value === 'bigint' ? value : exact(BigInt(Math.floor(value))),
      ),
    ),
    tie('timestamp').map((a) =>
      strict(`hour(${a.text})`, [a], (value: bigint) => BigInt(civilDate(Number(value)).getUTCHours())),
    ),
    tie('timestamp').map((a) =>
      strict(`weekday(${a.text})`, [a], (value: bigint) => weekdayOf(civilDate(Number(value)))),
    ),
    tie('timestamp').map((a) =>
      strict(`utc_hour(${a.text})`, [a], (value: bigint) => BigInt(utcDate(Number(value)).getUTCHours())),
    ),
    tie('timestamp').map((a) =>
      strict(`utc_weekday(${a.text})`, [a], (value: bigint) => weekdayOf(utcDate(Number(value)))),
    ),
    tie('date').map((a) =>
      strict(`days_since(${a.text})`, [derived.day, a], (day: bigint, date: bigint) =>
        date === 0n ? null : day - date,
      ),
    ),
    tie('string').map((a) =>
      strict(`code(${a.text}, 'PAYER', 7, 'CPF', -2)`, [a], (text: string) =>
        text === 'PAYER' ? 7n : text === 'CPF' ? -2n : null,
      ),
    ),
    pair(tie, 'date', 'date').map(([a, b]) =>
      strict(`(${a.text} - ${b.text})`, [a, b], (x: bigint, y: bigint) => exact(x - y)),
    ),
    chosen(tie, 'long'),
    first(tie, 'long'),
    extreme(tie, 'long'),
  ];
}

function fractionOperations(tie: Tie): fc.Arbitrary<Meaning>[] {
  const operation = (sign: string, value: (a: number, b: number) => number): fc.Arbitrary<Meaning> =>
    pair(tie, 'double', 'number').map(([a, b]) =>
      strict(`(${a.text} ${sign} ${b.text})`, [a, b], (x: number, y: number | bigint) => finite(value(x, Number(y)))),
    );
  const ofOne = (name: string, value: (a: number) => number): fc.Arbitrary<Meaning> =>
    tie('number').map((a) => strict(`${name}(${a.text})`, [a], (x: number | bigint) => finite(value(Number(x)))));
  return [
    operation('+', (a, b) => a + b),
    operation('-', (a, b) => a - b),
    operation('*', (a, b) => a * b),
    operation('%', (a, b) => a % b),
    pair(tie, 'number', 'number').map(([a, b]) =>
      strict(`(${a.text} / ${b.text})`, [a, b], (x: number, y: number) => finite(toNumber(x) / toNumber(y))),
    ),
    pair(tie, 'duration', 'duration').map(([a, b]) =>
      strict(`(${a.text} / ${b.text})`, [a, b], (x: bigint, y: bigint) => finite(toNumber(x) / toNumber(y))),
    ),
    ofOne('sqrt', Math.sqrt),
    ofOne('ln', naturalLogarithm),
    tie('double').map((a) => strict(`abs(${a.text})`, [a], (x: number) => Math.abs(x))),
    tie('timestamp').map((a) =>
      strict(
        `since(${a.text}, 90m)`,
        [column('event_time'), a],
        (now: bigint, from: bigint) => Number(now - from) / 5_400_000_000,
      ),
    ),
    chosen(tie, 'double'),
    first(tie, 'double'),
    extreme(tie, 'double'),
  ];
}

function kleene(sign: 'and' | 'or', a: Meaning, b: Meaning): Meaning {
  const decides = sign === 'or';
  return {
    text: `(${a.text} ${sign} ${b.text})`,
    of: (world) => {
      const cells = [a.of(world), b.of(world)];
      if (cells.some(({ value }) => value === decides)) return some(decides);
      return cells.find(({ value }) => value === null) ?? some(!decides);
    },
  };
}

function comparison(tie: Tie, type: Names, signs: readonly string[]): fc.Arbitrary<Meaning> {
  return fc.tuple(fc.constantFrom(...signs), tie(type), tie(type)).map(([sign, a, b]) =>
    strict(`(${a.text} ${sign} ${b.text})`, [a, b], (x: number, y: number) => {
      // biome-ignore lint/suspicious/noDoubleEquals: a bigint equals the number of its size.
      const isEqual = x == y;
      if (sign === '=') return isEqual;
      if (sign === '<>') return !isEqual;
      if (sign === '<') return x < y;
      if (sign === '<=') return x <= y;
      return sign === '>' ? x > y : x >= y;
    }),
  );
}

function truths(tie: Tie): fc.Arbitrary<Meaning>[] {
  const signs = ['=', '<>', '<', '<=', '>', '>='];
  const isNull = (type: Names): fc.Arbitrary<Meaning> =>
    fc.tuple(fc.constantFrom('absent', 'is null', 'is not null'), tie(type)).map(([how, a]) => ({
      text: how === 'absent' ? `absent(${a.text})` : `((${a.text}) ${how})`,
      of: (world) => some((a.of(world).value === null) === (how !== 'is not null')),
    }));
  return [
    comparison(tie, 'number', signs),
    comparison(tie, 'timestamp', signs),
    comparison(tie, 'date', signs),
    comparison(tie, 'duration', signs),
    comparison(tie, 'string', ['=', '<>']),
    comparison(tie, 'boolean', ['=', '<>']),
    pair(tie, 'boolean', 'boolean').map(([a, b]) => kleene('and', a, b)),
    pair(tie, 'boolean', 'boolean').map(([a, b]) => kleene('or', a, b)),
    tie('boolean').map((a) => strict(`(not ${a.text})`, [a], (value: boolean) => !value)),
    isNull('number'),
    isNull('string'),
    isNull('boolean'),
    fc.constantFrom('wa', 'wb', 'flag').map((name) => ({
      text: `never_seen(${name})`,
      of: ({ features }) => {
        const { status } = features[name] as Cell;
        return status === 'unavailable' ? none('unavailable') : some(status === 'not_found');
      },
    })),
    fc.tuple(tie('number'), fc.boolean()).map(([a, isNegated]) =>
      strict(`(${a.text} ${isNegated ? 'not ' : ''}in (0, 3, -1.5, 10000))`, [a], (value: number) => {
        return [0, 3, -1.5, 10_000].includes(Number(value)) !== isNegated;
      }),
    ),
    tie('string').map((a) =>
      strict(`(${a.text} in ('CPF', '', 'it''s'))`, [a], (value: string) => ['CPF', '', "it's"].includes(value)),
    ),
    pair(tie, 'string', 'string').map(([a, b]) =>
      strict(`starts_with(${a.text}, ${b.text})`, [a, b], (x: string, y: string) => x.slice(0, y.length) === y),
    ),
    tie('long').map((a) => strict(`multiple_of(${a.text}, 3)`, [a], (value: bigint) => value % 3n === 0n)),
    tie('timestamp').map((a) =>
      strict(`is_night(${a.text})`, [a], (value: bigint) => {
        const hour = civilDate(Number(value)).getUTCHours();
        return hour >= 20 || hour < 6;
      }),
    ),
    tie('timestamp').map((a) =>
      strict(`is_weekend(${a.text})`, [a], (value: bigint) => weekdayOf(civilDate(Number(value))) >= 6n),
    ),
    chosen(tie, 'boolean'),
    first(tie, 'boolean'),
  ];
}

function times(tie: Tie, type: 'timestamp' | 'duration', left: Names, signs: readonly ('+' | '-')[]) {
  return fc
    .tuple(fc.constantFrom(...signs), tie(left), tie(type === 'duration' ? left : 'duration'))
    .map(([sign, a, b]) =>
      strict(`(${a.text} ${sign} ${b.text})`, [a, b], (x: bigint, y: bigint) => exact(sign === '+' ? x + y : x - y)),
    );
}

/** Expressions of every type that a feature can be of. */
export const expression: fc.Arbitrary<Meaning> = fc.letrec<Record<Names | 'root', Meaning>>((tie) => {
  const of = (...operations: fc.Arbitrary<Meaning>[]): fc.Arbitrary<Meaning> =>
    fc.oneof({ maxDepth: 5, depthSize: 'medium', depthIdentifier: 'expression', withCrossShrink: true }, ...operations);
  const leaf = (...leaves: Meaning[]): fc.Arbitrary<Meaning> => fc.constantFrom(...leaves);
  const t = tie as Tie;
  return {
    root: fc.oneof(tie('long'), tie('double'), tie('boolean')),
    number: fc.oneof(tie('long'), tie('double')),
    long: of(
      fc.oneof(
        leaf(column('amount_centavos'), column('dict_person_open_reports'), derived.civil_hour, derived.weekday),
        leaf(feature('count'), feature('count'), whole(0), whole(1), whole(-7), whole(10_000), whole(9007199254740991)),
      ),
      ...wholeOperations(t),
    ),
    double: of(
      fc.oneof(
        leaf(feature('wa'), feature('wb'), feature('wc')),
        leaf(literal('0.0', 0), literal('0.5', 0.5), literal('1e300', 1e300), literal('-2.25', -2.25)),
      ),
      ...fractionOperations(t),
    ),
    boolean: of(
      leaf(column('device_remote_access'), column('device_active_call'), feature('flag'), literal('true', true)),
      ...truths(t),
    ),
    string: of(
      leaf(
        column('side'),
        column('payer_document_type'),
        derived.payer_account,
        ...TEXTS.map((text) => literal(quote(text), text)),
      ),
      chosen(t, 'string'),
      first(t, 'string'),
    ),
    timestamp: of(
      leaf(column('event_time'), column('device_enrolled_at'), { ...column('event_time'), text: 'payment.event_time' }),
      times(t, 'timestamp', 'timestamp', ['+', '-']),
      chosen(t, 'timestamp'),
      first(t, 'timestamp'),
      extreme(t, 'timestamp'),
    ),
    date: of(
      leaf(column('payer_account_opened_on'), derived.day, literal("date '2026-02-28'", 20_512n)),
      chosen(t, 'date'),
      first(t, 'date'),
    ),
    duration: of(
      leaf(...['1s', '90m', '24h', '3660d'].map((text) => literal(text, BigInt(durationMicros(text, 'test'))))),
      times(t, 'duration', 'timestamp', ['-']),
      times(t, 'duration', 'duration', ['+', '-']),
      chosen(t, 'duration'),
    ),
  };
}).root;

const instant = fc.integer({ min: Date.UTC(2015, 0, 1) * 1000, max: Date.UTC(2032, 0, 1) * 1000 });
const arbitraryOf = { string: fc.constantFrom(...TEXTS), boolean: fc.boolean(), timestamp: instant } as const;

/** Random payments; every column may be missing but the time and the amount. */
const row: fc.Arbitrary<PaymentRow> = fc
  .record(
    Object.fromEntries(
      PAYMENT_COLUMNS.map(({ name, type }) => {
        if (name === 'event_time') return [name, instant as fc.Arbitrary<unknown>];
        if (name === 'amount_centavos') return [name, fc.nat(10_000_000)];
        if (type === 'date') return [name, fc.option(fc.constantFrom(0, 1, 20_000, 20_512))];
        if (type === 'long') return [name, fc.option(fc.constantFrom(0, 1, 3, 12, 2 ** 53 - 1))];
        return [name, fc.option(arbitraryOf[type] as fc.Arbitrary<unknown>)];
      }),
    ),
  )
  .map((columns) => columns as unknown as PaymentRow);

const missing = fc.constantFrom('null', 'not_found', 'truncated', 'too_late', 'overflow', 'unavailable').map(none);
const fraction = fc.oneof(
  fc.constantFrom(0, 1, 3, 2.5, 9007199254740994, 1e300),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
);
const windowed: fc.Arbitrary<Cell> = fc.oneof(
  { weight: 3, arbitrary: fraction.map(some) },
  { weight: 1, arbitrary: fraction.map((value) => ({ value, status: 'not_found' })) },
  { weight: 2, arbitrary: missing },
);

/** A payment and the values of three features of entities; two expressions are computed from the payment. */
export const world: fc.Arbitrary<World> = fc
  .record({ row, wa: windowed, wb: windowed, wc: windowed })
  .map(({ row: payment, ...features }) => ({
    row: payment,
    features: {
      ...features,
      flag: some(payment.device_location_available),
      count: some(bigintOrNull(payment.dict_person_registered_accounts)),
    },
  }));
