import { assert } from '../../base/assert.ts';

/**
 * What it takes to undo the newest operations, as a stack of numbers whose bottom is cut off when
 * operations become durable. A circular buffer: no allocation for an operation once it is as large
 * as what is ever under way at once.
 */
export class UndoLog {
  #numbers = new Float64Array(1 << 12);
  #begin = 0;
  #end = 0;
  /** Where each operation that is not settled begins, circular as well. */
  #starts = new Float64Array(1 << 8);
  #firstMark = 1;
  #lastMark = 0;

  /** The newest operation's mark; marks count from 1. */
  get lastMark(): number {
    return this.#lastMark;
  }

  /** Begins an operation. */
  beginOperation(): number {
    if (this.#lastMark + 1 - this.#firstMark === this.#starts.length) this.#growStarts();
    this.#lastMark += 1;
    this.#starts[this.#lastMark & (this.#starts.length - 1)] = this.#end;
    return this.#lastMark;
  }

  /** Notes a number; {@link pop} gives them back in reverse order. */
  push(value: number): void {
    if (this.#end - this.#begin === this.#numbers.length) this.#growNumbers();
    this.#numbers[this.#end & (this.#numbers.length - 1)] = value;
    this.#end += 1;
  }

  /** The newest number, taken off. */
  pop(): number {
    this.#end -= 1;
    return this.#numbers[this.#end & (this.#numbers.length - 1)] as number;
  }

  /** Ends the undoing of the newest operation: all of its numbers were popped. */
  endUndo(): void {
    assert(this.#end === this.#starts[this.#lastMark & (this.#starts.length - 1)], 'an operation is undone wholly');
    this.#lastMark -= 1;
  }

  /** Whether an operation can still be undone. */
  holds(mark: number): boolean {
    return mark >= this.#firstMark && mark <= this.#lastMark;
  }

  /** Operations up to a mark cannot be undone any more. */
  settleUpTo(mark: number): void {
    const settled = Math.min(mark, this.#lastMark);
    if (settled < this.#firstMark) return;
    this.#firstMark = settled + 1;
    if (settled === this.#lastMark) {
      this.#begin = 0;
      this.#end = 0;
      return;
    }
    this.#begin = this.#starts[this.#firstMark & (this.#starts.length - 1)] as number;
    if (this.#begin > 2 ** 29) this.#rebase();
  }

  #growNumbers(): void {
    const grown = new Float64Array(this.#numbers.length * 2);
    for (let at = this.#begin; at < this.#end; at += 1) {
      grown[at & (grown.length - 1)] = this.#numbers[at & (this.#numbers.length - 1)] as number;
    }
    this.#numbers = grown;
  }

  #growStarts(): void {
    const grown = new Float64Array(this.#starts.length * 2);
    for (let mark = this.#firstMark; mark <= this.#lastMark; mark += 1) {
      grown[mark & (grown.length - 1)] = this.#starts[mark & (this.#starts.length - 1)] as number;
    }
    this.#starts = grown;
  }

  /** Keeps offsets within 31 bits, by whole turns of the buffer, so that they stay in their places. */
  #rebase(): void {
    const shift = this.#begin - (this.#begin & (this.#numbers.length - 1));
    this.#begin -= shift;
    this.#end -= shift;
    for (let mark = this.#firstMark; mark <= this.#lastMark; mark += 1) {
      const at = mark & (this.#starts.length - 1);
      this.#starts[at] = (this.#starts[at] as number) - shift;
    }
  }
}
