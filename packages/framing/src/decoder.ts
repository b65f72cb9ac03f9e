/**
 * What every incremental decoder of this package does: bytes in, frames out, one at a time.
 *
 * `feed` adds bytes; `next` gives one frame's payload, or `undefined` while bytes are missing. Between the two
 * the caller may change a limit or stop. A chunk is lent until `next` has given `undefined` or `keep` was called.
 * A frame is a view of it: copy what is to be kept longer. A decoder that has thrown stays at the offending bytes.
 */
export interface FrameDecoder {
  feed(chunk: Uint8Array): void;
  /** @throws {ProtocolError} when the bytes cannot be, or grow into, a frame within the limit */
  next(): Uint8Array | undefined;
  /** Copies what is unread, so that the memory of fed chunks is their owner's again. Done by itself where `next` gives `undefined`. */
  keep(): void;
  /** Whether bytes of an unfinished frame are held: a frame's time runs from its first byte to its last. */
  readonly partial: boolean;
}
