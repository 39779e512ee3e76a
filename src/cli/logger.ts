import pino, { type Logger } from 'pino';

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
    pino.destination({ dest: 2, sync: false }),
  );
}
