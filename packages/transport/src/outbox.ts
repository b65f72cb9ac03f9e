import { allocateBytes } from "@wireyard/framing";
import { soon } from "./soon.ts";

/**
 * Shared batches. What a link is given in one tick is an immutable sequence of chunks, a chain of nodes. Links that
 * were given the same chunks in the same order hold the same node, because appending the same chunk to the same
 * node gives the same next node. So the members of a room join their bytes once, whatever mix of rooms, groups and
 * exclusions made their sequences, and no code here knows what a room is.
 */
export class Batch {
  readonly previous: Batch | undefined;
  readonly chunk: Uint8Array;
  /** Bytes of this and all previous chunks. */
  readonly bytes: number;
  private next: Batch | undefined;
  private joined: Uint8Array | undefined;
  /** The joined bytes as a carrier frames them; kept here so that those who share a batch share them too. */
  framed: Uint8Array | undefined;

  constructor(previous: Batch | undefined, chunk: Uint8Array) {
    this.previous = previous;
    this.chunk = chunk;
    this.bytes = previous === undefined ? 0 : previous.bytes + chunk.length;
    this.next = undefined;
    this.joined = undefined;
    this.framed = undefined;
  }

  append(chunk: Uint8Array): Batch {
    const { next } = this;
    // Fan-out hands one chunk to all its receivers in a row, so remembering the last one is enough.
    if (next !== undefined && next.chunk === chunk) return next;
    this.next = new Batch(this, chunk);
    return this.next;
  }

  join(): Uint8Array {
    this.joined ??= this.chunk.length === this.bytes ? this.chunk : this.joinBehind(0);
    return this.joined;
  }

  /** The joined bytes in an array of their own, behind `start` bytes that are left free. */
  joinBehind(start: number): Uint8Array {
    const joined = allocateBytes(start + this.bytes);
    let end = joined.length;
    for (let node: Batch | undefined = this; node !== undefined; node = node.previous) {
      end -= node.chunk.length;
      joined.set(node.chunk, end);
    }
    return joined;
  }
}

/** Short copies are made in a loop: the call costs more than their bytes. */
const SHORT_BYTES = 48;
const COPIES_BYTES = 65_536;
/** Where copies of all links lie, in the order they came. Filled once and never again: its bytes may be on their way. */
let copies = new Uint8Array(COPIES_BYTES);
let copiesEnd = 0;

/** With more than this gathered, whoever makes it waits for the end of the tick: others are to have their turn soon. */
const TICK_BYTES = 4_194_304;

const NOTHING = new Uint8Array(0);

let root = new Batch(undefined, NOTHING);
let dirty: Outbox[] = [];
/** What all links were given in this tick. */
let tickBytes = 0;
let yielding: (() => void)[] = [];

/**
 * What every link begins with: gathers what it is given in a tick, and hands it on joined when the tick's reading is
 * done. A base class, not a part: one object less to fetch from memory for each member of a room.
 */
export abstract class Outbox {
  private tail: Batch | undefined = undefined;
  private scheduled = false;
  /** Copies that nothing has come behind: bytes of `copied` from `copiedStart` to `copiedEnd`. */
  private copied: Uint8Array | undefined = undefined;
  private copiedStart = 0;
  private copiedEnd = 0;

  /** Called once a tick with the joined bytes; with `undefined` where only `schedule` was called. */
  protected abstract send(bytes: Uint8Array | undefined): void;

  /** The bytes of a batch as they go out. */
  protected join(batch: Batch): Uint8Array {
    return batch.join();
  }

  /** Copies that are all of a tick, as they go out. */
  protected enclose(copies: Uint8Array): Uint8Array {
    return copies;
  }

  /** Bytes that wait for the end of this tick. */
  protected get gathered(): number {
    return (this.tail === undefined ? 0 : this.tail.bytes) + this.copiedEnd - this.copiedStart;
  }

  /** Gathers a chunk, which must not change any more. */
  protected gather(chunk: Uint8Array): void {
    if (this.copied !== undefined) this.closeCopies();
    this.tail = (this.tail ?? root).append(chunk);
    tickBytes += chunk.length;
    if (!this.scheduled) this.schedule();
  }

  /** Gathers a copy of lent bytes: what goes to one link alone costs no array and no batch of its own. */
  protected gatherCopy(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (length > COPIES_BYTES >> 2) {
      this.gather(bytes.slice(start, end));
      return;
    }
    if (copiesEnd + length > COPIES_BYTES) {
      copies = new Uint8Array(COPIES_BYTES);
      copiesEnd = 0;
    }
    const at = copiesEnd;
    copiesEnd = at + length;
    if (length > SHORT_BYTES) copies.set(bytes.subarray(start, end), at);
    else for (let i = 0; i < length; i++) copies[at + i] = bytes[start + i] as number;
    if (this.copied !== copies || this.copiedEnd !== at) {
      if (this.copied !== undefined) this.closeCopies();
      this.copied = copies;
      this.copiedStart = at;
    }
    this.copiedEnd = copiesEnd;
    if (!this.scheduled) this.schedule();
  }

  private closeCopies(): void {
    this.tail = (this.tail ?? root).append(this.takeCopies());
  }

  private takeCopies(): Uint8Array {
    const taken = (this.copied as Uint8Array).subarray(this.copiedStart, this.copiedEnd);
    this.copied = undefined;
    this.copiedStart = 0;
    this.copiedEnd = 0;
    return taken;
  }

  /** Asks for a flush at the end of this tick. */
  protected schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    // Immediates run after all of a tick's reads: what they cause on one link leaves together.
    if (dirty.push(this) === 1) soon(flushAll);
  }

  /** Drops what was gathered. */
  protected drop(): void {
    this.tail = undefined;
    if (this.copied !== undefined) this.takeCopies();
  }

  flush(): void {
    this.scheduled = false;
    const { tail } = this;
    if (tail === undefined) {
      this.send(this.copied === undefined ? undefined : this.enclose(this.takeCopies()));
      return;
    }
    if (this.copied !== undefined) this.closeCopies();
    const joined = this.join(this.tail as Batch);
    this.tail = undefined;
    this.send(joined);
  }
}

/** Whether this tick has so much to write that nothing more should be read in it. */
export function isTickFull(): boolean {
  return tickBytes > TICK_BYTES;
}

/** Has `goOn` called once this tick's bytes, of which there are some, are handed over. */
export function afterTick(goOn: () => void): void {
  yielding.push(goOn);
}

function flushAll(): void {
  const outboxes = dirty;
  dirty = [];
  root = new Batch(undefined, NOTHING);
  tickBytes = 0;
  for (const outbox of outboxes) outbox.flush();
  if (yielding.length === 0) return;
  const waiting = yielding;
  yielding = [];
  for (const goOn of waiting) goOn();
}
