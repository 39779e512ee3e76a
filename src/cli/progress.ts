/** Tells on stderr how far long work is, once it has taken 2 s. */
export interface Progress {
  /** @param done units that are done; @param total all of them, where it is known. */
  update(done: number, total?: number): void;
  /** Ends the line. */
  end(): void;
}

const QUIET_MS = 2000;
const TERMINAL_EVERY_MS = 200;
const LOG_EVERY_MS = 10_000;

/** A bar on a terminal; a line every 10 s elsewhere. @param label what is being done. */
export function progress(label: string, stream: NodeJS.WriteStream = process.stderr): Progress {
  const started = performance.now();
  const everyMs = stream.isTTY ? TERMINAL_EVERY_MS : LOG_EVERY_MS;
  let told = started + QUIET_MS - everyMs;
  let shown = false;
  return {
    update(done, total) {
      const now = performance.now();
      if (now - told < everyMs || now - started < QUIET_MS) return;
      told = now;
      shown = true;
      const text = lineOf(label, done, total, (now - started) / 1000);
      stream.write(stream.isTTY ? `\r${text}\u001b[K` : `${text}\n`);
    },
    end() {
      if (shown && stream.isTTY) stream.write('\r\u001b[K');
    },
  };
}

/** Progress of work in stages, each with a rate of its own. */
export interface StagedProgress {
  /** @param label of the stage that is under way. @param done, total units of it. */
  update(label: string, done: number, total: number): void;
  /** Ends the line. */
  end(): void;
}

/** Bars as {@link progress} has them, one after another. */
export function stagedProgress(stream: NodeJS.WriteStream = process.stderr): StagedProgress {
  let stage: { readonly label: string; readonly bar: Progress } | undefined;
  return {
    update(label, done, total) {
      if (stage?.label !== label) {
        stage?.bar.end();
        stage = { label, bar: progress(label, stream) };
      }
      stage.bar.update(done, total);
    },
    end: () => stage?.bar.end(),
  };
}

const WIDTH = 24;

function lineOf(label: string, done: number, total: number | undefined, seconds: number): string {
  const rate = `${Math.round(done / seconds).toLocaleString('en-US')}/s`;
  if (total === undefined || total <= 0) return `${label}  ${done.toLocaleString('en-US')}  ${rate}`;
  const share = Math.min(1, done / total);
  const bar = '█'.repeat(Math.round(share * WIDTH)).padEnd(WIDTH, '░');
  const left = share > 0 ? Math.round((seconds / share) * (1 - share)) : 0;
  return `${label}  ${bar} ${(share * 100).toFixed(0).padStart(3)} %  ${rate}  ${left} s left`;
}
