import pino, { type DestinationStream, type Logger } from 'pino';

/** Fields that must never be in a log line, whatever object they came in with. */
const PERSONAL = ['document', 'number', 'pixKey', 'value', 'account', 'raw', 'payer', 'payee', 'payment', 'body'];

/** Structured log lines on stderr; results and answers never go there. */
export function buildLogger(level: string): Logger {
  return pino(
    {
      name: 'sentinela',
      level,
      base: { pid: process.pid },
      redact: { paths: PERSONAL.flatMap((name) => [name, `*.${name}`]), censor: '(hidden)' },
      // Errors by name, code, message and stack: their context is built without personal data.
      serializers: { err: pino.stdSerializers.err },
    },
    lastingStderr(),
  );
}

/** After lines could not be written: a disk that was full may have room again. */
const WRITE_AGAIN_MS = 1000;

/**
 * Stderr that loses lines where they cannot be written, and nothing else. Pino's own destination ends the process where
 * the disk of the log is full, and then tries for ever to write its last lines: no signal ends it, and nobody is answered.
 */
function lastingStderr(): DestinationStream & { flushSync(): void } {
  let brokenAtMs = Number.NEGATIVE_INFINITY;
  const open = (): ReturnType<typeof pino.destination> => {
    const stderr = pino.destination({ dest: 2, sync: false });
    stderr.removeAllListeners('error');
    stderr.on('error', () => {
      brokenAtMs = performance.now();
      // What it holds is given up; the file stays open, being 2.
      stderr.destroy();
      if (destination === stderr) destination = undefined;
    });
    return stderr;
  };
  let destination: ReturnType<typeof pino.destination> | undefined = open();
  return {
    write(line) {
      if (destination === undefined && performance.now() - brokenAtMs < WRITE_AGAIN_MS) return;
      destination ??= open();
      destination.write(line);
    },
    flushSync: () => destination?.flushSync(),
  };
}
