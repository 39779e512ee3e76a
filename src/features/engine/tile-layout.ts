/** A group of a tile: count, sum, squares, extremes of one column of the events that pass one condition. */
export interface TileGroup {
  /** Place of the column in an event; −1 where only events are counted. */
  readonly slot: number;
  /** Bit of the condition; −1 where all events count. */
  readonly condition: number;
}

/** What a tile of dropped events holds after its header. */
export interface TileLayout {
  /** Width of tiles in time; 0 where no window has a hop. */
  readonly widthMicros: number;
  /** Whether one more tile holds all that was ever dropped. */
  readonly hasTotals: boolean;
  readonly groups: readonly TileGroup[];
  /** Registers of approximate distinct counts: the slot that says register and rank. */
  readonly registers: readonly TileGroup[];
  /** Histograms of approximate quantiles: the slot that says the bucket. */
  readonly histograms: readonly TileGroup[];
  /** Place of the conditions in an event; −1 where there are none. */
  readonly conditionSlot: number;
}

/** Of lists that keep nothing of what they drop. */
export const NO_TILES: TileLayout = {
  widthMicros: 0,
  hasTotals: false,
  groups: [],
  registers: [],
  histograms: [],
  conditionSlot: -1,
};
