import { Command } from 'ioredis';
import type { RedisScript } from './redis-scripts.ts';

/** A call of a script, written as Redis reads it. */
export interface ScriptCall {
  readonly script: RedisScript;
  readonly bytes: Buffer;
  /** Its first key: a Cluster knows the node by it. */
  readonly firstKey: Buffer;
}

/** Streams whose writes are held back until what runs now has run. */
const corked = new WeakSet<object>();

/** A command whose write waits for those that are sent right after it: one write is 10 µs of system. */
export class PlainCommand extends Command {
  constructor(name: string, args: readonly (string | Buffer)[], replyEncoding: BufferEncoding | null = 'utf8') {
    super(name, [...args], { replyEncoding });
  }

  override toWritable(stream: object): string | Buffer {
    if (isCorkable(stream) && !corked.has(stream)) {
      corked.add(stream);
      stream.cork();
      process.nextTick(() => {
        corked.delete(stream);
        stream.uncork();
      });
    }
    return this.written(stream);
  }

  /** The command as Redis reads it. */
  protected written(stream: object): string | Buffer {
    return super.toWritable(stream);
  }
}

/** A command whose bytes were made before: ioredis needs 30 µs for one of 25 arguments. */
export class ScriptCommand extends PlainCommand {
  readonly #bytes: Buffer;

  constructor({ script, bytes, firstKey }: ScriptCall) {
    super('EVALSHA', [script.sha1, '1', firstKey], null);
    this.#bytes = bytes;
  }

  protected override written(): Buffer {
    return this.#bytes;
  }
}

function isCorkable(stream: object): stream is { cork(): void; uncork(): void } {
  return 'cork' in stream && 'uncork' in stream;
}

/** `$<length>\r\n` of short arguments. */
const LENGTHS = Array.from({ length: 512 }, (_, length) => Buffer.from(`$${length}\r\n`));
const FIRST_BYTES = 16 * 1024;
/** Room after an argument for its end and a few short texts. */
const SPARE_BYTES = 256;

/** Writes calls of scripts: `*<arguments>`, then each argument as `$<bytes>`, in RESP's own form. */
export class CallWriter {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES);
  #at = 0;

  /** Begins a call with so many keys and so many arguments after them. */
  begin(script: RedisScript, keys: number, args: number): void {
    this.#at = 0;
    this.#put(`*${3 + keys + args}\r\n$7\r\nEVALSHA\r\n$40\r\n${script.sha1}\r\n`);
    this.text(String(keys));
  }

  /** An argument of ASCII letters and digits. */
  text(text: string): void {
    this.#length(text.length);
    this.#put(text);
    this.#end();
  }

  /** An argument of bytes. */
  bytes(bytes: Uint8Array): void {
    this.#length(bytes.length);
    this.#copy(bytes);
    this.#end();
  }

  /** A key of an epoch. @param names holds its id, four words from `at`. */
  key(prefix: Buffer, kind: string, names: Int32Array, at: number): void {
    this.#length(prefix.length + kind.length + 16);
    this.#copy(prefix);
    this.#put(kind);
    for (let word = at; word < at + 4; word += 1) {
      this.#at = this.#bytes.writeInt32LE(names[word] as number, this.#at);
    }
    this.#end();
  }

  /** The call's bytes. */
  finish(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#at));
  }

  #length(length: number): void {
    // Room for this argument whole, so that no part of it need ask again.
    const needed = this.#at + length + SPARE_BYTES;
    if (needed > this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes], needed * 2);
    const known = LENGTHS[length];
    if (known === undefined) this.#put(`$${length}\r\n`);
    else this.#copy(known);
  }

  #copy(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  #put(text: string): void {
    this.#at += this.#bytes.write(text, this.#at, 'latin1');
  }

  #end(): void {
    this.#bytes[this.#at] = 13;
    this.#bytes[this.#at + 1] = 10;
    this.#at += 2;
  }
}
