import { ColdEvents } from './cold-events.ts';
import type { ColdLayout } from './cold-layout.ts';
import { LeftPages } from './left-pages.ts';
import type { KindPages, PageStore, SavedPages } from './page-store.ts';

/** Pages of a kind of entity, and what its entities have beside them, as a snapshot keeps it. */
export interface SavedCold {
  readonly pages: { readonly events: SavedPages; readonly index: SavedPages };
  readonly entities: readonly { readonly entity: number; readonly state: Float64Array }[];
}

/**
 * The cold events of all entities of a kind that have some: few, because an entity has none before it has more
 * events than lie in memory.
 */
export class ColdPool {
  readonly layout: ColdLayout;
  readonly left: LeftPages;
  readonly #entities = new Map<number, ColdEvents>();

  constructor(layout: ColdLayout, pages: KindPages) {
    this.layout = layout;
    this.left = new LeftPages(pages);
  }

  /** An entity's cold events; null where it has none. */
  of(entity: number): ColdEvents | null {
    return this.#entities.get(entity) ?? null;
  }

  /** An entity's cold events, made where it has none. */
  make(entity: number): ColdEvents {
    const known = this.#entities.get(entity);
    if (known !== undefined) return known;
    const made = new ColdEvents(this.layout, this.left);
    this.#entities.set(entity, made);
    return made;
  }

  /** Memory, beside that of pages. */
  get bytes(): number {
    let bytes = 0;
    for (const events of this.#entities.values()) bytes += events.bytes;
    return bytes;
  }

  /** What a snapshot keeps; null where pages are in memory. @throws where the disk takes them not. */
  saved(): SavedCold | null {
    const { events, index } = this.left.pages;
    const [savedEvents, savedIndex] = [events.saved(), index.saved()];
    if (savedEvents === null || savedIndex === null) return null;
    const entities = Array.from(this.#entities, ([entity, one]) => ({ entity, state: one.state() }));
    return { pages: { events: savedEvents, index: savedIndex }, entities };
  }

  /** Opens the pages that a snapshot names. @returns why they cannot be used; undefined where they can. */
  restorePages({ events, index }: SavedCold['pages']): string | undefined {
    return this.left.pages.events.restore(events) ?? this.left.pages.index.restore(index);
  }

  /** The snapshot that names the pages as they are is in place. */
  pin(): void {
    for (const store of this.#stores()) store.pin();
  }

  /** Gives files back. */
  close(): void {
    for (const store of this.#stores()) store.close();
  }

  /** Forgets an entity's cold events and gives its pages back. */
  forget(entity: number): void {
    this.#entities.get(entity)?.clear();
    this.#entities.delete(entity);
  }

  #stores(): readonly PageStore[] {
    return [this.left.pages.events, this.left.pages.index];
  }
}
