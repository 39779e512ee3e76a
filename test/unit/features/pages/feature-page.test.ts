import { describe, expect, it } from 'vitest';
import type { FeatureDefinition } from '../../../../src/features/definition/definition.ts';
import { compileFeatureSet } from '../../../../src/features/feature-set.ts';
import { formulaOf } from '../../../../src/features/pages/feature-formula.ts';
import { type FeatureSpread, featurePage, type PageFacts } from '../../../../src/features/pages/feature-page.ts';
import { pageHtml } from '../../../../src/features/pages/page-html.ts';
import { pageMarkdown } from '../../../../src/features/pages/page-markdown.ts';
import { PIX_CORE } from '../../../../src/features/pix-core.ts';

const NO_FACTS: PageFacts = { uses: new Map(), spreads: new Map(), spreadOf: null };
const set = compileFeatureSet(PIX_CORE);

describe('formulas of features', () => {
  const base = { name: 'f', description: '-' };
  const window = { ...base, kind: 'window', entity: 'payer', aggregate: 'sum', column: 'amount_centavos' } as const;
  it.each<[string, FeatureDefinition]>([
    [
      'sum(amount_centavos) of { e of the same payer }, t − 24h < e.event_time ≤ t, this payment excluded',
      { ...window, window: '24h', default: 0 },
    ],
    [
      'sum(amount_centavos) of { e of the same payer }, ⌊(t − 7d) / 1d⌋ · 1d < e.event_time ≤ t, this payment excluded',
      { ...window, window: '7d', hop: '1d' },
    ],
    [
      'time_since_last of { e of the same pair }, e.event_time ≤ t, this payment excluded; unit "1d"',
      { ...base, kind: 'window', window: 'all', entity: 'pair', aggregate: 'time_since_last', unit: '1d' },
    ],
    [
      'count of { e to the payee whose latest label known by now is AGREED or CONTESTED }, t − 30d < the label’s event time ≤ t, this payment excluded',
      { ...base, kind: 'label', aggregate: 'count', states: ['AGREED', 'CONTESTED'], window: '30d' },
    ],
    [
      'rate of { e to the payee whose latest label known by now is AGREED }, t − 7d − 30d < e.event_time ≤ t − 7d, among all e of that time, this payment excluded',
      { ...base, kind: 'label', aggregate: 'rate', states: ['AGREED'], window: '30d', offset: '7d' },
    ],
    [
      'rate of { e to the payee whose latest label known by now is AGREED }, t − 120d < e.event_time ≤ t, among those with e.event_time ≤ t − 91d, this payment excluded',
      { ...base, kind: 'label', aggregate: 'rate', states: ['AGREED'], window: '120d', denominator: 'matured' },
    ],
    ['amount / payer_mean_30d', { ...base, kind: 'expression', expression: 'amount / payer_mean_30d' }],
  ])('%s', (formula, definition) => {
    expect(formulaOf(definition).replaceAll('"', '')).toBe(formula.replaceAll('"', ''));
  });

  it('leave nothing out of a definition that they have no words for', () => {
    const strange = { ...window, window: '1h', offset: '7d', filter: 'amount > 5', current: 'include', n: 2 };
    expect(formulaOf(strange as unknown as FeatureDefinition)).toBe(
      'sum(amount_centavos) of { e of the same payer }, t − 7d − 1h < e.event_time ≤ t − 7d, where amount > 5, this payment included; n 2',
    );
  });
});

describe('a feature set’s page', () => {
  it('has an anchor a feature, in either markup, and is the same each time', () => {
    const page = featurePage(set, NO_FACTS);
    const markdown = pageMarkdown(page);
    const html = pageHtml(page);
    const anchors = [...markdown.matchAll(/<a id="([^"]+)">/g)].map(([, name]) => name);
    expect(anchors).toEqual(set.names);
    expect([...html.matchAll(/<h2 id="([^"]+)">/g)].map(([, name]) => name)).toEqual(set.names);
    for (const name of set.names) expect(html).toContain(`<a href="#${name}">`);
    expect(pageMarkdown(featurePage(compileFeatureSet(PIX_CORE), NO_FACTS))).toBe(markdown);
  });

  it('tells who reads a feature: expressions of the set, and whoever else is known', () => {
    const uses = new Map([['payer_mean_30d', ['model m@1 (champion)']]]);
    const lines = featurePage(set, { ...NO_FACTS, uses }).features.find(({ name }) => name === 'payer_mean_30d')?.lines;
    const text = lines?.find(({ label }) => label === 'Used by')?.text;
    expect(text).toContain('amount_to_payer_mean_30d');
    expect(text).toContain('model m@1 (champion)');
  });

  it.each<[string, Pick<FeatureSpread, 'edges' | 'counts' | 'absent'>]>([
    ['80 % < 1; 20 % ≥ 1', { edges: [1], counts: [80, 20], absent: {} }],
    ['100 % in one bin; 50 % not_found', { edges: [], counts: [5], absent: { not_found: 5 } }],
    ['80 % ≥ 0 and < 1; 20 % ≥ 1 and < 1.25', { edges: [0, 1, 1.25], counts: [0, 80, 20, 0], absent: {} }],
    ['100 % null', { edges: [], counts: [], absent: { null: 7 } }],
    [
      '10 % < 1; 30 % < 3; 50 % < 5; 80 % < 8',
      { edges: [1, 2, 3, 4, 5, 6, 7, 8, 9], counts: Array.from({ length: 10 }, () => 10), absent: {} },
    ],
  ])('tells how values are spread: %s', (text, spread) => {
    const spreads = new Map([['amount', { feature: 'amount', ...spread }]]);
    const page = featurePage(set, { ...NO_FACTS, spreads, spreadOf: '9 rows' });
    const lines = page.features.find(({ name }) => name === 'amount')?.lines;
    expect(lines?.find(({ label }) => label === 'Distribution')?.text).toBe(text);
    expect(page.lines).toContain('Distributions are of 9 rows.');
  });

  it('has the SQL of a window, or says why it is not written', () => {
    const { features } = featurePage(set, NO_FACTS);
    expect(features.find(({ name }) => name === 'payer_count_24h')?.sql).toContain('count(e.t) AS "payer_count_24h"');
    for (const { kind, sql, lines } of features) {
      const why = lines.find(({ label }) => label === 'SQL')?.text;
      expect(sql !== null || why !== undefined).toBe(kind === 'window');
    }
  });

  it('writes texts as texts', () => {
    const page = {
      title: 'x',
      description: 'a <b> & *c* | d',
      lines: [],
      features: [{ name: 'f', meaning: '<i> | "q"', kind: 'window', formula: 'a < b', sql: 'c <= d', lines: [] }],
    };
    expect(pageMarkdown(page)).toContain('a &lt;b\\> &amp; \\*c\\* | d');
    expect(pageMarkdown(page)).toContain('| window | &lt;i\\> \\| "q" |');
    expect(pageHtml(page)).toContain('<p>a &lt;b&gt; &amp; *c* | d</p>');
    expect(pageHtml(page)).toContain('<pre>a &lt; b</pre>');
    expect(pageHtml(page)).toContain('<details><summary>SQL</summary><pre>c &lt;= d</pre></details>');
    expect(pageMarkdown(page)).toContain('<details><summary>SQL</summary>\n\n```sql\nc <= d\n```\n\n</details>');
  });
});
