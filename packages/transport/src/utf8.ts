/** Checks UTF-8 that comes in pieces, a code point cut anywhere, and holds none of it. */
export class Utf8Check {
  /** Bytes that the code point begun still needs. */
  private missing = 0;
  /** What its next byte may be: narrower than 80 to BF behind E0, ED, F0 and F4. */
  private low = 0x80;
  private high = 0xbf;

  /** Whether a code point has begun and is not complete. */
  get partial(): boolean {
    return this.missing > 0;
  }

  /** Whether the bytes from `start` up to `end` go on well. */
  accepts(bytes: Uint8Array, start: number, end: number): boolean {
    for (let at = start; at < end; at++) {
      const byte = bytes[at] as number;
      if (this.missing > 0) {
        if (byte < this.low || byte > this.high) return false;
        this.missing--;
        this.low = 0x80;
        this.high = 0xbf;
      } else if (byte >= 0x80 && !this.begins(byte)) return false;
    }
    return true;
  }

  private begins(byte: number): boolean {
    if (byte < 0xc2 || byte > 0xf4) return false;
    this.missing = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    // Overlong forms, surrogates, and what is beyond U+10FFFF.
    if (byte === 0xe0) this.low = 0xa0;
    else if (byte === 0xed) this.high = 0x9f;
    else if (byte === 0xf0) this.low = 0x90;
    else if (byte === 0xf4) this.high = 0x8f;
    return true;
  }
}
