const EMPTY = new Uint8Array(0);
const SMALLEST = 256;

/**
 * The unread bytes of a stream.
 *
 * A chunk is borrowed while it lasts; only an unfinished rest is copied, into memory of this buffer's own that
 * doubles as it grows. So a frame inside one chunk is never copied, a byte that drips in costs its own size and
 * not its chunk's, and whoever feeds may use a chunk's memory again once `keep` was called.
 */
export class StreamBuffer {
  /** Unread bytes are `bytes[start]` up to the end of `bytes`. Replaced by `push`. */
  bytes: Uint8Array = EMPTY;
  start = 0;
  #storage: Uint8Array<ArrayBuffer> | undefined;
  /** Of `bytes`: asked for once, because asking is a call out of compiled code. */
  #memory: ArrayBufferLike | undefined;

  get length(): number {
    return this.bytes.length - this.start;
  }

  /** A view of `length` bytes from `start` of `bytes` on. */
  view(start: number, length: number): Uint8Array {
    this.#memory ??= this.bytes.buffer;
    return new Uint8Array(this.#memory, this.bytes.byteOffset + start, length);
  }

  /** Adds a chunk behind what is unread. */
  push(chunk: Uint8Array): void {
    if (this.length === 0) {
      this.#borrow(chunk);
      return;
    }
    const size = this.length + chunk.length;
    let storage = this.#storage;
    if (storage === undefined || this.bytes.length + chunk.length > storage.length) {
      storage = this.#move(size + (size >> 1));
    }
    this.#memory = undefined;
    storage.set(chunk, this.bytes.length);
    this.bytes = new Uint8Array(storage.buffer, 0, this.bytes.length + chunk.length);
  }

  /** Takes the next `length` bytes, which must be there. A view: copy it to keep it. */
  take(length: number): Uint8Array {
    const { start } = this;
    this.start = start + length;
    return this.view(start, length);
  }

  /** Copies what is unread out of a borrowed chunk, so that the chunk's memory is free again. */
  keep(): void {
    if (this.length === 0) this.#borrow(EMPTY);
    else if (this.#storage === undefined) this.#move(this.length);
  }

  /** Has a chunk, and nothing else. */
  #borrow(chunk: Uint8Array): void {
    this.#memory = undefined;
    this.#storage = undefined;
    this.bytes = chunk;
    this.start = 0;
  }

  /** Copies what is unread into new memory for `size` bytes. */
  #move(size: number): Uint8Array<ArrayBuffer> {
    const rest = this.length;
    const storage = new Uint8Array(Math.max(SMALLEST, size));
    storage.set(this.bytes.subarray(this.start));
    this.#memory = undefined;
    this.#storage = storage;
    this.bytes = new Uint8Array(storage.buffer, 0, rest);
    this.start = 0;
    return storage;
  }
}
