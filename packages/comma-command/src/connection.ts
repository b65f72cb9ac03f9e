import { HttpGuard, LengthNulDecoder, ProtocolError } from "@wireyard/framing";
import { decodeClientMessage, readServerFrame } from "./codec.ts";
import type { ClientMessage, ServerMessage } from "./messages.ts";

export interface CommaConnectionOptions<Role extends "server" | "client"> {
  /** Which side this is: a server reads what clients say, a client what servers say. */
  role: Role;
  /** Longest data of a frame in bytes, its five header bytes not counted. */
  maxFrameBytes: number;
}

type Incoming<Role> = Role extends "server" ? ClientMessage : ServerMessage;

/** One side of a comma command connection: bytes in, messages out. No socket, timer or clock. */
export class CommaConnection<Role extends "server" | "client"> {
  private readonly frames: LengthNulDecoder;
  private readonly role: Role;
  private guard: HttpGuard | undefined;
  private http: boolean | undefined;

  constructor(options: CommaConnectionOptions<Role>) {
    this.role = options.role;
    this.frames = new LengthNulDecoder(options);
    if (options.role === "server") this.guard = new HttpGuard();
    else this.http = false;
  }

  /** Longest data of a frame in bytes; it grows when somebody has logged in. */
  set maxFrameBytes(bytes: number) {
    this.frames.maxFrameBytes = bytes;
  }

  get partial(): boolean {
    return this.frames.partial;
  }

  feed(chunk: Uint8Array): void {
    if (this.guard !== undefined) {
      this.http = this.guard.check(chunk);
      if (this.http === false) this.guard = undefined;
    }
    this.frames.feed(chunk);
  }

  keep(): void {
    this.frames.keep();
  }

  /**
   * The next message, or `undefined` while its bytes are missing. A client's message is a view of what was fed.
   *
   * @throws {ProtocolError} `http` [COMMA-1.8], `too_long` [COMMA-1.3], `bad_separator` [COMMA-1.2]; on a client
   *   `syntax` where a frame's data are not UTF-8 or end in a lone backslash
   */
  next(): Incoming<Role> | undefined {
    if (this.http !== false) {
      if (this.http === true) throw new ProtocolError("http", "the peer speaks HTTP");
      this.frames.keep();
      return undefined;
    }
    const data = this.frames.next();
    if (data === undefined) return undefined;
    if (this.role === "server") return decodeClientMessage(data) as Incoming<Role>;
    return readServerFrame(data) as Incoming<Role>;
  }
}
