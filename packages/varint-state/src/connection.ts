import { HttpGuard, ProtocolError, VarIntFrameDecoder } from "@wireyard/framing";
import { decodeClientMessage, decodeServerMessage, encodeClientMessage, readLong } from "./codec.ts";
import type { ClientMessage, ServerMessage } from "./messages.ts";
import { type State, transition } from "./state.ts";

export interface VarintConnectionOptions<Role extends "server" | "client"> {
  /** Which side this is: a server reads what clients say, a client what servers say. */
  role: Role;
}

/** Longest packet in bytes, its length not counted: a client reads Responses of any length. [VARINT-1.4] */
export const MAX_PACKET_BYTES = Object.freeze({ server: 65_536, client: 131_072 });

/** The one next state of a handshake that is served. */
export const STATUS_STATE = 1;

/** Most Pings of a client's that may wait for their Pongs. */
const MAX_AWAITED = 1_024;

type Incoming<Role> = Role extends "server" ? ClientMessage : ServerMessage;
type Sayable = Exclude<ClientMessage, { type: "unknown" }>;

/** One side of a VarInt state connection: bytes in, messages out. No socket, timer or clock. */
export class VarintConnection<Role extends "server" | "client"> {
  private readonly frames: VarIntFrameDecoder;
  private readonly role: Role;
  private current: State = "default";
  private guard: HttpGuard | undefined;
  private http: boolean | undefined;
  /** Payloads of a client's Pings that wait for their Pongs, oldest first. */
  private readonly awaited: bigint[] = [];

  constructor(options: VarintConnectionOptions<Role>) {
    this.role = options.role;
    this.frames = new VarIntFrameDecoder({ maxFrameBytes: MAX_PACKET_BYTES[options.role] });
    if (options.role === "server") this.guard = new HttpGuard();
    else this.http = false;
  }

  /**
   * Where the connection stands: for a server, behind the last message that `next` gave; for a client, where the
   * server is once it has read all that was said.
   */
  get state(): State {
    return this.current;
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
   * The next message, or `undefined` while its bytes are missing. The `payload` of a Ping is a view of what was fed.
   *
   * @throws {ProtocolError} with a code of `ERRORS`
   */
  next(): Incoming<Role> | undefined {
    if (this.http !== false) {
      if (this.http === true) throw new ProtocolError("http", "the peer speaks HTTP");
      this.frames.keep();
      return undefined;
    }
    const packet = this.frames.next();
    if (packet === undefined) return undefined;
    return (this.role === "server" ? this.fromClient(packet) : this.fromServer(packet)) as Incoming<Role>;
  }

  /**
   * Client: the bytes of what is said next. A Pong to it is told from a Ping of the server's by its payload.
   *
   * @throws {RangeError} where the state does not allow it, or a field cannot hold its value; nothing has changed
   */
  say(message: Role extends "client" ? Sayable : never): Uint8Array {
    const said: Sayable = message;
    const state = transition(this.current, said.type);
    const packet = encodeClientMessage(said);
    if (said.type === "ping") {
      if (this.awaited.length === MAX_AWAITED) {
        throw new RangeError(`${MAX_AWAITED} Pings are unanswered; at most that many may be`);
      }
      this.awaited.push(readLong(said.payload));
    }
    this.current = state;
    return packet;
  }

  private fromClient(packet: Uint8Array): ClientMessage {
    const message = decodeClientMessage(packet, this.current);
    if (message.type === "unknown") return message;
    if (message.type === "handshake" && message.nextState !== STATUS_STATE) {
      // [VARINT-2.2]
      const { nextState } = message;
      throw new ProtocolError(
        "bad_next_state",
        `a handshake asks for the next state ${nextState}; 1 is served`,
      );
    }
    this.current = transition(this.current, message.type);
    return message;
  }

  private fromServer(packet: Uint8Array): ServerMessage {
    return decodeServerMessage(packet, (payload) => {
      const at = this.awaited.indexOf(payload);
      if (at < 0) return false;
      // Answers keep the order of what they answer: an older Ping will get none any more.
      this.awaited.splice(0, at + 1);
      return true;
    });
  }
}
