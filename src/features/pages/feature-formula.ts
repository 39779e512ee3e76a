import { DEFAULT_MATURITY, type FeatureDefinition } from '../definition/definition.ts';

/** What a definition says, by the names of its members. */
type Said = ReadonlyMap<string, unknown>;

/** Members that a page shows in places of their own. */
const SHOWN_ELSEWHERE = ['name', 'description', 'owner', 'tags', 'personal', 'type', 'default', 'kind'];

/**
 * A feature's value as a formula for people: `t` is the payment's event time, `e` an event that was known when the
 * payment was scored. Members that have no words here are written behind it as they are, so that nothing of a
 * definition is left out.
 */
export function formulaOf(definition: FeatureDefinition): string {
  const said: Said = new Map(Object.entries(definition));
  const [formula, spoken] = formOf(definition.kind, said);
  const silent = new Set([...SHOWN_ELSEWHERE, ...spoken]);
  const rest = [...said]
    .filter(([member]) => !silent.has(member))
    .map(([member, value]) => `${member} ${shown(value)}`);
  return [formula, ...rest].join('; ');
}

/** The formula, and the members that it speaks of. */
function formOf(kind: string, said: Said): [string, readonly string[]] {
  switch (kind) {
    case 'window':
      return [windowForm(said), ['entity', 'aggregate', 'column', 'window', 'offset', 'hop', 'filter', 'current']];
    case 'label':
      return [labelForm(said), ['aggregate', 'state', 'states', 'window', 'offset', 'on', 'denominator', 'maturity']];
    case 'expression':
      return [shown(said.get('expression')), ['expression']];
    default:
      return [kind, []];
  }
}

function windowForm(said: Said): string {
  const filter = said.has('filter') ? `, where ${shown(said.get('filter'))}` : '';
  const own = said.get('current') === 'include' ? 'included' : 'excluded';
  return `${aggregateOf(said)} of ${eventsOf(said)}, ${intervalOf(said, 'e.event_time')}${filter}, this payment ${own}`;
}

function labelForm(said: Said): string {
  const states = [said.get('states') ?? said.get('state')].flat().map(shown).join(' or ');
  const isRate = said.get('aggregate') === 'rate';
  const time = isRate || said.get('on') === 'payment' ? 'e.event_time' : 'the label’s event time';
  const when = said.has('window') ? `, ${intervalOf(said, time)}` : '';
  const among = isRate ? `, among ${denominatorOf(said)}` : '';
  return `${aggregateOf(said)} of { e to the payee whose latest label known by now is ${states} }${when}${among}, this payment excluded`;
}

/** What a rate divides by, its defaults said. */
function denominatorOf(said: Said): string {
  if (said.get('denominator') !== 'matured') return 'all e of that time';
  const maturity = said.has('maturity') ? shown(said.get('maturity')) : DEFAULT_MATURITY;
  return `those with e.event_time ≤ t − ${maturity}`;
}

function aggregateOf(said: Said): string {
  const aggregate = shown(said.get('aggregate'));
  return said.has('column') ? `${aggregate}(${shown(said.get('column'))})` : aggregate;
}

function eventsOf(said: Said): string {
  return `{ e of the same ${shown(said.get('entity'))} }`;
}

/** `(t − offset − window, t − offset]`, its beginning on the hop's grid where there is one. */
function intervalOf(said: Said, time: string): string {
  const offset = said.has('offset') ? ` − ${shown(said.get('offset'))}` : '';
  const window = shown(said.get('window'));
  if (window === 'all') return `${time} ≤ t${offset}`;
  if (!/^\d/.test(window)) return `${time} in the payment’s ${window.replace('_', ' ')} and ≤ t${offset}`;
  const from = `t${offset} − ${window}`;
  const hop = said.has('hop') ? shown(said.get('hop')) : undefined;
  return `${hop === undefined ? from : `⌊(${from}) / ${hop}⌋ · ${hop}`} < ${time} ≤ t${offset}`;
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
