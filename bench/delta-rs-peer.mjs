// Starts delta-rs (Python) as a peer that does what it is asked and says how long that took.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const python = fileURLToPath(new URL('../.cache/python/bin/python', import.meta.url));

export function startDeltaRs() {
  const child = spawn(python, [fileURLToPath(new URL('delta-rs.py', import.meta.url))], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    /** Seconds, and what the action answered. */
    async ask(action, request) {
      child.stdin.write(`${JSON.stringify({ action, ...request })}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error('delta-rs ended; run `node scripts/setup-test-tools.mjs` if it was never installed');
      const reply = JSON.parse(value);
      if (reply.error !== undefined) throw new Error(`delta-rs: ${reply.error}`);
      return reply;
    },
    stop: () => child.kill(),
  };
}
