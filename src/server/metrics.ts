import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { ErrorCode } from '../base/errors.ts';
import type { ParsedCorrection } from '../domain/parse-correction.ts';

/** Gauges whose values are read when Prometheus asks. */
export interface MetricSources {
  readonly gauges: Readonly<Record<string, { readonly help: string; readonly read: () => number }>>;
  /** Texts of metrics that are kept elsewhere, each a whole number of lines; asked for when Prometheus asks. */
  readonly texts?: readonly (() => string)[];
  readonly build: {
    readonly version: string;
    readonly featureSet: string;
    readonly model: string;
    readonly node: string;
  };
}

/** What the ways in count, and the page that shows it. */
export interface Metrics {
  observeScore(elapsedMs: number, replayed: boolean): void;
  countDecision(side: string, decision: string, degraded: boolean): void;
  countLabel(): void;
  /** A correction by what it did; `unknown` where the state did not know the payment. */
  countCorrection(correction: ParsedCorrection, applied: boolean): void;
  /** An online read of features, for all its rows. */
  observeRead(elapsedMs: number, rows: number): void;
  countError(code: ErrorCode): void;
  render(): Promise<{ contentType: string; text: string }>;
}

/** A registry of its own: several servers in one process (tests) do not share counts. */
export function buildMetrics({ gauges, texts = [], build }: MetricSources): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: 'sentinela_build_info',
    help: 'What runs; always 1',
    labelNames: Object.keys(build),
    registers,
  }).set({ ...build }, 1);
  for (const [name, { help, read }] of Object.entries(gauges)) {
    new Gauge({
      name: `sentinela_${name}`,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  }
  const seconds = new Histogram({
    name: 'sentinela_score_seconds',
    help: 'From a decoded request to its durable decision',
    buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1],
    registers,
  });
  const replays = new Counter({
    name: 'sentinela_replays_total',
    help: 'Requests that were answered with an earlier decision',
    registers,
  });
  const decisions = new Counter({
    name: 'sentinela_decisions_total',
    help: 'Decisions',
    labelNames: ['side', 'decision', 'degraded'],
    registers,
  });
  const readSeconds = new Histogram({
    name: 'sentinela_feature_read_seconds',
    help: 'An online read of features, from a checked request to its last row',
    buckets: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1],
    registers,
  });
  const rowsRead = new Counter({
    name: 'sentinela_feature_rows_read_total',
    help: 'Rows of online reads of features',
    registers,
  });
  const labels = new Counter({ name: 'sentinela_labels_total', help: 'Labels that were recorded', registers });
  const errors = new Counter({
    name: 'sentinela_errors_total',
    help: 'Errors by their code',
    labelNames: ['code'],
    registers,
  });
  // A child of a labelled counter is looked up by hashing its labels, 0.7 µs: kept by a short key instead.
  const children = new Map<string, { inc(): void }>();
  return {
    observeScore(elapsedMs, replayed) {
      seconds.observe(elapsedMs / 1000);
      if (replayed) replays.inc();
    },
    countDecision(side, decision, degraded) {
      const key = degraded ? `${side}!${decision}` : `${side} ${decision}`;
      let child = children.get(key);
      if (child === undefined) {
        child = decisions.labels(side, decision, String(degraded));
        children.set(key, child);
      }
      child.inc();
    },
    countLabel: () => labels.inc(),
    countCorrection: correctionCounter(registers),
    observeRead(elapsedMs, rows) {
      readSeconds.observe(elapsedMs / 1000);
      rowsRead.inc(rows);
    },
    countError: (code) => errors.inc({ code }),
    render: async () => ({
      contentType: registry.contentType,
      text: [await registry.metrics(), ...texts.map((text) => text())].join(''),
    }),
  };
}

function correctionCounter(registers: Registry[]): Metrics['countCorrection'] {
  const corrections = new Counter({
    name: 'sentinela_corrections_total',
    help: 'Corrections of payments that were recorded, by what they did',
    labelNames: ['effect'],
    registers,
  });
  return ({ replacement }, applied) => {
    const effect = replacement === null ? 'retraction' : 'replacement';
    corrections.inc({ effect: applied ? effect : 'unknown' });
  };
}
