const METHODS = [
  "GET ",
  "HEAD ",
  "POST ",
  "PUT ",
  "DELETE ",
  "CONNECT ",
  "OPTIONS ",
  "TRACE ",
  "PATCH ",
  "PRI ",
];

/**
 * Tells an HTTP request that came to a raw port by the first bytes of its stream.
 *
 * A browser can be led by any page to post chosen lines to any port, so such a connection is closed before one
 * of its lines is read. No protocol of ours can start with a method and a space.
 */
export class HttpGuard {
  private held = "";
  private result: "open" | "http" | "other" = "open";

  /** Whether the stream is HTTP; `undefined` while its first bytes fit both. Looks at eight bytes at the most. */
  check(chunk: Uint8Array): boolean | undefined {
    for (let i = 0; i < chunk.length && this.result === "open"; i++) {
      this.held += String.fromCharCode(chunk[i] as number);
      if (METHODS.includes(this.held)) this.result = "http";
      else if (!METHODS.some((method) => method.startsWith(this.held))) this.result = "other";
    }
    return this.result === "open" ? undefined : this.result === "http";
  }
}
