import { HttpGuard, ProtocolError, VarIntFrameDecoder } from "@wireyard/framing";
import { ClientSide, nextStateOf } from "./client-side.ts";
import { decodeClientMessage } from "./codec.ts";
import { LegacyGuard } from "./legacy.ts";
import { type ClientMessage, type ClientPacket, MAX_PACKET_BYTES, type ServerMessage } from "./messages.ts";
import { NEXT_STATES, type State, transition } from "./state.ts";

export interface VarintConnectionOptions<Role extends "server" | "client"> {
  /** Which side this is: a server reads what clients say, a client what servers say. */
  role: Role;
}

type Incoming<Role> = Role extends "server" ? ClientMessage : ServerMessage;

/** One side of a VarInt state connection: bytes in, messages out. No socket, timer or clock. */
export class VarintConnection<Role extends "server" | "client"> {
  private readonly frames: VarIntFrameDecoder;
  /** Of a client. */
  private readonly client: ClientSide | undefined;
  private current: State = "default";
  private guard: HttpGuard | undefined;
  private http: boolean | undefined;
  /** There while the first bytes may be those of a legacy ping; `told`: they were, and nothing follows. */
  private legacy: LegacyGuard | "told" | undefined;

  constructor(options: VarintConnectionOptions<Role>) {
    this.frames = new VarIntFrameDecoder({ maxFrameBytes: MAX_PACKET_BYTES[options.role] });
    if (options.role === "server") {
      this.guard = new HttpGuard();
      this.legacy = new LegacyGuard();
    } else {
      this.client = new ClientSide();
      this.http = false;
    }
  }

  /**
   * Where the connection stands: for a server, behind the last message that `next` gave; for a client, where the
   * server is once it has read all that was said.
   */
  get state(): State {
    return this.client?.state ?? this.current;
  }

  get partial(): boolean {
    return this.frames.partial;
  }

  /** Server: whether time has to tell if what has come is a legacy ping: see `quiet`. */
  get undecided(): boolean {
    const { legacy } = this;
    return legacy !== undefined && legacy !== "told" && legacy.form !== undefined;
  }

  feed(chunk: Uint8Array): void {
    if (this.legacy !== undefined) {
      if (this.legacy === "told") return;
      if (this.legacy.check(chunk) === false) this.legacy = undefined;
    }
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
    if (this.legacy !== undefined && (this.legacy === "told" || this.legacy.certain)) {
      return this.takeLegacyPing() as Incoming<Role> | undefined;
    }
    const packet = this.frames.next();
    if (packet === undefined) return undefined;
    return (this.client === undefined ? this.fromClient(packet) : this.client.read(packet)) as Incoming<Role>;
  }

  /**
   * Server: the legacy ping that has come, where nothing more came for `LEGACY_QUIET_MS`; `undefined` where what has
   * come is none.
   *
   * @see PROTOCOL.md [VARINT-7.1]
   */
  quiet(): ClientMessage | undefined {
    return this.undecided ? this.takeLegacyPing() : undefined;
  }

  /**
   * Client: the bytes of what is said next. A Pong to it is told from a Ping of the server's by its payload.
   *
   * @throws {RangeError} where the state does not allow it, or a field cannot hold its value; nothing has changed
   */
  say(message: Role extends "client" ? ClientPacket : never): Uint8Array {
    return (this.client as ClientSide).say(message);
  }

  private fromClient(packet: Uint8Array): ClientMessage {
    const message = decodeClientMessage(packet, this.current);
    if (message.type === "unknown") return message;
    const nextState = nextStateOf(message);
    if (nextState !== undefined && NEXT_STATES[nextState] === undefined) {
      // [VARINT-2.2]
      throw new ProtocolError(
        "bad_next_state",
        `a handshake asks for the next state ${nextState}; 1 and 2 are served`,
      );
    }
    this.current = transition(this.current, message.type, nextState);
    return message;
  }

  private takeLegacyPing(): ClientMessage | undefined {
    if (this.legacy === undefined || this.legacy === "told") return undefined;
    const { form } = this.legacy;
    if (form === undefined) return undefined;
    this.legacy = "told";
    return { type: "legacy_ping", form };
  }
}
