import { ProtocolError } from "@wireyard/framing";
import {
  type Hub,
  type HubEvent,
  type Peer,
  type Phase,
  RefusedError,
  type Session,
  UsageError,
} from "@wireyard/session";
import { type Link, type PumpHandlers, pump, type StreamService } from "@wireyard/transport";
import { encodeEcho, encodeServerMessage, longBytes, MAX_RESPONSE_LENGTH } from "./codec.ts";
import { VarintConnection } from "./connection.ts";
import type { ClientMessage } from "./messages.ts";
import { ServerPings } from "./server-pings.ts";
import type { State } from "./state.ts";
import { encodeStatus } from "./status.ts";

export interface VarintStateOptions {
  /** What the status gives as the server's version. */
  version?: { name: string; protocol: number };
  /** The status's line of text. */
  description?: string;
  /** How often a client in state 0 is pinged, in milliseconds; 0 turns it off. */
  keepAliveMs?: number;
}

/** What an option is where it is not given. */
export const VARINT_STATE_DEFAULTS = Object.freeze({
  version: Object.freeze({ name: "Wireyard", protocol: -1 }),
  description: "A Wireyard server",
  keepAliveMs: 20_000,
});

export const PROTOCOL = "varint-state";

/** How long a client that never handshook is sent nothing unasked. [VARINT-6.2] */
const QUIET_MS = 500;
/** So many keep-alive Pings in a row without a Pong, and the client is cut. [VARINT-6.4] */
const MAX_UNANSWERED = 5;

/** One client, for lists. */
export interface VarintSession {
  /** The hub session's. */
  readonly id: number;
  readonly state: State;
  /** Last measured round trip; `undefined` before the first Pong. */
  readonly latencyMs: number | undefined;
}

/** A VarInt state server on a hub: serve it with `listenTcp`. */
export interface VarintState extends StreamService {
  /**
   * Sends a Ping to every client in state 0; to one that is new and has not shaken hands, when its quiet time is over.
   *
   * @param payload a Long; default: milliseconds since the epoch
   * @returns how many clients that are
   * @throws {UsageError} where `payload` needs more than 64 bits
   */
  pingAll(payload?: bigint): number;
  /** Every open session of this service. */
  sessions(): Iterable<VarintSession>;
}

/** Everything the service's peers share. */
interface VarintContext {
  readonly hub: Hub;
  readonly keepAliveMs: number;
  readonly peers: Set<VarintPeer>;
  /** The Response as a packet. */
  readonly response: () => Uint8Array;
}

/**
 * Makes a VarInt state server on a hub.
 *
 * @throws {UsageError} where an option cannot be served
 */
export function varintState(hub: Hub, options: VarintStateOptions = {}): VarintState {
  const {
    version = VARINT_STATE_DEFAULTS.version,
    description = VARINT_STATE_DEFAULTS.description,
    keepAliveMs = VARINT_STATE_DEFAULTS.keepAliveMs,
  } = options;
  if (!(Number.isFinite(keepAliveMs) && keepAliveMs >= 0)) {
    throw new UsageError(`keepAliveMs is ${keepAliveMs}; it must be milliseconds, or 0 for none`);
  }
  const peers = new Set<VarintPeer>();
  const context: VarintContext = {
    hub,
    keepAliveMs,
    peers,
    response: responses(hub, { version, description }),
  };
  return {
    accept: (link) => accept(context, link),
    tick: () => hub.tick(),
    pingAll: (payload) => pingAll(peers, payload ?? epoch()),
    sessions: () => sessionsOf(peers),
  };
}

function accept(context: VarintContext, link: Link): void {
  try {
    new VarintPeer(context, link).start();
  } catch (error) {
    // Refused for its number or rate: the wire has no words for it.
    if (!(error instanceof RefusedError))
      context.hub.report("a VarInt state link could not be served", error);
    link.destroy();
  }
}

function pingAll(peers: Iterable<VarintPeer>, payload: bigint): number {
  if (BigInt.asIntN(64, payload) !== payload) {
    throw new UsageError(`${payload} is no payload of a Ping; one is -2^63 to 2^63-1`);
  }
  // One packet for all: links that are given the same object share its bytes.
  const packet = encodeEcho(longBytes(payload));
  let pinged = 0;
  for (const peer of peers) {
    if (peer.state !== "default") continue;
    peer.pings.send(payload, packet);
    pinged++;
  }
  return pinged;
}

function* sessionsOf(peers: Iterable<VarintPeer>): Generator<VarintSession> {
  for (const { session, state, pings } of peers) yield { id: session.id, state, latencyMs: pings.latencyMs };
}

/** One client: its messages are answered here; of the hub's events its wire has no word for any. */
class VarintPeer implements Peer, PumpHandlers<ClientMessage> {
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
    this.session = context.hub.open({ protocol: PROTOCOL, remoteAddress: link.remoteAddress, peer: this });
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
    if (phase === "silence") this.pings.release();
    else if (phase === "ping") this.keepAlive();
    // [VARINT-1.9] [VARINT-6.5]
    else this.end();
  }

  close(_reason: string): void {
    this.end();
  }

  event(message: ClientMessage): void {
    switch (message.type) {
      case "ping":
        this.link.write(encodeEcho(message.payload));
        return;
      case "request":
        this.link.write(this.context.response());
        return;
      case "handshake":
        this.pings.drop();
        this.session.deadlines.clear("silence");
        return;
      case "pong":
        if (this.pings.answered(message.payload)) this.unanswered = 0;
        return;
      case "unknown":
        return;
    }
  }

  settled(partial: boolean, events: number): void {
    const { limits } = this.context.hub;
    const { deadlines } = this.session;
    deadlines.frame(partial, events, limits.frameTimeoutMs);
    // [VARINT-6.5] In state 1 no keep-alive can tell whether somebody is there.
    if (this.state === "default") deadlines.clear("idle");
    else if (events > 0) deadlines.touch("idle", limits.idleTimeoutMs);
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
  closed(): void {
    this.context.peers.delete(this);
    this.context.hub.close(this.session);
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

  private end(): void {
    if (this.phase === "closing") return;
    this.phase = "closing";
    this.closed();
    this.link.end();
  }
}

/**
 * Gives the Response packet, encoded anew only when the number of sessions has changed.
 *
 * @throws {UsageError} where no Response could hold what it is to tell
 */
function responses(
  hub: Hub,
  told: Required<Pick<VarintStateOptions, "version" | "description">>,
): () => Uint8Array {
  const { version } = told;
  const max = hub.limits.maxConnections;
  const jsonOf = (online: number): string =>
    encodeStatus({
      version: { name: version.name, protocol: version.protocol },
      players: { max, online, sample: [] },
      clients: { max, online },
      description: { text: told.description },
    });
  const longest = jsonOf(max).length;
  if (longest > MAX_RESPONSE_LENGTH) {
    throw new UsageError(
      `the status takes ${longest} characters; shorten version.name or description until it is at most ${MAX_RESPONSE_LENGTH}`,
    );
  }
  let known = -1;
  let packet: Uint8Array;
  return () => {
    const online = hub.sessionCount;
    if (online !== known) {
      packet = encodeServerMessage({ type: "response", json: jsonOf(online) });
      known = online;
    }
    return packet;
  };
}

function epoch(): bigint {
  return BigInt(Date.now());
}
