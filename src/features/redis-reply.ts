import { assert } from '../base/assert.ts';
import { EntityView } from './entity-view.ts';
import { EVENT_STRIDE } from './event-slab.ts';
import type { FeatureSet } from './feature-set.ts';
import { EVENT_BYTES, HEADER_NUMBERS, LABEL_HEADER_BYTES, unpackInto } from './redis-layout.ts';
import { TILE, TILE_STRIDE } from './tile-pool.ts';

/** Offsets of a header's numbers. */
const SEQUENCE = 0;
const COUNT = 1;
const FIRST = 2;
const SECOND = 3;
const NEWEST = 4;
const DROPPED = 5;
const KEPT = 7;

/** A reply's bytes as the engine reads entities; the buffers are filled again for each reply. */
export class ReplyReader {
  readonly view = new EntityView();
  readonly labelView = new EntityView();
  readonly #header = new Float64Array(HEADER_NUMBERS);
  readonly #events: Float64Array;
  readonly #labels: Float64Array;
  #tiles = new Float64Array(TILE_STRIDE * 64);

  constructor(set: FeatureSet) {
    this.#events = new Float64Array(set.bound * EVENT_STRIDE);
    this.#labels = new Float64Array(set.bound * EVENT_STRIDE);
  }

  /**
   * Fills the view with an entity.
   *
   * @param header what its state says of itself: as it is now, or as it was below an event.
   * @param events the events that it keeps; only the first `kept` of the header's are shown.
   * @returns its last number.
   */
  readEntity(header: Buffer, events: Buffer, tiles: readonly Buffer[]): number {
    const { view } = this;
    unpackInto(header, this.#header);
    const numbers = this.#header;
    const kept = numbers[KEPT] as number;
    assert(events.length >= kept * EVENT_BYTES, 'an entity has the events that its header counts');
    unpackInto(events.subarray(0, kept * EVENT_BYTES), this.#events);
    view.events = this.#events;
    view.base = 0;
    view.head = 0;
    // The events lie in a row: a mask of all ones leaves their indexes as they are.
    view.mask = -1;
    view.kept = kept;
    view.count = numbers[COUNT] as number;
    view.first = numbers[FIRST] as number;
    view.second = numbers[SECOND] as number;
    view.maxSeen = numbers[NEWEST] as number;
    view.maxDropped = numbers[DROPPED] as number;
    view.ownIdentity = -1;
    this.#readTiles(tiles);
    return numbers[SEQUENCE] as number;
  }

  /** Fills the view of labels. @param header of the labels below an event; undefined for the list as it is. */
  readLabels(labels: Buffer, header: Buffer | undefined): void {
    const view = this.labelView;
    view.clear();
    if (labels.length === 0) return;
    const of = header ?? labels.subarray(0, LABEL_HEADER_BYTES);
    view.count = of.readDoubleLE(0);
    view.kept = of.readDoubleLE(16);
    view.maxDropped = of.readDoubleLE(24);
    const bytes = labels.subarray(LABEL_HEADER_BYTES, LABEL_HEADER_BYTES + view.kept * EVENT_BYTES);
    unpackInto(bytes, this.#labels);
    view.events = this.#labels;
    view.mask = -1;
  }

  /** HGETALL's list: index, tile, index, tile … */
  #readTiles(list: readonly Buffer[]): void {
    const count = list.length / 2;
    if (count * TILE_STRIDE > this.#tiles.length) this.#tiles = new Float64Array(count * TILE_STRIDE * 2);
    for (let tile = 0; tile < count; tile += 1) {
      const at = tile * TILE_STRIDE;
      const values = list[tile * 2 + 1] as Buffer;
      this.#tiles[at] = Number(list[tile * 2]);
      for (let number = 0; number < 5; number += 1) this.#tiles[at + 1 + number] = values.readDoubleLE(number * 8);
      this.#tiles[at + TILE.next] = tile;
    }
    this.view.tiles = this.#tiles;
    this.view.tileChain = count;
  }
}
