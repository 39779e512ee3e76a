import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../../src/base/limits.ts';
import { ENTITY_KINDS } from '../../../src/domain/entity-keys.ts';
import { compileFeatureSet } from '../../../src/features/feature-set.ts';
import { PIX_CORE } from '../../../src/features/pix-core.ts';
import { readDefinitionFile } from '../../../src/features/yaml/definition-file.ts';
import { checkedDefinition } from '../../../src/features/yaml/definition-json.ts';
import { DefinitionFileError } from '../../../src/features/yaml/file-faults.ts';
import { fileMembers, writeDefinitionFile } from '../../../src/features/yaml/write-definition.ts';

const HEAD = `name: mine
description: A set for tests
bound: 64
allowed_lateness: 7d
features:
`;
/** Lines of features begin in line 6. */
const file = (features: string, head = HEAD): string => head + features;
const COUNT = `  - { name: a, description: x, entity: payer, aggregate: count, window: 1d }
`;

/** `line:column problem` of each fault. */
function faultsOf(text: string): string[] {
  try {
    readDefinitionFile(text, 'f.yaml');
  } catch (error) {
    if (error instanceof DefinitionFileError) {
      return error.faults.map(({ line, column, problem }) => `${line}:${column} ${problem}`);
    }
    throw error;
  }
  return [];
}

describe('a set that is written in YAML', () => {
  it('is the set that the same members are in TypeScript, with its hash', () => {
    const text = writeDefinitionFile(PIX_CORE);
    const read = readDefinitionFile(text, 'pix-core.yaml');
    expect(compileFeatureSet(read).hash).toBe(compileFeatureSet(PIX_CORE).hash);
    expect(read).toEqual(PIX_CORE);
  });

  it('says every member of every kind of feature', () => {
    const read = readDefinitionFile(
      file(`  - kind: window
    name: w
    description: >-
      folded
      text
    owner: fraud team
    tags: [velocity, payer]
    personal: true
    entity: [payer_number, payer_ispb, payer_branch]
    aggregate: quantile
    column: amount_centavos
    filter: |
      side = 'PAYER'
    window: 30d
    current: include
    quantile: 0.9
    default: -0.5
  - { name: o, description: x, entity: pair, aggregate: count, window: 1d, offset: 7d }
  - { name: h, description: x, entity: payee, aggregate: decayed_count, window: 7d, hop: 1h, half_life: 12h }
  - { name: s, description: x, entity: payee, aggregate: streak, window: all, while: amount_centavos > 5, most: 9 }
  - { name: l, description: x, entity: payer, aggregate: nth_last, n: 2, column: day, window: all, time_to_live: 9d }
  - { name: t, description: x, entity: payer, aggregate: time_since_last, window: all, unit: 1h }
  - { name: q, description: x, entity: payer, aggregate: quantile, quantile: 2/4, column: day, window: 1d }
  - { name: p, description: x, entity: payer, aggregate: quantile, quantile: [2, 4], column: day, window: 1d }
  - name: r
    description: x
    aggregate: rate
    states: [AGREED, DISAGREED]
    window: 120d
    offset: 7d
    on: payment
    denominator: matured
    maturity: 91d
    default: 0
  - { name: e, description: x, expression: ' w / o ' }
`),
      'f.yaml',
    );
    expect(read.features).toEqual([
      {
        kind: 'window',
        name: 'w',
        description: 'folded text',
        owner: 'fraud team',
        tags: ['velocity', 'payer'],
        personal: true,
        entity: 'payer',
        aggregate: 'quantile',
        column: 'amount_centavos',
        filter: "side = 'PAYER'",
        window: '30d',
        current: 'include',
        quantile: [9, 10],
        default: -0.5,
      },
      { kind: 'window', name: 'o', description: 'x', entity: 'pair', aggregate: 'count', window: '1d', offset: '7d' },
      {
        kind: 'window',
        name: 'h',
        description: 'x',
        entity: 'payee',
        aggregate: 'decayed_count',
        window: '7d',
        hop: '1h',
        halfLife: '12h',
      },
      {
        kind: 'window',
        name: 's',
        description: 'x',
        entity: 'payee',
        aggregate: 'streak',
        window: 'all',
        while: 'amount_centavos > 5',
        most: 9,
      },
      {
        kind: 'window',
        name: 'l',
        description: 'x',
        entity: 'payer',
        aggregate: 'nth_last',
        n: 2,
        column: 'day',
        window: 'all',
        timeToLive: '9d',
      },
      {
        kind: 'window',
        name: 't',
        description: 'x',
        entity: 'payer',
        aggregate: 'time_since_last',
        window: 'all',
        unit: '1h',
      },
      ...['q', 'p'].map((name) => ({
        kind: 'window',
        name,
        description: 'x',
        entity: 'payer',
        aggregate: 'quantile',
        quantile: [2, 4],
        column: 'day',
        window: '1d',
      })),
      {
        kind: 'label',
        name: 'r',
        description: 'x',
        aggregate: 'rate',
        states: ['AGREED', 'DISAGREED'],
        window: '120d',
        offset: '7d',
        on: 'payment',
        denominator: 'matured',
        maturity: '91d',
        default: 0,
      },
      { kind: 'expression', name: 'e', description: 'x', expression: 'w / o' },
    ]);
  });

  it.each([...ENTITY_KINDS])('names the entity %s by its kind, or by its columns in whatever order', (kind) => {
    const entityOf = (entity: string): unknown =>
      readDefinitionFile(file(COUNT.replace('payer', entity)), 'f.yaml').features[0];
    expect(entityOf(kind)).toMatchObject({ entity: kind });
    const [, columns = ''] =
      new RegExp(`(?:are|,) ${kind} \\[(.*?)\\]`).exec(faultsOf(file(COUNT.replace('payer', 'x')))[0] ?? '') ?? [];
    expect(entityOf(`[${columns.split(', ').reverse().join(', ')}]`)).toMatchObject({ entity: kind });
  });

  it('may share parts by anchors, and keep them under a key of its own', () => {
    const read = readDefinitionFile(
      `x-parts:
  day: &day { entity: payer, window: 1d, description: shared }
  number: &amount { column: amount_centavos, description: never seen }
${HEAD}  - { <<: *day, name: a, aggregate: count }
  - { name: b, <<: [*day, *amount], aggregate: sum, window: 2d }
  - &c { <<: *day, name: c, aggregate: mean, column: amount_centavos }
  - { <<: *c, name: d, aggregate: max }
`,
      'f.yaml',
    );
    expect(read.features.map(({ name, description }) => [name, description])).toEqual([
      ['a', 'shared'],
      ['b', 'shared'],
      ['c', 'shared'],
      ['d', 'shared'],
    ]);
    expect(read.features[1]).toMatchObject({ window: '2d', column: 'amount_centavos', aggregate: 'sum' });
    expect(read.features[3]).toMatchObject({ aggregate: 'max', column: 'amount_centavos' });
  });
});

describe('a set that is taken', () => {
  const shared = (features: number, texts: number): string => {
    const list = Array.from({ length: texts }, (_, at) => `'${String(10_000_000 + at)}'`).join(', ');
    const base = `x-base: &base { entity: payer, aggregate: count, window: 1d, description: x, filter: "payee_ispb in (${list})" }\n`;
    const lines = Array.from({ length: features }, (_, at) => `  - { <<: *base, name: f${at} }\n`);
    return `${base}${HEAD}${lines.join('')}`;
  };

  it('can be read again as it is kept, with its aliases written out', () => {
    const definition = readDefinitionFile(shared(80, 1000), 'f.yaml');
    expect(checkedDefinition(JSON.parse(JSON.stringify(definition)), 'mine@1')).toEqual(definition);
  });

  it('is refused where it could not, with what to do', () => {
    const text = shared(100, 1000);
    expect(text.length).toBeLessThan(20_000);
    expect(() => readDefinitionFile(text, 'f.yaml')).toThrow(
      /^f\.yaml: with its aliases and << written out the set has 12\d{5} bytes; 1048576 is the limit: shorten /,
    );
  });

  it('is measured alike on both ways, to the byte', () => {
    const one = shared(91, 900);
    const { length } = JSON.stringify(fileMembers(readDefinitionFile(one, 'f.yaml')));
    const filled = (bytes: number): string => one.replace('A set for tests', 'A set for tests'.padEnd(15 + bytes, '.'));
    const most = readDefinitionFile(filled(LIMITS.definitionFileBytes - length), 'f.yaml');
    expect(checkedDefinition(most, 'mine@1')).toBe(most);
    expect(() => readDefinitionFile(filled(LIMITS.definitionFileBytes - length + 1), 'f.yaml')).toThrow(
      /1048577 bytes/,
    );
  });
});

describe('a set with a fault', () => {
  const line6 = (members: string): string[] => faultsOf(file(`  - { name: a, description: x, ${members} }\n`));

  it.each([
    [
      'entity: payer, aggregate: count, windw: 1d',
      '6:65 ' + "feature 'a': there is no key 'windw' here, did you mean window?",
    ],
    [
      'entity: payer, aggregate: cuont, window: 1d',
      "6:58 feature 'a': there is no aggregate 'cuont', did you mean count?",
    ],
    [
      'entity: payer, aggregate: sum, column: amount_centavo, window: 1d',
      "6:71 feature 'a': there is no column 'amount_centavo', did you mean amount_centavos?",
    ],
    [
      'entity: payer, aggregate: sum, column: payer_ispb, window: 1d',
      "6:71 feature 'a': column 'payer_ispb' is a string, and sum takes long, boolean, timestamp, date",
    ],
    [
      'entity: payer, aggregate: count, window: 1.5',
      "6:73 feature 'a': window must be a whole number and s, m, h or d, such as 10m or 30d, or all, civil_day, civil_month, not 1.5",
    ],
    ['entity: payer, aggregate: count, window: 1.5d', /^6:73 feature 'a': window must be .*, not '1\.5d'$/],
    ['entity: payer, aggregate: count, window: civil_dy', /did you mean civil_day\?$/],
    ['entity: payer, aggregate: count, window: 401d', "6:73 feature 'a': a window reaches back 400d at most"],
    [
      'entity: payer, aggregate: count, window: 399d, offset: 2d',
      "6:73 feature 'a': a window reaches back 400d at most",
    ],
    [
      'entity: payer, aggregate: nth_last, n: 1.5, column: day, window: 1d',
      "6:71 feature 'a': n must be a whole number, not 1.5",
    ],
    [
      'entity: payer, aggregate: nth_last, n: 0, column: day, window: 1d',
      "6:71 feature 'a': n must be a whole number from 1 to 4096",
    ],
    [
      'entity: payer, aggregate: nth_last, n: 65, column: day, window: 1d',
      "6:71 feature 'a': n is 65, and with a bound of 64 there are 64 at most",
    ],
    [
      'aggregate: rate, states: AGREED, window: 30d, offset: 61d, denominator: matured',
      /^6:\d+ feature 'a': no payment of its window is 91d old: it must reach back further than the maturity$/,
    ],
    [
      'aggregate: rate, states: AGREED, window: 30d, maturity: 5d',
      /^6:\d+ feature 'a': a maturity is of the denominator 'matured'$/,
    ],
    ['entity: payer, aggregate: sum, window: 1d', "6:58 feature 'a': sum needs a column"],
    [
      'entity: payer, aggregate: decayed_count, window: 1d, hop: 1h',
      "6:58 feature 'a': decayed_count needs 'half_life'",
    ],
    ['entity: payer, aggregate: count, window: 1d, half_life: 1h', "6:88 feature 'a': count takes no 'half_life'"],
    ['entity: payer, aggregate: count', "6:5 feature 'a': window is missing"],
    [
      'entity: payer, aggregate: count, window:',
      "6:73 feature 'a': window must be a whole number and s, m, h or d, such as 10m or 30d, or all, civil_day, civil_month, and nothing is written",
    ],
    [
      'entity: payr, aggregate: count, window: 1d',
      /^6:40 feature 'a': there is no entity \[payr\]: there are payer \[/,
    ],
    ['entity: [payer_ispb], aggregate: count, window: 1d', /^6:40 feature 'a': there is no entity \[payer_ispb\]: /],
    ['aggregate: count, states: [AGRED]', "6:59 feature 'a': there is no state 'AGRED', did you mean AGREED?"],
    ['aggregate: count, states: []', "6:58 feature 'a': at least one state must count"],
    ['aggregate: count, states: [AGREED], window: 401d', "6:76 feature 'a': a window reaches back 400d at most"],
    [
      'aggregate: rate, states: [AGREED], window: 30d, offset: 371d',
      "6:75 feature 'a': a window reaches back 400d at most",
    ],
    ['aggregate: count, states: [AGREED], unit: 1d', "6:74 feature 'a': count takes no unit"],
    ['kind: windw, aggregate: count', /there is no kind 'windw', did you mean window\?/],
    [
      'entity: payer, aggregate: quantile, quantile: 0.12345, column: day, window: 1d',
      /^6:78 feature 'a': a quantile is a numerator/,
    ],
    [
      'entity: payer, aggregate: quantile, quantile: half, column: day, window: 1d',
      "6:78 feature 'a': quantile must be a fraction of whole numbers, such as 1/2, 0.9 or [9, 10]",
    ],
    ['entity: payer, aggregate: count, window: 1d, default: .inf', /default must be a number, not \.inf/],
    ['entity: payer, aggregate: count, window: 1d, personal: maybe', /personal must be true or false, not 'maybe'/],
    [
      'entity: payer, aggregate: count, window: 1d, filter: "side = \'X\' and amont > 1"',
      "6:101 feature 'a': there is no column amont at character 16 of filter",
    ],
    [
      'expression: amount_centavos +',
      "6:61 feature 'a': expected a value, a name or (, but the expression ends at character 18 of expression",
    ],
    ['expression: a_b * 2', "6:44 feature 'a': there is no feature or column a_b at character 1 of expression"],
  ])('%s', (members, expected) => {
    const faults = line6(members);
    expect(faults).toHaveLength(1);
    if (typeof expected === 'string') expect(faults).toEqual([expected]);
    else expect(faults[0]).toMatch(expected);
  });

  it.each([
    ['bound: 25.5', '3:8 set: bound must be a whole number, or none, not 25.5'],
    ['bound: 5000', '3:8 set: bound must be a whole number from 1 to 4096, or none'],
    ['bound: nine', "3:8 set: bound must be a whole number, or none, not 'nine'"],
    ['bond: 25', "3:1 set: there is no key 'bond' here, did you mean bound?"],
  ])('in its head: %s', (line, expected) => {
    expect(faultsOf(file(COUNT, HEAD.replace('bound: 64', line)))).toEqual([expected]);
  });

  it('tells all of them, each once and in the order of the file', () => {
    const features = `${COUNT}${COUNT}  - { name: split, description: x, expression: a + 1 }
  - { name: b, description: x, expression: c + 1 }
  - { name: c, description: x, expression: b + 1 }
  - { name: d, description: x, expression: nothing + 1 }
  - { name: e, description: x, expression: d + nothing }
  - { name: Upper, description: x, entity: payer, aggregate: count, window: 1d, hop: 2d }
  - 5
`;
    expect(faultsOf(file(features, HEAD.replace('7d', 'soon')))).toEqual([
      "4:19 set: allowed_lateness must be a whole number and s, m, h or d, such as 10m or 30d, not 'soon'",
      "7:13 feature 'a': there is a feature of this name in line 6 already",
      "8:13 feature 'split': a training set has a column of this name: choose another",
      "10:44 feature 'c': it needs itself: b → c → b at character 1 of expression",
      "11:44 feature 'd': there is no feature or column nothing at character 1 of expression",
      "12:48 feature 'e': there is no feature or column nothing at character 5 of expression",
      "13:13 feature 'Upper': a feature is named in snake_case, 63 characters at most",
      "13:86 feature 'Upper': the hop is longer than the window",
      '14:5 feature 9 must be keys with values',
    ]);
  });

  it('may have hops that are too short, alone or together, for the time that an entity keeps', () => {
    const hopped = (name: string, window: string, hop: string): string =>
      `  - { name: ${name}, description: x, entity: payer, aggregate: count, window: ${window}, hop: ${hop} }\n`;
    expect(faultsOf(file(hopped('a', '4d', '1m')))).toEqual([]);
    expect(faultsOf(file(hopped('a', '5d', '1m')))).toEqual([
      "6:82 feature 'a': the hops of payer windows have 60 s in common, and in the 12 days that an entity keeps there are " +
        'over 16384 of that: take longer hops, or such as divide each other',
    ]);
    const [fault] = faultsOf(file(hopped('a', '60d', '61m') + hopped('b', '60d', '1h')));
    expect(fault).toMatch(/^7:83 feature 'b': the hops of payer windows have 60 s in common, and in the 67 days/);
    expect(faultsOf(file(hopped('a', '60d', '2h') + hopped('b', '400d', '1h')))).toEqual([]);
  });

  it('says nothing of expressions that are right, whatever else is wrong with what they need', () => {
    const features = `  - { name: a, description: x, expression: amount_centavos > 5, ownr: z }
  - { name: b, description: x, expression: not a }
  - { name: c, description: x, kind: nothing, expression: amount_centavos > 5 }
  - { name: d, description: x, expression: c or b }
  - { name: e, description: x, entity: payer, aggregate: count, window: soon }
  - { name: f, description: x, expression: not e }
`;
    expect(faultsOf(file(features))).toEqual([
      "6:65 feature 'a': there is no key 'ownr' here, did you mean owner?",
      expect.stringMatching(/^8:38 feature 'c': there is no kind 'nothing'/),
      expect.stringMatching(/^10:73 feature 'e': window must be/),
      "11:48 feature 'f': not takes a boolean, and this is a number at character 5 of expression",
    ]);
  });

  it('prints twenty of more, then how many there are beside', () => {
    const features = Array.from({ length: 30 }, (_, at) => COUNT.replace('name: a', `name: a${at}`).replace('1d', 'x'));
    const read = (): unknown => readDefinitionFile(file(features.join('')), 'f.yaml');
    expect(read).toThrow(
      /^f\.yaml has 30 faults, so nothing of it is taken:\n(f\.yaml:\d+:7[45]: .*\n){20}f\.yaml: and 10 more$/,
    );
  });

  it('in its YAML is told with its place as well', () => {
    expect(faultsOf('name: a\nname: b\n')).toEqual(['2:1 Map keys must be unique']);
    expect(faultsOf(file('  - *nowhere\n'))).toContain('6:5 there is no anchor &nowhere before this');
    expect(faultsOf('')).toEqual(['1:1 a feature set must be keys with values']);
    expect(faultsOf(file('  - &a { <<: *a, name: a }\n'))[0]).toMatch(/<< takes the mapping that it is in/);
    const keys = (texts: readonly string[]): string => HEAD.replace('features:', `${texts.join('\n')}\nfeatures:`);
    const chain = Array.from({ length: 10 }, (_, at) => `x-m${at}: &m${at} {${at === 0 ? '' : ` <<: *m${at - 1} `}}`);
    expect(faultsOf(file('  - { <<: *m9, name: a }\n', keys(chain)))[0]).toMatch(/<< within << more than 8 times/);
    // There are 8^7 ways to the first of these.
    const eight = (at: number): string => Array.from({ length: 8 }, () => `*w${at}`).join(', ');
    const ways = Array.from(
      { length: 7 },
      (_, at) => `x-w${at}: &w${at} {${at === 0 ? ' window: 2d ' : ` <<: [${eight(at - 1)}] `}}`,
    );
    const merged = COUNT.replace('window: 1d', `<<: [${eight(6)}]`);
    expect(readDefinitionFile(file(merged, keys(ways)), 'f').features).toMatchObject([{ window: '2d' }]);
    expect(() => readDefinitionFile(`#${'x'.repeat(2 ** 20)}`, 'f.yaml')).toThrow(/f\.yaml has 1048577 bytes/);
  });

  it('in an expression stands where it stands in the file, however that is folded', () => {
    const words = fc.array(fc.constantFrom('+ 1', '* amount_centavos', "+ code(side, 'A', 1)", '- 2.5'), {
      maxLength: 6,
    });
    const gaps = fc.array(fc.constantFrom(' ', '  ', '\n      ', '\n\n      '), { minLength: 8, maxLength: 8 });
    const styles = fc.constantFrom('plain', 'literal', 'folded', 'single', 'double');
    fc.assert(
      fc.property(words, words, gaps, styles, (before, after, gap, style) => {
        const parts = ['1', ...before, '+ unknown_name', ...after];
        const text = parts.map((part, at) => `${at === 0 ? '' : (gap[at % 8] ?? ' ')}${part}`).join('');
        const quoted = text.replaceAll("'", "''");
        const written = {
          plain: text,
          literal: `|\n      ${text}`,
          folded: `>-\n      ${text}`,
          single: `'${quoted}'`,
          double: `"${text}"`,
        }[style];
        const source = file(`  - name: a\n    description: x\n    expression: ${written}\n`);
        const [fault = ''] = faultsOf(source);
        const [, line, column] = /^(\d+):(\d+) .*no feature or column unknown_name/.exec(fault) ?? [];
        expect(source.split('\n')[Number(line) - 1]?.slice(Number(column) - 1)).toMatch(/^unknown_name/);
      }),
    );
  });

  it('is told as a fault of the file, whatever is written', () => {
    const whole = writeDefinitionFile({ ...PIX_CORE, features: PIX_CORE.features.slice(0, 70) });
    fc.assert(
      fc.property(
        fc.nat(whole.length),
        fc.nat(12),
        fc.constantFrom(
          '',
          '\n',
          ':',
          '- ',
          '*',
          '&a ',
          '{',
          '[',
          '"',
          "'",
          '<<: ',
          '~',
          '0.5',
          '|',
          '#',
          '\t',
          '!!x ',
        ),
        (at, cut, put) => {
          const text = whole.slice(0, at) + put + whole.slice(at + cut);
          try {
            compileFeatureSet(readDefinitionFile(text, 'f.yaml'));
          } catch (error) {
            expect(error).toBeInstanceOf(DefinitionFileError);
          }
        },
      ),
    );
  });
});
