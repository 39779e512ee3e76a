import { civilZone } from '../base/civil-time.ts';
import { daysOfCivil } from '../domain/instant.ts';

/** A text to microseconds since 1970; undefined where it is no time of the format. */
export type TimeReader = (text: string) => number | undefined;

const EPOCHS: Readonly<Record<string, number>> = { epoch_s: 1_000_000, epoch_ms: 1000, epoch_us: 1 };
const TOKENS = /YYYY|MM|DD|HH|mm|ss|SSSSSS|SSS/g;
const ISO = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?)?\s?(Z|[+-]\d{2}:?\d{2})?$/;

/** Names of time formats, and what patterns are made of: for messages. */
export const TIME_FORMATS = 'iso, epoch_s, epoch_ms, epoch_us or a pattern of YYYY MM DD HH mm ss SSS SSSSSS';

/**
 * A reader of times. A text that names its own offset keeps it; others are in `zone`.
 *
 * @returns undefined where the format is none.
 * @throws RangeError where the zone is none.
 */
export function timeReader(format: string, zone: string): TimeReader | undefined {
  const scale = EPOCHS[format];
  if (scale !== undefined) {
    return (text) =>
      /^-?\d{1,16}$/.test(text) && Math.abs(Number(text) * scale) < 2 ** 53 ? Number(text) * scale : undefined;
  }
  const toUtc = zoneReader(zone);
  if (format !== 'iso') return patternReader(format, toUtc);
  return isoReader((local, offset) => (offset === undefined ? toUtc(local) : local - offsetMicros(offset)));
}

/** A text to days since 1970; undefined where it is no time of the format. */
export type DayReader = (text: string) => number | undefined;

/**
 * A reader of days: the one that a text writes, whatever its offset; of an epoch's seconds the day in UTC.
 *
 * @returns undefined where the format is none.
 */
export function dayReader(format: string): DayReader | undefined {
  const read = format === 'iso' ? isoReader((local) => local) : timeReader(format, 'UTC');
  if (read === undefined) return undefined;
  return (text) => {
    const micros = read(text);
    return micros === undefined ? undefined : Math.floor(micros / 86_400_000_000);
  };
}

function isoReader(micros: (local: number, offset: string | undefined) => number): TimeReader {
  return (text) => {
    const match = ISO.exec(text);
    if (match === null) return undefined;
    const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', offset] = match;
    const local = microsOf([year, month, day, hour, minute, second], fraction);
    return local === undefined ? undefined : micros(local, offset);
  };
}

function patternReader(format: string, toUtc: (local: number) => number): TimeReader | undefined {
  const names: readonly string[] = format.match(TOKENS) ?? [];
  if (!['YYYY', 'MM', 'DD'].every((name) => names.filter((one) => one === name).length === 1)) return undefined;
  if (new Set(names).size !== names.length) return undefined;
  const literal = format.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const pattern = new RegExp(`^${literal.replace(TOKENS, (token) => `(\\d{${token.length}})`)}$`);
  return (text) => {
    const match = pattern.exec(text);
    if (match === null) return undefined;
    const part = (name: string): string => match[names.indexOf(name) + 1] ?? '0';
    const fraction = names.includes('SSS') ? part('SSS') : names.includes('SSSSSS') ? part('SSSSSS') : '';
    const local = microsOf(
      ['YYYY', 'MM', 'DD', 'HH', 'mm', 'ss'].map((name) => (names.includes(name) ? part(name) : '0')),
      fraction,
    );
    return local === undefined ? undefined : toUtc(local);
  };
}

function microsOf(parts: readonly (string | undefined)[], fraction: string): number | undefined {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.map(Number);
  const days = daysOfCivil(year, month, day);
  if (days === undefined || hour > 23 || minute > 59 || second > 59) return undefined;
  return (days * 86_400 + hour * 3600 + minute * 60 + second) * 1_000_000 + Number(fraction.padEnd(6, '0'));
}

function offsetMicros(offset: string): number {
  if (offset === 'Z') return 0;
  const digits = offset.replace(':', '');
  const minutes = Number(digits.slice(1, 3)) * 60 + Number(digits.slice(3, 5));
  return (offset.startsWith('-') ? -minutes : minutes) * 60_000_000;
}

/** Local time to UTC. An hour that comes twice is its first; one that never was is moved on. */
function zoneReader(zone: string): (local: number) => number {
  if (zone === 'UTC' || zone === 'Z') return (local) => local;
  const of = civilZone(zone);
  return (local) => {
    const before = local - of.offsetSeconds(local - 86_400_000_000) * 1_000_000;
    const after = local - of.offsetSeconds(local + 86_400_000_000) * 1_000_000;
    if (before === after) return before;
    const fits = [before, after].filter((utc) => utc + of.offsetSeconds(utc) * 1_000_000 === local);
    return fits.length > 0 ? Math.min(...fits) : before;
  };
}
