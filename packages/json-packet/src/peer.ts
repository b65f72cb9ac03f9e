import { encodeText, ProtocolError } from "@wireyard/framing";
import {
  encodeOnce,
  type HubEvent,
  type MaybePromise,
  type Peer,
  type Phase,
  RefusedError,
  type Session,
} from "@wireyard/session";
import { type CloseReason, type Link, type PumpHandlers, pump, Requests } from "@wireyard/transport";
import type { ActionHandler } from "./actions.ts";
import { DeclinedError, isPromise, unknownAction } from "./binding.ts";
import { JsonPacketConnection } from "./connection.ts";
import { type Connection, makePacket, type PacketContext, PROTOCOL } from "./context.ts";
import { wellFormed } from "./encoder.ts";
import { badEncryption } from "./keys.ts";
import {
  ACTIONS,
  credentialsOf,
  ERRORS,
  type ErrorCode,
  FIELD_FORMS,
  type ServerMessage,
} from "./messages.ts";
import type { Packet } from "./packet.ts";
import { PacketView } from "./packet-view.ts";
import { PeerEncryption, publicKeyOf } from "./server-encryption.ts";
import { errorCode } from "./translate.ts";

/** How long a client may stay silent before the server shakes hands unasked. [JSON-3.3] */
const SILENCE_MS = 500;

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
export class PacketPeer implements Peer, Connection, PumpHandlers<PacketView> {
  readonly session: Session;
  readonly #token = crypto.randomUUID();
  /** The same as it comes in: once for all packets that are compared with it. */
  readonly #tokenBytes = encodeText(this.#token);
  readonly #context: PacketContext;
  private readonly link: Link;
  private readonly connection: JsonPacketConnection;
  /** From the client's public key on; where packets have to be encrypted, from the start. */
  private encryption: PeerEncryption | undefined;
  /** The operator's pings, once there was one. */
  private pings: Requests<"PING", Packet> | undefined;
  private pending: Pending | undefined;
  /** Why the connection is to close once the pending request is answered. */
  private leaving: string | undefined;
  private state: "new" | "registered" | "closing" = "new";

  constructor(context: PacketContext, link: Link) {
    const { hub, encryption } = context;
    this.#context = context;
    if (encryption === "required") this.encryption = new PeerEncryption(encryption);
    this.link = link;
    this.session = hub.open({
      protocol: PROTOCOL,
      transport: link.transport,
      remoteAddress: link.remoteAddress,
      peer: this,
    });
    this.connection = new JsonPacketConnection({
      role: "server",
      maxPacketBytes: hub.limits.preLoginFrameBytes,
    });
  }

  get token(): string {
    return this.#token;
  }

  get encrypted(): boolean {
    return this.encryption?.state === "on";
  }

  start(): void {
    const { encryption, hub } = this.#context;
    const { limits } = hub;
    const { deadlines } = this.session;
    // Who has to encrypt has to speak first.
    if (encryption !== "required") deadlines.start("silence", SILENCE_MS);
    deadlines.start("idle", limits.idleTimeoutMs);
    pump(this.link, this.connection, this);
  }

  sendPacket(packet: Packet): void {
    this.write(this.#context.encoder.encode(packet));
  }

  async ping(): Promise<number> {
    if (this.state === "closing") throw new Error("the client is gone");
    this.pings ??= new Requests(this.#context.hub.limits.requestTimeoutMs);
    const start = performance.now();
    // Before the packet is sent: that may be what cuts the link.
    const pong = this.pings.ask(ACTIONS.ping);
    this.sendPacket(makePacket(ACTIONS.ping));
    await pong;
    return performance.now() - start;
  }

  /** The client's answer to a `PING`. */
  pong(packet: Packet): void {
    this.pings?.answer(() => true, packet);
  }

  /** Sends a line, encrypted where this client encrypts. */
  write(line: Uint8Array): void {
    if (this.encryption === undefined) {
      this.link.write(line);
      return;
    }
    const sealed = this.encryption.seal(line);
    if (sealed !== undefined) this.link.write(sealed);
    // The key is used up. [JSON-8.10]
    else this.link.destroy();
  }

  deliver(event: HubEvent): void {
    // Before the handshake a client knows of nothing.
    if (this.state === "registered") this.write(encodeOnce(event, this.#context.encodeEvent));
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

  event(packet: PacketView): void | Promise<void> {
    // Closed by what came before it in the same chunk.
    if (this.state === "closing") return;
    // The packet is complete. The pump would tell so only after the whole chunk, which may have to wait.
    this.session.deadlines.clear("frame");
    if (this.encryption !== undefined && !this.encryption.admits(packet)) throw badEncryption();
    return this.take(packet);
  }

  /** Does what a packet asks for, however it came. */
  private take(packet: PacketView): void | Promise<void> {
    const { actions } = this.#context;
    const action = actions.find(packet) ?? actions.wildcard;
    if (action?.open) return action.run(this, packet);
    const { missing } = packet;
    if (this.state === "new" && missing !== "action") {
      this.answerError("not_registered", ERRORS.not_registered);
    } else if (missing !== undefined) {
      this.answerError("missing_field", `${missing}: ${FIELD_FORMS[missing]}`);
    } else if (!packet.hasToken(this.#tokenBytes)) {
      this.answerError("bad_token", ERRORS.bad_token);
    } else if (action === undefined) {
      this.refuse(packet.action, unknownAction(packet.action));
    } else {
      return action.run(this, packet);
    }
  }

  settled(partial: boolean, events: number): void {
    this.session.counts.received += events;
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
    const exchanging = this.encryption !== undefined && this.encryption.state !== "plain";
    if (code === "bad_encryption" || (exchanging && code !== "http")) {
      // [JSON-8.9] Where packets are encrypted, whatever is none is the same.
      this.endWith("bad_encryption", ERRORS.bad_encryption);
    } else if (code === "bad_json" || code === "too_long" || code === "too_deep") {
      this.endWith(code, error.message);
    } else {
      this.end();
    }
  }

  /** The connection is gone, or as good as. */
  closed(reason?: CloseReason): void {
    this.state = "closing";
    this.pending = undefined;
    this.pings?.refuseAll(new Error("the client is gone"));
    this.#context.clients.delete(this.#token);
    this.#context.hub.close(this.session, reason === "slow_reader");
  }

  /** [JSON-3.1] to [JSON-3.5] */
  handShake(packet: PacketView): MaybePromise<void> {
    this.#context.hub.admit(this.session);
    const publicKey = publicKeyOf(packet);
    if (publicKey !== undefined && this.#context.encryption !== "off" && !this.encrypted) {
      return this.offerKeys(publicKey);
    }
    const credentials = credentialsOf(packet.data);
    if (credentials === undefined) {
      this.register();
      return;
    }
    const { username, password } = credentials;
    const login = this.#context.hub.login(this.session, username, password);
    return this.wait(ACTIONS.handShake, login, () => this.register());
  }

  /** [JSON-8.7] Opens what an encrypted packet holds, and does what it asks for. */
  openPacket(packet: PacketView): void | Promise<void> {
    if (this.encryption === undefined) throw badEncryption();
    const inner = this.encryption.open(packet);
    return isPromise(inner) ? inner.then((first) => this.takeInner(first)) : this.takeInner(inner);
  }

  /** Answers with the data of the packet, byte for byte. */
  echo(head: Uint8Array, packet: PacketView): void {
    this.write(this.#context.encoder.answer(head, packet));
  }

  /** Runs a bound handler and sends what it returns. */
  handle(
    name: string,
    head: Uint8Array,
    handler: ActionHandler<Connection>,
    packet: PacketView,
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

  private takeInner(packet: PacketView): void | Promise<void> {
    if (this.state === "closing") return;
    if (packet.action === ACTIONS.encrypted) throw badEncryption();
    return this.take(packet);
  }

  /** [JSON-8.2] */
  private async offerKeys(publicKey: unknown): Promise<void> {
    const { encryption, encryptKeys } = this.#context;
    this.encryption ??= new PeerEncryption(encryption);
    const data = await this.encryption.offer(encryptKeys(), publicKey);
    if (this.state !== "closing") this.say({ action: "handShake", data });
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
    if (result instanceof PacketView) this.echo(head, result);
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
          if (late && !(error instanceof RefusedError || error instanceof DeclinedError))
            hub.report(`the JSON packet action ${shown(name)} failed late`, error);
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
    this.write(this.#context.encoder.message(message));
  }

  private answerError(code: ErrorCode, message: string): void {
    this.say({ action: "error", data: { code, message: wellFormed(message) } });
  }

  /** What is not a refusal is the operator's to read, not the client's. */
  private refuse(name: string, error: unknown): void {
    if (error instanceof RefusedError || error instanceof DeclinedError) {
      this.answerError(error instanceof DeclinedError ? error.code : errorCode(error), error.message);
      return;
    }
    this.#context.hub.report(`the JSON packet action ${shown(name)} failed`, error);
    this.answerError("unhandled", ERRORS.unhandled);
  }

  private endWith(code: ErrorCode, message: string): void {
    if (this.state !== "closing") this.answerError(code, message);
    this.end();
  }
}

/** An action for the log: with `*` bound, it is the client's to choose. */
function shown(action: string): string {
  return JSON.stringify(action.slice(0, 64));
}
