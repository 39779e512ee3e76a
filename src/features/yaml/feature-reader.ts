import { ENTITY_KINDS, type EntityKind } from '../../domain/entity-keys.ts';
import { LABEL_STATES } from '../../domain/label.ts';
import {
  type ExpressionFeature,
  type FeatureDefinition,
  type LabelFeature,
  WINDOW_AGGREGATES,
  type WindowFeature,
} from '../definition/definition.ts';
import { FEATURE_TYPES } from '../definition/feature-type.ts';
import { entityList, entityOfColumns } from './entity-names.ts';
import type { MemberReader } from './member-reader.ts';

/** Kinds of features. */
export const FEATURE_KINDS = ['window', 'label', 'expression'] as const;
/** A kind of feature. */
export type FeatureKind = (typeof FEATURE_KINDS)[number];

const DESCRIBED = ['kind', 'name', 'description', 'owner', 'tags', 'personal', 'type'] as const;

/** The keys of each kind of feature. */
export const FEATURE_KEYS: Readonly<Record<FeatureKind, readonly string[]>> = {
  window: [
    ...DESCRIBED,
    'source',
    'entity',
    'aggregate',
    'column',
    'filter',
    'window',
    'offset',
    'hop',
    'current',
    'unit',
    'n',
    'quantile',
    'half_life',
    'while',
    'most',
    'time_to_live',
    'default',
  ],
  label: [
    ...DESCRIBED,
    'source',
    'aggregate',
    'states',
    'window',
    'offset',
    'on',
    'denominator',
    'maturity',
    'unit',
    'default',
  ],
  expression: [...DESCRIBED, 'expression'],
};

/** Members whose keys have other names in a file. */
export const KEY_OF_MEMBER: Readonly<Record<string, string>> = {
  halfLife: 'half_life',
  timeToLive: 'time_to_live',
  allowedLateness: 'allowed_lateness',
};

/** A feature as a file says it; undefined where a part that it needs is missing or wrong, which is then a fault. */
export function readFeature(kind: FeatureKind, read: MemberReader): FeatureDefinition | undefined {
  read.need('name', 'description');
  switch (kind) {
    case 'window':
      return readWindow(read);
    case 'label':
      return readLabel(read);
    case 'expression':
      return readExpression(read);
  }
}

function readWindow(read: MemberReader): WindowFeature | undefined {
  read.need('entity', 'aggregate', 'window');
  const described = readDescribed(read);
  const entity = readEntity(read);
  const aggregate = read.oneOf('aggregate', WINDOW_AGGREGATES);
  const window = read.window('window');
  const rest = defined({
    source: read.oneOf('source', ['silver.transactions']),
    column: read.column('column'),
    filter: read.expression('filter'),
    offset: read.duration('offset'),
    hop: read.duration('hop'),
    current: read.oneOf('current', ['exclude', 'include']),
    unit: read.duration('unit'),
    n: read.integer('n'),
    quantile: read.fraction('quantile'),
    halfLife: read.duration('half_life'),
    while: read.expression('while'),
    most: read.integer('most'),
    timeToLive: read.duration('time_to_live'),
    default: read.number('default'),
  });
  if (described === undefined || entity === undefined || aggregate === undefined || window === undefined)
    return undefined;
  return { kind: 'window', ...described, entity, aggregate, window, ...rest };
}

function readLabel(read: MemberReader): LabelFeature | undefined {
  read.need('aggregate', 'states');
  const described = readDescribed(read);
  const aggregate = read.oneOf('aggregate', ['count', 'rate', 'time_since_last']);
  const states = read.names('states', LABEL_STATES, 'state');
  const rest = defined({
    source: read.oneOf('source', ['silver.labels']),
    window: read.duration('window'),
    offset: read.duration('offset'),
    on: read.oneOf('on', ['label', 'payment']),
    denominator: read.oneOf('denominator', ['all', 'matured']),
    maturity: read.duration('maturity'),
    unit: read.duration('unit'),
    default: read.number('default'),
  });
  if (described === undefined || aggregate === undefined || states === undefined) return undefined;
  return { kind: 'label', ...described, aggregate, states, ...rest };
}

function readExpression(read: MemberReader): ExpressionFeature | undefined {
  read.need('expression');
  const described = readDescribed(read);
  const expression = read.expression('expression');
  if (described === undefined || expression === undefined) return undefined;
  return { kind: 'expression', ...described, expression };
}

type Described = Pick<ExpressionFeature, 'name' | 'description' | 'owner' | 'tags' | 'personal' | 'type'>;

function readDescribed(read: MemberReader): Described | undefined {
  const name = read.text('name');
  const description = read.text('description')?.trim();
  const rest = defined({
    owner: read.text('owner'),
    tags: read.texts('tags'),
    personal: read.flag('personal'),
    type: read.oneOf('type', FEATURE_TYPES),
  });
  return name === undefined || description === undefined ? undefined : { name, description, ...rest };
}

/** A kind of entity, or the list of columns that name one. */
function readEntity(read: MemberReader): EntityKind | undefined {
  const names = read.texts('entity');
  if (names === undefined) return undefined;
  const kind = names.length === 1 ? ENTITY_KINDS.find((known) => known === names[0]) : undefined;
  const found = kind ?? entityOfColumns(names);
  if (found === undefined) {
    read.fault(read.placeOf('entity'), `there is no entity [${names.join(', ')}]: there are ${entityList()}`);
  }
  return found;
}

/** The members that have a value. */
function defined<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
