import { HttpGuard, isUtf8, LineDecoder, ProtocolError } from "@wireyard/framing";
import { type Dialect, decodeClientMessage, decodeServerMessage } from "./codec.ts";
import type { ClientMessage, ServerMessage } from "./messages.ts";

export interface ColonConnectionOptions<Role extends "server" | "client"> extends Partial<Dialect> {
  /** Which side this is: a server reads what clients say, a client what servers say. */
  role: Role;
  /** Longest line in bytes, its end not counted. */
  maxLineBytes: number;
}

type Incoming<Role> = Role extends "server" ? ClientMessage : ServerMessage;

/** One side of a colon relay connection: bytes in, messages out. No socket, timer or clock. */
export class ColonConnection<Role extends "server" | "client"> {
  private readonly lines: LineDecoder;
  private readonly role: Role;
  private readonly dialect: Dialect;
  private guard: HttpGuard | undefined;
  private http: boolean | undefined;

  constructor(options: ColonConnectionOptions<Role>) {
    this.role = options.role;
    this.dialect = { usernames: options.usernames ?? false };
    this.lines = new LineDecoder(options);
    if (options.role === "server") this.guard = new HttpGuard();
    else this.http = false;
  }

  /** Longest line in bytes; it grows when somebody has logged in. */
  set maxLineBytes(bytes: number) {
    this.lines.maxLineBytes = bytes;
  }

  get partial(): boolean {
    return this.lines.partial;
  }

  feed(chunk: Uint8Array): void {
    if (this.guard !== undefined) {
      this.http = this.guard.check(chunk);
      if (this.http === false) this.guard = undefined;
    }
    this.lines.feed(chunk);
  }

  keep(): void {
    this.lines.keep();
  }

  /**
   * The next message, or `undefined` while its bytes are missing. Its `body` is a view of what was fed.
   *
   * @throws {ProtocolError} `http` [COLON-1.5], `too_long` [COLON-1.3], `syntax` where a line is not UTF-8 [COLON-1.4]
   */
  next(): Incoming<Role> | undefined {
    if (this.http !== false) {
      if (this.http === true) throw new ProtocolError("http", "the peer speaks HTTP");
      this.lines.keep();
      return undefined;
    }
    const line = this.lines.next();
    if (line === undefined) return undefined;
    if (!isUtf8(line)) throw new ProtocolError("syntax", "a line is not UTF-8");
    return (
      this.role === "server" ? decodeClientMessage(line) : decodeServerMessage(line, this.dialect)
    ) as Incoming<Role>;
  }
}
