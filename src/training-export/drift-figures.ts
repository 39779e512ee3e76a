import { naturalLogarithm } from '../base/natural-logarithm.ts';
import { bigIntToDouble } from '../base/to-double.ts';

/**
 * How far two histograms over the same bins are apart, from whole numbers of rows. Products of counts are exact, and
 * each figure is divided once, last, so that the same counts give the same bits on every machine.
 */

/**
 * The population stability index, Σ (a − e)·ln(a / e) over the bins, with e and a the bin's shares of the expected and
 * of the actual rows. A bin that is empty on one side counts half a row there, as a logarithm of nothing is none; one
 * that is empty on both counts nothing. 0 where the shares are equal, and it does not matter which side is which.
 *
 * @param expected rows by bin, at least one. @param actual rows by the same bins, at least one.
 */
export function stabilityIndex(expected: readonly number[], actual: readonly number[]): number {
  const [ofExpected, ofActual] = [BigInt(rowsOf(expected)), BigInt(rowsOf(actual))];
  let sum = 0;
  for (const [bin, count] of expected.entries()) {
    const other = actual[bin] ?? 0;
    if (count === 0 && other === 0) continue;
    // In halves of a row, over the product of both totals.
    const e = halves(count) * ofActual;
    const a = halves(other) * ofExpected;
    sum += bigIntToDouble(a - e) * naturalLogarithm(bigIntToDouble(a) / bigIntToDouble(e));
  }
  return sum / bigIntToDouble(2n * ofExpected * ofActual);
}

/**
 * The Kolmogorov–Smirnov distance at the edges of the bins: the most by which the shares of rows below an edge differ.
 * Between edges it may be larger, by no more than a bin's share.
 *
 * @returns 0 to 1; null where a side has no row.
 */
export function kolmogorovDistance(expected: readonly number[], actual: readonly number[]): number | null {
  const [ofExpected, ofActual] = [BigInt(rowsOf(expected)), BigInt(rowsOf(actual))];
  if (ofExpected === 0n || ofActual === 0n) return null;
  let below = 0n;
  let otherBelow = 0n;
  let most = 0n;
  for (const [bin, count] of expected.entries()) {
    below += BigInt(count);
    otherBelow += BigInt(actual[bin] ?? 0);
    const apart = below * ofActual - otherBelow * ofExpected;
    const distance = apart < 0n ? -apart : apart;
    if (distance > most) most = distance;
  }
  return bigIntToDouble(most) / bigIntToDouble(ofExpected * ofActual);
}

/**
 * The stability index that two samples of one population have on average, for they are never quite the same:
 * (bins − 1)·(1/n + 1/m), as the index follows a χ² distribution scaled so. Figures below it say nothing.
 */
export function chanceIndex(bins: number, expectedRows: number, actualRows: number): number {
  return ((bins - 1) * (expectedRows + actualRows)) / (expectedRows * actualRows);
}

function rowsOf(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

function halves(count: number): bigint {
  return count === 0 ? 1n : 2n * BigInt(count);
}
