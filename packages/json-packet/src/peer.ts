import { ProtocolError } from "@wireyard/framing";
import {
  encodeOnce,
  type Hub,
  type HubEvent,
  type MaybePromise,
  type Peer,
  type Phase,
  RefusedError,
  type Session,
  UsageError,
} from "@wireyard/session";
import { type Link, type PumpHandlers, pump } from "@wireyard/transport";
import type { ActionHandler, ActionTable } from "./actions.ts";
import { createPacket, type PacketEncoder, wellFormed } from "./codec.ts";
import { JsonPacketConnection } from "./connection.ts";
import {
  ACTIONS,
  type Credentials,
  ERRORS,
  type ErrorCode,
  FIELD_FORMS,
  type ServerMessage,
} from "./messages.ts";
import { Packet } from "./packet.ts";
import { errorCode } from "./translate.ts";

export const PROTOCOL = "json-packet";

/** How long a client may stay silent before the server shakes hands unasked. [JSON-3.3] */
const SILENCE_MS = 500;

/** A client, as handlers see it. */
export interface Connection {
  /** The client's secret: not to be listed, logged or told to anybody else. */
  readonly token: string;
  /** The hub's session: its id, its user where it logged in, its room. */
  readonly session: Session;
  /** Sends a packet. One that came in goes on with its data byte for byte, never with its token. */
  sendPacket(packet: Packet): void;
  /** Tells the client `reason` and closes, once the request at hand is answered. */
  close(reason: string): void;
}

/** What is done with packets of one name. */
export interface Action {
  /** Whether it needs no handshake, token or field. */
  readonly open: boolean;
  run(peer: PacketPeer, packet: Packet): void | Promise<void>;
}

/** Everything the service's peers share. */
export interface PacketContext {
  readonly hub: Hub;
  /** The server's own token, for as long as it lives. */
  readonly token: string;
  readonly encoder: PacketEncoder;
  readonly actions: ActionTable<Action>;
  readonly clients: Map<string, PacketPeer>;
  /** One function for the whole service: an event is encoded once for all its peers. */
  readonly encodeEvent: (event: HubEvent) => Uint8Array;
}

/** A request whose handler has not finished. */
interface Pending {
  /** Lets the next request come. */
  resolve(): void;
}

/** The request of a handler that is running: it returns before anything else can. */
const RUNNING: Pending = { resolve() {} };

/**
 * One client: its packets go to handlers, their results and the hub's events become packets.
 *
 * What leads to a token is private to the last: a connection that is logged shows none.
 */
export class PacketPeer implements Peer, Connection, PumpHandlers<Packet> {
  readonly session: Session;
  readonly #token = crypto.randomUUID();
  readonly #context: PacketContext;
  private readonly link: Link;
  private readonly connection: JsonPacketConnection;
  private pending: Pending | undefined;
  /** Why the connection is to close once the pending request is answered. */
  private leaving: string | undefined;
  private state: "new" | "registered" | "closing" = "new";

  constructor(context: PacketContext, link: Link) {
    const { hub } = context;
    this.#context = context;
    this.link = link;
    this.session = hub.open({ protocol: PROTOCOL, remoteAddress: link.remoteAddress, peer: this });
    this.connection = new JsonPacketConnection({
      role: "server",
      maxPacketBytes: hub.limits.preLoginFrameBytes,
    });
  }

  get token(): string {
    return this.#token;
  }

  start(): void {
    const { limits } = this.#context.hub;
    const { deadlines } = this.session;
    deadlines.start("silence", SILENCE_MS);
    deadlines.start("idle", limits.idleTimeoutMs);
    pump(this.link, this.connection, this);
  }

  sendPacket(packet: Packet): void {
    this.link.write(this.#context.encoder.encode(packet));
  }

  write(bytes: Uint8Array): void {
    this.link.write(bytes);
  }

  deliver(event: HubEvent): void {
    // Before the handshake a client knows of nothing.
    if (this.state === "registered") this.link.write(encodeOnce(event, this.#context.encodeEvent));
  }

  expired(phase: Phase): void {
    const { limits } = this.#context.hub;
    switch (phase) {
      case "silence": // [JSON-3.3]
        if (this.state === "new") this.register();
        return;
      case "frame": // [JSON-6.2]
        this.endWith("timeout", `a packet took longer than ${limits.frameTimeoutMs} ms`);
        return;
      case "idle": // [JSON-6.3]
        this.endWith("timeout", `nothing came in for ${limits.idleTimeoutMs} ms`);
        return;
      case "request": // [JSON-6.4]
        if (this.pending === undefined) return;
        this.answerError("timeout", `the request took longer than ${limits.requestTimeoutMs} ms`);
        this.finish(this.pending);
        return;
      case "login":
      case "ping":
        // Phases of other protocols: never started here.
        return;
    }
  }

  close(reason: string): void {
    if (this.state === "closing") return;
    // A request that was taken is answered: its time limit bounds the wait.
    if (this.pending !== undefined) {
      this.leaving ??= reason;
      return;
    }
    this.say({ action: "disconnect", data: wellFormed(reason) });
    this.end();
  }

  event(packet: Packet): void | Promise<void> {
    // Closed by what came before it in the same chunk.
    if (this.state === "closing") return;
    // The packet is complete. The pump would tell so only after the whole chunk, which may have to wait.
    this.session.deadlines.clear("frame");
    const action = this.#context.actions.find(packet);
    if (action?.open) return action.run(this, packet);
    const { missing } = packet;
    if (missing !== undefined) {
      this.answerError("missing_field", `${missing}: ${FIELD_FORMS[missing]}`);
    } else if (this.state === "new") {
      this.answerError("not_registered", ERRORS.not_registered);
    } else if (!packet.hasToken(this.#token)) {
      this.answerError("bad_token", ERRORS.bad_token);
    } else if (action === undefined) {
      this.answerError("unknown_action", `no handler is bound to the action "${packet.action.slice(0, 64)}"`);
    } else {
      return action.run(this, packet);
    }
  }

  settled(partial: boolean, events: number): void {
    const { limits } = this.#context.hub;
    const { deadlines } = this.session;
    deadlines.clear("silence");
    deadlines.touch("idle", limits.idleTimeoutMs);
    deadlines.frame(partial, events, limits.frameTimeoutMs);
  }

  /** [JSON-1.3] to [JSON-1.9] The wire is broken, so the connection ends. */
  failed(error: unknown): void {
    if (!(error instanceof ProtocolError)) {
      this.#context.hub.report("a JSON packet connection failed", error);
      this.link.destroy();
      return;
    }
    const { code } = error;
    if (code === "bad_json" || code === "too_long" || code === "too_deep") this.endWith(code, error.message);
    else this.end();
  }

  /** The connection is gone, or as good as. */
  closed(): void {
    this.state = "closing";
    this.pending = undefined;
    this.#context.clients.delete(this.#token);
    this.#context.hub.close(this.session);
  }

  /** [JSON-3.1] to [JSON-3.5] */
  handShake(packet: Packet): MaybePromise<void> {
    const credentials = credentialsOf(packet.data);
    if (credentials === undefined) {
      this.register();
      return;
    }
    const { username, password } = credentials;
    const login = this.#context.hub.login(this.session, username, password);
    return this.wait(ACTIONS.handShake, login, () => this.register());
  }

  /** Answers with the data of the packet, byte for byte. */
  echo(head: Uint8Array, packet: Packet): void {
    this.link.write(this.#context.encoder.answer(head, packet));
  }

  /** Runs a bound handler and sends what it returns. */
  handle(
    name: string,
    head: Uint8Array,
    handler: ActionHandler<Connection>,
    packet: Packet,
  ): void | Promise<void> {
    this.pending = RUNNING;
    try {
      const result = handler(packet.data, this, packet);
      if (isPromise(result)) {
        // The packet's memory is the pump's again when this returns, and the handler goes on.
        packet.keep();
        return this.wait(name, result, (value) => this.reply(name, head, value));
      }
      this.reply(name, head, result);
    } catch (error) {
      this.refuse(name, error);
    }
    this.finish(RUNNING);
  }

  end(): void {
    if (this.state === "closing") return;
    this.closed();
    this.link.end();
  }

  /** [JSON-3.2] Answers the handshake, whoever began it. Exactly once. */
  private register(): void {
    if (this.state !== "new") return;
    this.state = "registered";
    const { clients, hub, token } = this.#context;
    this.connection.maxPacketBytes = hub.limits.frameBytes;
    clients.set(this.#token, this);
    const data = { status: "success", uuid: this.#token, remoteToken: token } as const;
    this.say({ action: "handShake", data });
  }

  private reply(name: string, head: Uint8Array, result: unknown): void {
    if (result === undefined) return;
    if (result instanceof Packet) this.echo(head, result);
    else this.sendPacket(makePacket(name, result));
  }

  /** Lets no further request of this client come before this one is done: answers keep the requests' order. */
  private wait<T>(name: string, result: PromiseLike<T>, done: (value: T) => void): Promise<void> {
    const { hub } = this.#context;
    const { deadlines } = this.session;
    deadlines.clear("silence");
    deadlines.start("request", hub.limits.requestTimeoutMs);
    return new Promise((resolve) => {
      const pending: Pending = { resolve };
      this.pending = pending;
      const settle = (act: () => void): void => {
        // Answered `timeout`, or nobody is left to answer.
        if (this.pending !== pending) return;
        try {
          act();
        } catch (error) {
          this.refuse(name, error);
        }
        this.finish(pending);
      };
      Promise.resolve(result).then(
        (value) => settle(() => done(value)),
        (error: unknown) => {
          const late = this.pending !== pending;
          if (late && !(error instanceof RefusedError))
            hub.report(`the JSON packet action "${name}" failed late`, error);
          settle(() => this.refuse(name, error));
        },
      );
    });
  }

  private finish(pending: Pending): void {
    this.pending = undefined;
    this.session.deadlines.clear("request");
    if (this.leaving !== undefined) this.close(this.leaving);
    pending.resolve();
  }

  private say(message: ServerMessage): void {
    this.link.write(this.#context.encoder.message(message));
  }

  private answerError(code: ErrorCode, message: string): void {
    this.say({ action: "error", data: { code, message: wellFormed(message) } });
  }

  /** What is not a refusal is the operator's to read, not the client's. */
  private refuse(name: string, error: unknown): void {
    if (error instanceof RefusedError) {
      this.answerError(errorCode(error), error.message);
      return;
    }
    this.#context.hub.report(`the JSON packet action "${name}" failed`, error);
    this.answerError("unhandled", ERRORS.unhandled);
  }

  private endWith(code: ErrorCode, message: string): void {
    if (this.state !== "closing") this.answerError(code, message);
    this.end();
  }
}

/** Makes a packet of what an operator gave. @throws {UsageError} */
export function makePacket(name: string, data?: unknown): Packet {
  try {
    return createPacket(name, data);
  } catch (error) {
    throw error instanceof TypeError ? new UsageError(error.message) : error;
  }
}

/** The name and password in the data of a handshake; `undefined` where there are none. */
function credentialsOf(data: unknown): Credentials | undefined {
  const { username, password } = (data ?? {}) as Record<string, unknown>;
  return typeof username === "string" && typeof password === "string" ? { username, password } : undefined;
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}
