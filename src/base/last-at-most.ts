/**
 * The place of the last number that is no larger than a limit, of those from place `from` to below `to`, which ascend;
 * −1 where there is none. Binary search.
 */
export function lastAtMost(numbers: Float64Array, from: number, to: number, limit: number): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((numbers[middle] as number) <= limit) low = middle + 1;
    else high = middle;
  }
  return low === from ? -1 : low - 1;
}
