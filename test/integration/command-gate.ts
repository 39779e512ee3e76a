import { Cluster } from 'ioredis';
import { vi } from 'vitest';
import type { FeatureSet } from '../../src/features/feature-set.ts';
import { HOME_MODES, homeScript, partScript } from '../../src/features/redis/redis-cluster-correction-scripts.ts';
import { observeScript } from '../../src/features/redis/redis-scripts.ts';

/** What a command of a Cluster is for. */
export type CommandKind = 'home' | 'parts' | 'begin' | 'part' | 'end' | 'other';

/** A command that goes out, as ioredis has it. */
interface Sent {
  readonly name: string;
  readonly args: readonly unknown[];
  readonly promise: Promise<unknown>;
  toWritable(stream: object): string | Buffer;
  reject(error: Error): void;
}

/** What is done with a command: it goes out, its answer is lost and the server with it, the server is gone before it, or it waits. */
export type Fate = 'goes' | 'unanswered' | 'gone' | 'held';

/**
 * Stands between the clients of a Cluster and its nodes: a server "dies" between two commands, or one of its commands
 * waits until others have done theirs. Real commands of real clients; only when they go out is the test's.
 */
export class CommandGate {
  readonly #kinds: ReadonlyMap<string, CommandKind>;
  readonly #dead = new Set<object>();
  #fateOf: (kind: CommandKind, sent: number, bytes: Buffer) => Fate = () => 'goes';
  #sent = new Map<CommandKind, number>();
  #release: () => void = () => {};
  #released: Promise<void> = Promise.resolve();
  #noteHeld: (bytes: Buffer) => void = () => {};

  constructor(set: FeatureSet) {
    this.#kinds = new Map([
      [observeScript(set).sha1, 'home'],
      [partScript(set).sha1, 'part'],
      [homeScript().sha1, 'begin'],
    ]);
    const send = Cluster.prototype.sendCommand;
    const gate = this;
    vi.spyOn(Cluster.prototype, 'sendCommand').mockImplementation(function (this: Cluster, ...args) {
      return gate.#pass(this, args[0] as unknown as Sent, () => send.apply(this, args) as Promise<unknown>);
    });
  }

  /** From now on commands have a fate, by how many of their kind went out before. The first one that is told otherwise names the server that dies. */
  decide(fateOf: (kind: CommandKind, sent: number, bytes: Buffer) => Fate): void {
    this.#fateOf = fateOf;
    this.#sent = new Map();
  }

  /** Holds commands up that are told so. @returns what resolves with the bytes of the first, and what lets all go. */
  hold(fateOf: (kind: CommandKind, sent: number, bytes: Buffer) => Fate): {
    readonly held: Promise<Buffer>;
    release(): void;
  } {
    this.#released = new Promise((resolve) => {
      this.#release = resolve;
    });
    const held = new Promise<Buffer>((resolve) => {
      this.#noteHeld = resolve;
    });
    this.decide(fateOf);
    return {
      held,
      release: () => {
        this.decide(() => 'goes');
        this.#release();
      },
    };
  }

  /** Lets everything go out again; servers that are dead stay so. */
  open(): void {
    this.decide(() => 'goes');
  }

  close(): void {
    vi.restoreAllMocks();
  }

  #pass(client: object, command: Sent, send: () => Promise<unknown>): Promise<unknown> {
    if (this.#dead.has(client)) return lost(command);
    const bytes = Buffer.from(command.toWritable({}));
    const kind = this.#kindOf(command, bytes);
    const sent = this.#sent.get(kind) ?? 0;
    const fate = this.#fateOf(kind, sent, bytes);
    this.#sent.set(kind, sent + 1);
    if (fate === 'goes') return send();
    if (fate === 'held') {
      this.#noteHeld(bytes);
      return this.#released.then(send);
    }
    this.#dead.add(client);
    return fate === 'gone' ? lost(command) : send().then(() => Promise.reject(new Error('the server is gone')));
  }

  #kindOf({ name, args }: Sent, bytes: Buffer): CommandKind {
    const kind = name.toLowerCase() === 'evalsha' ? this.#kinds.get(String(args[0])) : undefined;
    const [, key = ''] = /\}:\d+:([em])/.exec(bytes.toString('latin1')) ?? [];
    if (kind === 'home') return key === 'm' ? 'parts' : 'home';
    if (kind !== 'begin') return kind ?? 'other';
    const isEnd = bytes.includes(`\r\n$1\r\n${HOME_MODES.end}\r\n$16\r\n`);
    return isEnd ? 'end' : 'begin';
  }
}

function lost(command: Sent): Promise<never> {
  const error = new Error('the server is gone');
  // The command's own promise is nobody's then.
  command.promise.catch(() => {});
  command.reject(error);
  return Promise.reject(error);
}
