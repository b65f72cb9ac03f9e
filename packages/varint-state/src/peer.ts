import { ProtocolError } from "@wireyard/framing";
import type { Hub, HubEvent, Peer, Phase, Session } from "@wireyard/session";
import { type CloseReason, type Link, type PumpHandlers, pump } from "@wireyard/transport";
import { type Answers, LOGIN_DISCONNECT } from "./answers.ts";
import { encodeEcho, longBytes } from "./codec.ts";
import { VarintConnection } from "./connection.ts";
import { LEGACY_QUIET_MS } from "./legacy.ts";
import type { ClientMessage } from "./messages.ts";
import { ServerPings } from "./server-pings.ts";
import type { State } from "./state.ts";

export const PROTOCOL = "varint-state";

/** How long a client that never handshook is sent nothing unasked. [VARINT-6.2] */
const QUIET_MS = 500;
/** So many keep-alive Pings in a row without a Pong, and the client is cut. [VARINT-6.4] */
const MAX_UNANSWERED = 5;

/** Everything the service's peers share. */
export interface VarintContext {
  readonly hub: Hub;
  readonly keepAliveMs: number;
  readonly peers: Set<VarintPeer>;
  readonly answers: Answers;
}

/** One client: its messages are answered here; of the hub's events its wire has no word for any. */
export class VarintPeer implements Peer, PumpHandlers<ClientMessage> {
  readonly session: Session;
  readonly pings: ServerPings;
  private readonly context: VarintContext;
  private readonly link: Link;
  private readonly connection = new VarintConnection({ role: "server" });
  private phase: "open" | "closing" = "open";
  /** Keep-alive Pings in a row without a Pong. */
  private unanswered = 0;

  constructor(context: VarintContext, link: Link) {
    this.context = context;
    this.link = link;
    this.session = context.hub.open({
      protocol: PROTOCOL,
      transport: link.transport,
      remoteAddress: link.remoteAddress,
      peer: this,
    });
    this.pings = new ServerPings(link, context.hub.wheel.clock);
  }

  get state(): State {
    return this.connection.state;
  }

  start(): void {
    this.context.peers.add(this);
    this.session.deadlines.start("silence", QUIET_MS);
    this.startKeepAlive();
    pump(this.link, this.connection, this);
  }

  /** It is in no room and no user: nothing comes, and there would be no packet for it. */
  deliver(_event: HubEvent): void {}

  expired(phase: Phase): void {
    if (phase === "silence") this.releasePings();
    else if (phase === "ping") this.keepAlive();
    else if (phase === "request") this.quiet();
    // [VARINT-1.9] [VARINT-6.5]
    else this.end();
  }

  close(_reason: string): void {
    this.end();
  }

  event(message: ClientMessage): void {
    // What was said behind its last words.
    if (this.phase === "closing") return;
    switch (message.type) {
      case "ping":
        this.pong(message.payload);
        return;
      case "request":
        this.link.write(this.context.answers.response());
        return;
      case "handshake":
        this.context.hub.admit(this.session);
        this.pings.drop();
        this.session.deadlines.clear("silence");
        if (this.state === "login") this.endWith(LOGIN_DISCONNECT);
        return;
      case "pong":
        if (this.pings.answered(message.payload)) this.unanswered = 0;
        return;
      case "legacy_ping":
        this.endWith(this.context.answers.legacy(message.form));
        return;
      case "unknown":
        return;
    }
  }

  settled(partial: boolean, events: number): void {
    this.session.counts.received += events;
    const { limits } = this.context.hub;
    const { deadlines } = this.session;
    // Its last words are on their way: no phase begins any more.
    if (this.phase === "closing") return;
    deadlines.frame(partial, events, limits.frameTimeoutMs);
    // [VARINT-7.1]
    if (this.connection.undecided) deadlines.start("request", LEGACY_QUIET_MS);
    else deadlines.clear("request");
    // [VARINT-6.5] In state 1 no keep-alive can tell whether somebody is there.
    if (this.state === "default") deadlines.clear("idle");
    else if (events > 0) deadlines.touch("idle", limits.idleTimeoutMs);
  }

  /** [VARINT-7.1] Nothing more can come: that is as good as a time in which nothing came. */
  ended(): void {
    this.quiet();
  }

  /** [VARINT-1.8] The wire is broken, so the connection ends. */
  failed(error: unknown): void {
    if (error instanceof ProtocolError) {
      this.end();
      return;
    }
    this.context.hub.report("a VarInt state connection failed", error);
    this.link.destroy();
  }

  /** The connection is gone, or as good as. */
  closed(reason?: CloseReason): void {
    this.context.peers.delete(this);
    this.context.hub.close(this.session, reason === "slow_reader");
  }

  private pong(payload: Uint8Array): void {
    ECHO.set(payload, ECHO.length - payload.length);
    this.link.copy(ECHO, 0, ECHO.length);
  }

  private keepAlive(): void {
    if (this.state === "default" && !this.pings.holding) {
      if (this.unanswered === MAX_UNANSWERED) {
        this.end();
        return;
      }
      this.unanswered++;
      const payload = epoch();
      this.pings.send(payload, encodeEcho(longBytes(payload)));
    }
    this.startKeepAlive();
  }

  private startKeepAlive(): void {
    const { keepAliveMs } = this.context;
    if (keepAliveMs > 0) this.session.deadlines.start("ping", keepAliveMs);
  }

  /** Nothing more came behind what may be a legacy ping: then it is one. */
  private quiet(): void {
    const ping = this.connection.quiet();
    if (ping !== undefined) this.event(ping);
  }

  private releasePings(): void {
    // [VARINT-7.1] Not before the answer to a legacy ping.
    if (this.connection.undecided) this.session.deadlines.start("silence", LEGACY_QUIET_MS);
    else this.pings.release();
  }

  private endWith(lastWords: Uint8Array): void {
    this.link.write(lastWords);
    this.end();
  }

  end(): void {
    if (this.phase === "closing") return;
    this.phase = "closing";
    this.closed();
    this.link.end();
  }
}

/** Pongs are copied on to their link at once: one memory serves all. */
const ECHO = encodeEcho(longBytes(0n)).slice();

export function epoch(): bigint {
  return BigInt(Date.now());
}
