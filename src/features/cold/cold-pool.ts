import { ColdEvents } from './cold-events.ts';
import type { ColdLayout } from './cold-layout.ts';
import { LeftPages } from './left-pages.ts';
import type { KindPages } from './page-store.ts';

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

  /** All entities that have cold events. */
  entries(): IterableIterator<[number, ColdEvents]> {
    return this.#entities.entries();
  }

  /** Forgets an entity's cold events and gives its pages back. */
  forget(entity: number): void {
    this.#entities.get(entity)?.clear();
    this.#entities.delete(entity);
  }
}
