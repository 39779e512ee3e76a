import { daysOfCivil } from './instant.ts';

/** The outer form that BCB's Pix API promises, and all that we refuse an id for. Case-sensitive. */
export const END_TO_END_ID_PATTERN = '^[a-zA-Z0-9]{32}$';

/** The inner form: `E`, ISPB, yyyyMMddHHmm in UTC, 11 characters (SPI catalogue 5.13). */
const INNER = /^E([0-9A-Z]{8})(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})[a-zA-Z0-9]{11}$/;

/** What an id says of itself. */
export interface EndToEndIdParts {
  readonly ispb: string;
  /** The minute that the id names, microseconds since 1970 UTC. */
  readonly minuteMicros: number;
}

/** Reads the inner form; undefined where it does not parse or names no real instant. */
export function parseEndToEndId(id: string): EndToEndIdParts | undefined {
  const match = INNER.exec(id);
  if (match === null) return undefined;
  const [, ispb, year, month, day, hour, minute] = match;
  const days = daysOfCivil(Number(year), Number(month), Number(day));
  if (days === undefined || Number(hour) > 23 || Number(minute) > 59) return undefined;
  return { ispb: ispb ?? '', minuteMicros: (days * 1440 + Number(hour) * 60 + Number(minute)) * 60_000_000 };
}
