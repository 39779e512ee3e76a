import { assert } from '../../base/assert.ts';
import { ENTITY_KINDS } from '../../domain/entity-keys.ts';
import { EntityView } from '../engine/entity-view.ts';
import { LABEL_STRIDE } from '../engine/label-engine.ts';
import { TILE, type TileOffsets, tileOffsets } from '../engine/tile-pool.ts';
import type { KindPlan } from '../engine/window-plan.ts';
import type { FeatureSet } from '../feature-set.ts';
import { HEADER_NUMBERS, LABEL_BYTES, LABEL_HEADER_BYTES, packed, unpackInto } from './redis-layout.ts';
import { unpackTile } from './redis-tiles.ts';

/** Offsets of a header's numbers. */
const SEQUENCE = 0;
const COUNT = 1;
const FIRST = 2;
const SECOND = 3;
const NEWEST = 4;
const DROPPED = 5;
const KEPT = 7;

/** The header of an entity that was never seen. */
const EMPTY_HEADER = packed(0, 0, Infinity, Infinity, -Infinity, -Infinity, 0, 0);

/** Buffers of one kind of entity, filled again for each reply. */
interface KindBuffers {
  readonly plan: KindPlan;
  readonly offsets: TileOffsets;
  readonly events: Float64Array;
  readonly own: Float64Array;
  tiles: Float64Array;
}

/** A reply's bytes as the engine reads entities; the buffers are filled again for each reply. */
export class ReplyReader {
  readonly view = new EntityView();
  readonly labelView = new EntityView();
  readonly #header = new Float64Array(HEADER_NUMBERS);
  readonly #kinds: readonly KindBuffers[];
  readonly #labels: Float64Array;

  constructor(set: FeatureSet) {
    this.#kinds = ENTITY_KINDS.map((kind) => {
      const plan = set.kinds[kind];
      const { stride } = plan.layout;
      return {
        plan,
        offsets: tileOffsets(plan.keeping.tiles),
        events: new Float64Array(set.bound * stride),
        own: new Float64Array(stride),
        tiles: new Float64Array(0),
      };
    });
    this.#labels = new Float64Array(set.bound * LABEL_STRIDE);
  }

  /**
   * Fills the view with an entity.
   *
   * @param kind place of its kind in ENTITY_KINDS.
   * @param header what its state says of itself: as it is now, or as it was below an event; empty where there is none.
   * @param events the events that it keeps; only the first `kept` of the header's are shown.
   * @returns its last number.
   */
  readEntity(kind: number, header: Buffer, events: Buffer, tiles: readonly Buffer[]): number {
    const { view } = this;
    const buffers = this.#kinds[kind] as KindBuffers;
    const { stride } = buffers.plan.layout;
    unpackInto(header.length === 0 ? EMPTY_HEADER : header, this.#header);
    const numbers = this.#header;
    const kept = numbers[KEPT] as number;
    assert(events.length >= kept * stride * 8, 'an entity has the events that its header counts');
    unpackInto(events.subarray(0, kept * stride * 8), buffers.events);
    view.events = buffers.events;
    view.stride = stride;
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
    view.own = buffers.own;
    this.#readTiles(buffers, tiles);
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
    const bytes = labels.subarray(LABEL_HEADER_BYTES, LABEL_HEADER_BYTES + view.kept * LABEL_BYTES);
    unpackInto(bytes, this.#labels);
    view.events = this.#labels;
    view.stride = LABEL_STRIDE;
    view.mask = -1;
  }

  /** HGETALL's list: index, tile, index, tile … */
  #readTiles(buffers: KindBuffers, list: readonly Buffer[]): void {
    const count = list.length / 2;
    const { stride } = buffers.offsets;
    if (count * stride > buffers.tiles.length) buffers.tiles = new Float64Array(count * stride * 2);
    for (let tile = 0; tile < count; tile += 1) {
      const at = tile * stride;
      unpackTile(list[tile * 2 + 1] as Buffer, buffers.offsets, Number(list[tile * 2]), buffers.tiles, at);
      buffers.tiles[at + TILE.next] = tile;
    }
    this.view.tiles = buffers.tiles;
    this.view.tileChain = count;
  }
}
