import { type LineFile, lineFile, removePlain } from './line-file.ts';
import type { SimulationOptions } from './options.ts';
import { type SimulationFigures, simulate } from './simulate.ts';

/** Where a simulation goes. The files are made new, readable by their owner only, and take their places when all are whole. */
export interface SimulationPaths {
  readonly paymentsPath: string;
  readonly labelsPath: string;
  /** Of corrections; where there are to be none (`options.correctionRate`), one of an earlier run is removed. */
  readonly correctionsPath?: string;
}

/** What was written. */
export interface WrittenSimulation extends SimulationFigures {
  readonly paymentBytes: number;
  readonly labelBytes: number;
  readonly correctionBytes: number;
}

const PROGRESS_LINES = 16_384;

/**
 * Simulates into files of one line each record, NDJSON: bodies of `/v1/score` in order of
 * arrival, bodies of `/v1/labels` in order of event time, bodies of `/v1/corrections` in order of when they were made.
 *
 * A run that ends early leaves the files of an earlier one as they are. Payments take their place last: labels of another
 * run, or none, never stand beside payments that look whole.
 *
 * @param onProgress told now and then how many of `options.count` are made.
 */
export function writeSimulation(
  options: SimulationOptions,
  { paymentsPath, labelsPath, correctionsPath }: SimulationPaths,
  onProgress: (madePayments: number) => void = () => {},
): WrittenSimulation {
  const simulation = simulate(options);
  const isCorrected = options.correctionRate > 0 && correctionsPath !== undefined;
  const files: LineFile[] = [];
  const open = (path: string): LineFile => {
    const file = lineFile(path);
    files.push(file);
    return file;
  };
  try {
    const labels = open(labelsPath);
    const corrections = isCorrected ? open(correctionsPath) : null;
    const payments = open(paymentsPath);
    let lines = 0;
    for (const line of simulation) {
      if (line.kind === 'correction') corrections?.write(line.text);
      else (line.kind === 'label' ? labels : payments).write(line.text);
      lines += 1;
      if (lines % PROGRESS_LINES === 0) onProgress(simulation.figures.payments);
    }
    for (const file of files) file.finish();
    removePlain(paymentsPath);
    if (!isCorrected && correctionsPath !== undefined) removePlain(correctionsPath);
    // The commit point is the last of them, the payments'.
    for (const file of files) file.place();
    return {
      ...simulation.figures,
      paymentBytes: payments.bytes(),
      labelBytes: labels.bytes(),
      correctionBytes: corrections?.bytes() ?? 0,
    };
  } finally {
    for (const file of files) file.discard();
  }
}

/** The labels' file that goes with a payments' file. */
export function labelsPathOf(paymentsPath: string): string {
  return `${paymentsPath}.labels.ndjson`;
}

/** The corrections' file that goes with a payments' file. */
export function correctionsPathOf(paymentsPath: string): string {
  return `${paymentsPath}.corrections.ndjson`;
}
