/** What waits for its time, earliest first; ties in the order of arrival. */
export interface TimeHeap<T> {
  readonly size: number;
  push(atMicros: number, item: T): void;
  /** The earliest time, Infinity where nothing waits. */
  nextMicros(): number;
  /** Takes the earliest. @throws Error where nothing waits. */
  pop(): T;
}

interface Waiting<T> {
  readonly at: number;
  readonly order: number;
  readonly item: T;
}

/** A binary heap. */
export function timeHeap<T>(): TimeHeap<T> {
  const waiting: Waiting<T>[] = [];
  let order = 0;
  return {
    get size() {
      return waiting.length;
    },
    push(at, item) {
      waiting.push({ at, order, item });
      order += 1;
      siftUp(waiting, waiting.length - 1);
    },
    nextMicros: () => waiting[0]?.at ?? Number.POSITIVE_INFINITY,
    pop() {
      const first = waiting[0];
      const last = waiting.pop();
      if (first === undefined || last === undefined) throw new Error('the heap is empty');
      if (waiting.length > 0) siftDown(waiting, last);
      return first.item;
    },
  };
}

function before<T>(a: Waiting<T>, b: Waiting<T>): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

function siftUp<T>(heap: Waiting<T>[], start: number): void {
  let at = start;
  const entry = heap[at];
  if (entry === undefined) return;
  while (at > 0) {
    const above = (at - 1) >> 1;
    const parent = heap[above];
    if (parent === undefined || !before(entry, parent)) break;
    heap[at] = parent;
    at = above;
  }
  heap[at] = entry;
}

function siftDown<T>(heap: Waiting<T>[], entry: Waiting<T>): void {
  let at = 0;
  for (;;) {
    let below = 2 * at + 1;
    let child = heap[below];
    if (child === undefined) break;
    const right = heap[below + 1];
    if (right !== undefined && before(right, child)) {
      below += 1;
      child = right;
    }
    if (!before(child, entry)) break;
    heap[at] = child;
    at = below;
  }
  heap[at] = entry;
}
