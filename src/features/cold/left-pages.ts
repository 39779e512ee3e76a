import type { UndoLog } from '../engine/undo-log.ts';
import type { KindPages, PageStore } from './page-store.ts';

interface LeftPage {
  readonly store: PageStore;
  readonly page: number;
  readonly mark: number;
}

/** Pages that operations left behind: each is given back once its operation cannot be undone any more. */
export class LeftPages {
  readonly pages: KindPages;
  #left: LeftPage[] = [];

  constructor(pages: KindPages) {
    this.pages = pages;
  }

  /** Leaves a page behind. @param undo the newest operation is the one that leaves it; null where nothing is undone. */
  leave(store: PageStore, page: number, undo: UndoLog | null): void {
    if (undo === null) store.free(page);
    else this.#left.push({ store, page, mark: undo.lastMark });
  }

  /** Takes the newest pages back that were left behind. */
  takeBack(count: number): void {
    this.#left.length -= count;
  }

  /** Operations up to a mark cannot be undone any more. */
  settleUpTo(mark: number): void {
    let settled = 0;
    for (const { store, page, mark: left } of this.#left) {
      if (left > mark) break;
      store.free(page);
      settled += 1;
    }
    if (settled > 0) this.#left = this.#left.slice(settled);
  }
}
