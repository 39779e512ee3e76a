import { assert } from '../../base/assert.ts';
import type { KindPages, PageStore, SavedPages } from './page-store.ts';

/** Pages in the process's memory: for replay, and for stores that no start reads again. */
export class MemoryPages implements PageStore {
  readonly #pages: (Float64Array | null)[] = [];
  readonly #free: number[] = [];

  write(numbers: Float64Array): number {
    const page = this.#free.pop() ?? this.#pages.length;
    this.#pages[page] = numbers.slice();
    return page;
  }

  read(page: number): Float64Array {
    const numbers = this.#pages[page];
    assert(numbers !== null && numbers !== undefined, 'a page that was given back is not read');
    return numbers;
  }

  free(page: number): void {
    this.#pages[page] = null;
    this.#free.push(page);
  }

  saved(): SavedPages | null {
    return null;
  }

  pin(): void {}

  close(): void {}

  restore(): string {
    return 'pages in memory are not there any more';
  }
}

/** Pages in memory for a kind of entity. */
export function memoryPages(): KindPages {
  return { events: new MemoryPages(), index: new MemoryPages() };
}
