import { type Hub, type MaybePromise, type NodeSummary, RefusedError, UsageError } from "@wireyard/session";
import type { Link, StreamService } from "@wireyard/transport";
import { Answers } from "./answers.ts";
import { encodeEcho, longBytes } from "./codec.ts";
import { PacketGaps } from "./packet-gap.ts";
import { epoch, PROTOCOL, type VarintContext, VarintPeer } from "./peer.ts";
import type { State } from "./state.ts";

export { faviconUrl, MAX_FAVICON_BYTES } from "./favicon.ts";
export { PROTOCOL };

export interface VarintStateOptions {
  /** What the status gives as the server's version. */
  version?: { name: string; protocol: number };
  /** The status's line of text. */
  description?: string;
  /** The status's icon: a `data:` URL, as `faviconUrl` makes it. */
  favicon?: string | null;
  /** How many names of logged-in users the status tells, 0 to 12. */
  sample?: number;
  /** Least milliseconds between two packets to one client; 0 for none. */
  packetGapMs?: number;
  /** How often a client in state 0 is pinged, in milliseconds; 0 turns it off. */
  keepAliveMs?: number;
}

/** Most user names that a status tells: as many as Minecraft's own servers do. */
const MAX_SAMPLE = 12;

/** What an option is where it is not given. */
export const VARINT_STATE_DEFAULTS = Object.freeze({
  version: Object.freeze({ name: "Wireyard", protocol: -1 }),
  description: "A Wireyard server",
  favicon: null,
  sample: MAX_SAMPLE,
  packetGapMs: 0,
  keepAliveMs: 20_000,
});

/** One client, for lists. */
export interface VarintSession {
  /** The hub session's. */
  readonly id: number;
  readonly remoteAddress: string;
  readonly state: State;
  /** Last measured round trip; `undefined` before the first Pong. */
  readonly latencyMs: number | undefined;
  /** The round trip over the last measurements, smoothed; `undefined` before the first Pong. */
  readonly smoothedLatencyMs: number | undefined;
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
  /** Every node of the hub with its sessions, of every protocol. */
  nodes(): MaybePromise<NodeSummary[]>;
  /** Closes every open session of this service; tells how many those were. */
  closeAll(): number;
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
    favicon = VARINT_STATE_DEFAULTS.favicon,
    sample = VARINT_STATE_DEFAULTS.sample,
    packetGapMs = VARINT_STATE_DEFAULTS.packetGapMs,
    keepAliveMs = VARINT_STATE_DEFAULTS.keepAliveMs,
  } = options;
  checkMilliseconds("keepAliveMs", keepAliveMs);
  checkMilliseconds("packetGapMs", packetGapMs);
  if (!(Number.isInteger(sample) && sample >= 0 && sample <= MAX_SAMPLE)) {
    throw new UsageError(`sample is ${sample}; it must be a number of user names, 0 to ${MAX_SAMPLE}`);
  }
  const peers = new Set<VarintPeer>();
  const answers = new Answers(hub, { version, description, favicon, sample });
  const context: VarintContext = { hub, keepAliveMs, peers, answers };
  const gaps = packetGapMs > 0 ? new PacketGaps(packetGapMs, hub.wheel.clock) : undefined;
  return {
    accept: (link) => accept(context, gaps === undefined ? link : gaps.over(link)),
    tick: () => hub.tick(),
    failed: (error) => hub.report("a VarInt state listener reported an error", error),
    pingAll: (payload) => pingAll(peers, payload ?? epoch()),
    sessions: () => sessionsOf(peers),
    nodes: () => hub.nodes(),
    closeAll: () => closeAll(peers),
  };
}

function checkMilliseconds(name: string, value: number): void {
  if (Number.isFinite(value) && value >= 0) return;
  throw new UsageError(`${name} is ${value}; it must be milliseconds, or 0 for none`);
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
  for (const { session, state, pings } of peers) {
    const { id, remoteAddress } = session;
    const { latencyMs, smoothedLatencyMs } = pings;
    yield { id, remoteAddress, state, latencyMs, smoothedLatencyMs };
  }
}

function closeAll(peers: Set<VarintPeer>): number {
  const { size } = peers;
  for (const peer of peers) peer.end();
  return size;
}
