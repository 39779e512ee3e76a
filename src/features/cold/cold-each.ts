import type { ColdEvents } from './cold-events.ts';
import { SUMMARY } from './cold-layout.ts';
import type { ColdVisitor } from './cold-visit.ts';

/** Shows each cold event of a window. */
export class ColdEach implements ColdVisitor {
  #start = 0;
  #end = 0;
  #use: (numbers: Float64Array, at: number) => void = () => {};

  /** Calls `use` for each event with a time after `start` and up to `end`. */
  each(cold: ColdEvents, start: number, end: number, use: (numbers: Float64Array, at: number) => void): void {
    this.#start = start;
    this.#end = end;
    this.#use = use;
    cold.visit(this, false);
  }

  enters(summaries: Float64Array, at: number): boolean {
    return (
      (summaries[at + SUMMARY.newest] as number) > this.#start &&
      (summaries[at + SUMMARY.oldest] as number) <= this.#end
    );
  }

  event(numbers: Float64Array, at: number): void {
    const time = numbers[at] as number;
    if (time > this.#start && time <= this.#end) this.#use(numbers, at);
  }
}
