import { closeSync, openSync, writeSync } from 'node:fs';
import type { SimulationOptions } from './options.ts';
import { type SimulationFigures, simulate } from './simulate.ts';

/** Where a simulation goes. The files are made new, readable by their owner only. */
export interface SimulationPaths {
  readonly paymentsPath: string;
  readonly labelsPath: string;
  /** Of corrections; written where there are to be some (`options.correctionRate`). */
  readonly correctionsPath?: string;
}

/** What was written. */
export interface WrittenSimulation extends SimulationFigures {
  readonly paymentBytes: number;
  readonly labelBytes: number;
  readonly correctionBytes: number;
}

/** Bytes are written in pieces of about this size; a line is far smaller. */
const PIECE = 1024 * 1024;
const PROGRESS_LINES = 16_384;

/**
 * Simulates into files of one line each record, NDJSON: bodies of `/v1/score` in order of
 * arrival, bodies of `/v1/labels` in order of event time, bodies of `/v1/corrections` in order of when they were made.
 *
 * @param onProgress told now and then how many of `options.count` are made.
 */
export function writeSimulation(
  options: SimulationOptions,
  { paymentsPath, labelsPath, correctionsPath }: SimulationPaths,
  onProgress: (madePayments: number) => void = () => {},
): WrittenSimulation {
  const simulation = simulate(options);
  const payments = lineFile(paymentsPath);
  const labels = lineFile(labelsPath);
  const isCorrected = options.correctionRate > 0 && correctionsPath !== undefined;
  const corrections = isCorrected ? lineFile(correctionsPath) : null;
  const files = [payments, labels, ...(corrections === null ? [] : [corrections])];
  let lines = 0;
  try {
    for (const line of simulation) {
      if (line.kind === 'correction') corrections?.write(line.text);
      else (line.kind === 'label' ? labels : payments).write(line.text);
      lines += 1;
      if (lines % PROGRESS_LINES === 0) onProgress(simulation.figures.payments);
    }
    for (const file of files) file.flush();
  } finally {
    for (const file of files) file.close();
  }
  return {
    ...simulation.figures,
    paymentBytes: payments.bytes(),
    labelBytes: labels.bytes(),
    correctionBytes: corrections?.bytes() ?? 0,
  };
}

/** The labels' file that goes with a payments' file. */
export function labelsPathOf(paymentsPath: string): string {
  return `${paymentsPath}.labels.ndjson`;
}

/** The corrections' file that goes with a payments' file. */
export function correctionsPathOf(paymentsPath: string): string {
  return `${paymentsPath}.corrections.ndjson`;
}

function lineFile(path: string) {
  const file = openSync(path, 'w', 0o600);
  const buffer = Buffer.allocUnsafe(2 * PIECE);
  let used = 0;
  let bytes = 0;
  const flush = (): void => {
    for (let at = 0; at < used; ) at += writeSync(file, buffer, at, used - at);
    bytes += used;
    used = 0;
  };
  return {
    // Line by line into one buffer: 1 MiB of text put together first costs twice the time, in flattening and garbage.
    write(line: string): void {
      used += buffer.write(line, used);
      buffer[used] = 10;
      used += 1;
      if (used > PIECE) flush();
    },
    flush,
    close: () => closeSync(file),
    bytes: () => bytes,
  };
}
