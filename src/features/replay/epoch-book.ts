import { AppError } from '../../base/errors.ts';

/** The opening of an epoch, as silver keeps it. */
export interface EpochOpening {
  readonly epoch: number;
  /** The last position of each journal that is in the epoch's base. */
  readonly offsets: Readonly<Record<string, number>>;
}

/** Which records are in the base of which epoch. */
export interface EpochBook {
  /** Place of an epoch among all, in their order. @throws AppError `table_corrupt` where no opening names it. */
  placeOf(epoch: number): number;
  /** Whether a record of a journal is in the base of the epoch at a place. */
  inBase(place: number, journal: number, position: number): boolean;
  /** Whether the base of the epoch at `place` holds all that the base of the epoch at `before` holds. */
  extends(place: number, before: number): boolean;
  /** Number of a journal by its id; journals are numbered as they are first named. */
  journalOf(id: string): number;
}

/** Reads openings. Of two of one epoch the last is meant: a store that opened it again built it again. */
export function epochBook(openings: readonly EpochOpening[]): EpochBook {
  const latest = new Map(openings.map((opening) => [opening.epoch, opening]));
  const ordered = [...latest.values()].sort((a, b) => a.epoch - b.epoch);
  const places = new Map(ordered.map(({ epoch }, place) => [epoch, place]));
  const journals = new Map<string, number>();
  const journalOf = (id: string): number => {
    const known = journals.get(id);
    if (known !== undefined) return known;
    journals.set(id, journals.size);
    return journals.size - 1;
  };
  const bases = ordered.map(({ offsets }) => {
    const base = new Map<number, number>();
    for (const [id, position] of Object.entries(offsets)) base.set(journalOf(id), position);
    return base;
  });
  return {
    journalOf,
    placeOf(epoch) {
      const place = places.get(epoch);
      if (place === undefined) {
        throw new AppError('table_corrupt', `no record opens epoch ${epoch}, which numbers name`, { epoch });
      }
      return place;
    },
    inBase: (place, journal, position) => position <= (bases[place]?.get(journal) ?? -1),
    extends(place, before) {
      const later = bases[place];
      for (const [journal, position] of bases[before] ?? []) {
        if ((later?.get(journal) ?? -1) < position) return false;
      }
      return true;
    },
  };
}
