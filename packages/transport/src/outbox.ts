import { allocateBytes } from "@wireyard/framing";

/**
 * Shared batches. What a link is given in one tick is an immutable sequence of chunks, a chain of nodes. Links that
 * were given the same chunks in the same order hold the same node, because appending the same chunk to the same
 * node gives the same next node. So the members of a room join their bytes once, whatever mix of rooms, groups and
 * exclusions made their sequences, and no code here knows what a room is.
 */
class Batch {
  readonly previous: Batch | undefined;
  readonly chunk: Uint8Array;
  /** Bytes of this and all previous chunks. */
  readonly bytes: number;
  /** Whether all chunks lie one behind the other in one memory, as what was allocated in turn does. */
  private readonly adjacent: boolean;
  private next: Batch | undefined;
  private joined: Uint8Array | undefined;

  constructor(previous: Batch | undefined, chunk: Uint8Array) {
    this.previous = previous;
    this.chunk = chunk;
    if (previous === undefined || previous.bytes === 0) {
      this.bytes = chunk.length;
      this.adjacent = true;
    } else {
      const before = previous.chunk;
      this.bytes = previous.bytes + chunk.length;
      this.adjacent =
        previous.adjacent &&
        before.byteOffset + before.length === chunk.byteOffset &&
        before.buffer === chunk.buffer;
    }
    this.next = undefined;
    this.joined = undefined;
  }

  append(chunk: Uint8Array): Batch {
    const { next } = this;
    // Fan-out hands one chunk to all its receivers in a row, so remembering the last one is enough.
    if (next !== undefined && next.chunk === chunk) return next;
    this.next = new Batch(this, chunk);
    return this.next;
  }

  join(): Uint8Array {
    this.joined ??= this.adjacent ? this.span() : this.copy();
    return this.joined;
  }

  /** A view from the first chunk to this one: nothing is copied. */
  private span(): Uint8Array {
    const { chunk, bytes } = this;
    if (chunk.length === bytes) return chunk;
    return new Uint8Array(chunk.buffer, chunk.byteOffset + chunk.length - bytes, bytes);
  }

  private copy(): Uint8Array {
    const joined = allocateBytes(this.bytes);
    let end = this.bytes;
    for (let node: Batch | undefined = this; node !== undefined; node = node.previous) {
      end -= node.chunk.length;
      joined.set(node.chunk, end);
    }
    return joined;
  }
}

const NOTHING = new Uint8Array(0);

let root = new Batch(undefined, NOTHING);
let dirty: Outbox[] = [];

/**
 * What every link begins with: gathers what it is given in a tick, and hands it on joined when the tick's reading is
 * done. A base class, not a part: one object less to fetch from memory for each member of a room.
 */
export abstract class Outbox {
  private tail: Batch | undefined = undefined;
  private scheduled = false;

  /** Called once a tick with the joined bytes; with `undefined` where only `schedule` was called. */
  protected abstract send(bytes: Uint8Array | undefined): void;

  /** Bytes that wait for the end of this tick. */
  protected get gathered(): number {
    return this.tail === undefined ? 0 : this.tail.bytes;
  }

  protected gather(chunk: Uint8Array): void {
    this.tail = (this.tail ?? root).append(chunk);
    if (!this.scheduled) this.schedule();
  }

  /** Asks for a flush at the end of this tick. */
  protected schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    // Immediates run after all of a tick's reads: what they cause on one link leaves together.
    if (dirty.push(this) === 1) setImmediate(flushAll);
  }

  /** Drops what was gathered. */
  protected drop(): void {
    this.tail = undefined;
  }

  flush(): void {
    this.scheduled = false;
    const { tail } = this;
    this.tail = undefined;
    this.send(tail?.join());
  }
}

function flushAll(): void {
  const outboxes = dirty;
  dirty = [];
  root = new Batch(undefined, NOTHING);
  for (const outbox of outboxes) outbox.flush();
}
