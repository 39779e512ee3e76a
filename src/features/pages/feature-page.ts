import type { FeatureDefinition } from '../definition/definition.ts';
import { outputsOf } from '../expression/typed-expression.ts';
import type { FeatureSet } from '../feature-set.ts';
import { RELATIONS_MEANING } from '../sql/relations-sql.ts';
import { windowSql } from '../sql/window-sql.ts';
import { formulaOf } from './feature-formula.ts';

/** How a feature's values are spread in some rows. */
export interface FeatureSpread {
  readonly feature: string;
  /** Bin i holds values v with `edges[i − 1] ≤ v < edges[i]`; the first has no lower edge, the last no upper one. */
  readonly edges: readonly number[];
  readonly counts: readonly number[];
  /** Rows without a value, by why. */
  readonly absent: Readonly<Record<string, number>>;
}

/** What is known of a set beside its definition. */
export interface PageFacts {
  /** Who reads a feature, by its name: models, reasons. */
  readonly uses: ReadonlyMap<string, readonly string[]>;
  readonly spreads: ReadonlyMap<string, FeatureSpread>;
  /** Which rows the spreads are of; null where there are none. */
  readonly spreadOf: string | null;
}

/** A feature on a page: what is said of it, in the order in which it is shown. */
export interface PageFeature {
  readonly name: string;
  readonly meaning: string;
  readonly kind: string;
  readonly formula: string;
  /** The formula as SQL; null where it is not written so. */
  readonly sql: string | null;
  readonly lines: readonly { readonly label: string; readonly text: string }[];
}

/** A set's page, not yet in any markup. */
export interface FeaturePage {
  readonly title: string;
  readonly description: string;
  readonly lines: readonly string[];
  readonly features: readonly PageFeature[];
}

/** What a page says of a set: the same definition and facts give the same page. */
export function featurePage(set: FeatureSet, facts: PageFacts): FeaturePage {
  const { definition } = set;
  const inputs = inputsOf(set);
  const readers = readersOf(inputs);
  return {
    title: `${set.name}@${set.version}`,
    description: definition.description,
    lines: [
      `${set.names.length} features. SHA-256 of the definition: ${set.hash}.`,
      `An entity keeps ${definition.bound === 'none' ? 'all events that a window can reach' : `${definition.bound} events`}; windows are exact for payments up to ${definition.allowedLateness} behind the entity's newest.`,
      RELATIONS_MEANING,
      ...(facts.spreadOf === null ? [] : [`Distributions are of ${facts.spreadOf}.`]),
    ],
    features: definition.features.map((feature) => pageFeature(feature, set, facts, inputs, readers)),
  };
}

type Names = ReadonlyMap<string, readonly string[]>;

function pageFeature(
  feature: FeatureDefinition,
  set: FeatureSet,
  facts: PageFacts,
  inputs: Names,
  readers: Names,
): PageFeature {
  const { name } = feature;
  const owner = memberOf(feature, 'owner');
  const tags = [memberOf(feature, 'tags') ?? []].flat();
  const spread = facts.spreads.get(name);
  const uses = [...(readers.get(name) ?? []), ...(facts.uses.get(name) ?? [])];
  const fallback = set.defaults[set.indexOf(name)] ?? Number.NaN;
  const written = windowSql(feature);
  return {
    name,
    meaning: feature.description,
    kind: feature.kind,
    formula: formulaOf(feature),
    sql: written.kind === 'sql' ? written.sql : null,
    lines: [
      { label: 'Owner', text: owner === undefined ? 'nobody is named' : String(owner) },
      { label: 'Type', text: set.types[set.indexOf(name)] ?? 'double' },
      ...(tags.length === 0 ? [] : [{ label: 'Tags', text: tags.join(', ') }]),
      ...(memberOf(feature, 'personal') === true
        ? [{ label: 'Personal data', text: 'its value tells of a person' }]
        : []),
      ...(feature.kind === 'expression'
        ? []
        : [{ label: 'Entity never seen', text: Number.isNaN(fallback) ? 'absent' : String(fallback) }]),
      { label: 'Freshness', text: freshnessOf(feature, set, inputs.get(name) ?? []) },
      { label: 'Distribution', text: spread === undefined ? 'not counted' : spreadText(spread) },
      ...(feature.kind === 'window' && written.kind === 'unwritten'
        ? [{ label: 'SQL', text: `not written: ${written.why}` }]
        : []),
      { label: 'Used by', text: uses.length === 0 ? 'nothing that is known here' : uses.join(', ') },
    ],
  };
}

/** Members that only some definitions have. */
function memberOf(feature: FeatureDefinition, member: string): unknown {
  return new Map<string, unknown>(Object.entries(feature)).get(member);
}

function freshnessOf({ kind }: FeatureDefinition, { definition }: FeatureSet, inputs: readonly string[]): string {
  if (kind === 'label') return 'a label counts from the moment at which it is recorded';
  if (kind === 'expression') {
    return inputs.length === 0 ? 'of the payment itself: nothing in it can be old' : `as ${inputs.join(', ')}`;
  }
  return `every payment counts from the next one on; a late one too, up to ${definition.allowedLateness}`;
}

/** The features that an expression reads. */
function inputsOf(set: FeatureSet): Names {
  return new Map(
    set.expressions.map(({ expression, output }) => [
      set.names[output] ?? '',
      [...new Set(outputsOf(expression).map((input) => set.names[input] ?? ''))],
    ]),
  );
}

function readersOf(inputs: Names): Names {
  const readers = new Map<string, string[]>();
  for (const [reader, names] of inputs) {
    for (const name of names) readers.set(name, [...(readers.get(name) ?? []), reader]);
  }
  return readers;
}

/** A few bins are told one by one; of many, below which edges shares of the values lie. */
const FEW_BINS = 6;
const SHARES = [0.05, 0.25, 0.5, 0.75, 0.95] as const;

function spreadText({ edges, counts, absent }: FeatureSpread): string {
  const present = counts.reduce((sum, count) => sum + count, 0);
  const missing = Object.entries(absent);
  const rows = present + missing.reduce((sum, [, count]) => sum + count, 0);
  const used = counts.filter((count) => count > 0).length;
  const parts = used <= FEW_BINS ? binTexts(edges, counts, present) : shareTexts(edges, counts, present);
  const without = missing.map(([status, count]) => `${percent(count, rows)} ${status}`);
  return [...parts, ...without].join('; ') || 'no row';
}

function binTexts(edges: readonly number[], counts: readonly number[], present: number): string[] {
  return counts.flatMap((count, bin) => {
    // Nothing is in the outer bins of a histogram that is closed at its ends.
    if (count === 0) return [];
    const from = edges[bin - 1];
    const to = edges[bin];
    const range = [from === undefined ? '' : `≥ ${short(from)}`, to === undefined ? '' : `< ${short(to)}`];
    return `${percent(count, present)} ${range.filter(Boolean).join(' and ') || 'in one bin'}`;
  });
}

function shareTexts(edges: readonly number[], counts: readonly number[], present: number): string[] {
  const texts: string[] = [];
  let below = 0;
  let next = 0;
  for (const [bin, edge] of edges.entries()) {
    below += counts[bin] ?? 0;
    if (below < (SHARES[next] ?? 1) * present) continue;
    texts.push(`${percent(below, present)} < ${short(edge)}`);
    while (below >= (SHARES[next] ?? 2) * present) next += 1;
  }
  return texts;
}

function percent(part: number, whole: number): string {
  const share = (100 * part) / whole;
  // A whole number only where it is one: 99.7 % is not all.
  return `${Number(share >= 1 ? share.toFixed(1) : share.toPrecision(2))} %`;
}

function short(value: number): string {
  return String(Number(value.toPrecision(4)));
}
