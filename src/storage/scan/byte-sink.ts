import { AsyncByteQueue } from 'apache-arrow';

/** Keeps what an Arrow writer writes until it is taken: the library's own queue can only be waited for. */
export class ByteSink extends AsyncByteQueue {
  #pieces: Uint8Array[] = [];

  override write(value: Uint8Array): void {
    this.#pieces.push(value);
  }

  /** The bytes since the last call. */
  take(): readonly Uint8Array[] {
    const taken = this.#pieces;
    this.#pieces = [];
    return taken;
  }
}
