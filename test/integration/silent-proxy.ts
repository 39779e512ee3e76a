import { connect, createServer, type Socket } from 'node:net';
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
  close(): Promise<void>;
}

/** Starts one before a port of this machine. */
export async function startSilentProxy(target: number): Promise<SilentProxy> {
  const port = await freePort();
  const pairs = new Set<readonly [Socket, Socket]>();
  let [to, connections] = [target, 0];
  const server = createServer((client) => {
    connections += 1;
    const upstream = connect(to, '127.0.0.1');
    const pair = [client, upstream] as const;
    pairs.add(pair);
    for (const [from, into] of [pair, [upstream, client] as const]) {
      from.pipe(into);
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
    async close() {
      for (const pair of pairs) for (const socket of pair) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
