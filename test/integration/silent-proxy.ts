import { connect, createServer, type Socket } from 'node:net';
import { Transform } from 'node:stream';
import { freePort } from '../free-port.ts';

/** Stands between a client and a server, and may lose what they say without a word, as a firewall or a power cut does. */
export interface SilentProxy {
  readonly port: number;
  /** How many connections were made so far. */
  readonly connections: number;
  /** From now on nothing passes on the connections that are there, and none of them ends; new ones work. */
  silence(): void;
  /** Ends the connections that are there. */
  cut(): void;
  /** From now on new connections go to another port. */
  retarget(port: number): void;
  /** Does something once, between a server's having done a command and its answer: the first command that holds some bytes. */
  before(answerTo: string, act: () => Promise<unknown>): void;
  close(): Promise<void>;
}

/** Starts one before a port of this machine. */
export async function startSilentProxy(target: number): Promise<SilentProxy> {
  const port = await freePort();
  const pairs = new Set<readonly [Socket, Socket]>();
  let [to, connections] = [target, 0];
  let awaited: { readonly command: string; readonly act: () => Promise<unknown> } | undefined;
  const server = createServer((client) => {
    connections += 1;
    const upstream = connect(to, '127.0.0.1');
    const pair = [client, upstream] as const;
    pairs.add(pair);
    let act: (() => Promise<unknown>) | undefined;
    client.on('data', (sent) => {
      if (awaited === undefined || !sent.includes(awaited.command)) return;
      act = awaited.act;
      awaited = undefined;
    });
    const answers = new Transform({
      transform(chunk, _, done) {
        const first = act;
        act = undefined;
        if (first === undefined) done(null, chunk);
        else void first().then(() => done(null, chunk));
      },
    });
    client.pipe(upstream).pipe(answers).pipe(client);
    for (const [from, into] of [pair, [upstream, client] as const]) {
      from.on('error', () => {});
      from.on('close', () => into.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    port,
    get connections() {
      return connections;
    },
    silence() {
      for (const [client, upstream] of pairs) {
        for (const socket of [client, upstream]) {
          socket.unpipe();
          socket.removeAllListeners('data');
          socket.pause();
        }
      }
    },
    cut() {
      for (const [client] of pairs) client.destroy();
    },
    retarget(next) {
      to = next;
    },
    before(command, act) {
      awaited = { command, act };
    },
    async close() {
      for (const pair of pairs) for (const socket of pair) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
