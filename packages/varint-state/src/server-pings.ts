import type { Link } from "@wireyard/transport";

/** Pings without a Pong that are remembered of one client; of more, the oldest is forgotten. [VARINT-6.3] */
const MAX_OPEN_PINGS = 16;

/** How much of a new measurement goes into the smoothed one. */
const SMOOTHING = 1 / 8;

interface OpenPing {
  readonly payload: bigint;
  readonly packet: Uint8Array;
  /** Set when it leaves. */
  sentAt: number;
}

/** The Pings that one client is sent, and what its Pongs tell. */
export class ServerPings {
  /** Last measured round trip; `undefined` before the first Pong. */
  latencyMs: number | undefined;
  /** The round trip without its chance ups and downs. */
  smoothedLatencyMs: number | undefined;
  private readonly link: Link;
  private readonly clock: () => number;
  /** `holding`: the client is new and has not shaken hands, so nothing may be sent unasked. [VARINT-6.2] */
  private phase: "holding" | "sending" = "holding";
  /** Oldest first. */
  private readonly open: OpenPing[] = [];

  constructor(link: Link, clock: () => number) {
    this.link = link;
    this.clock = clock;
  }

  get holding(): boolean {
    return this.phase === "holding";
  }

  /** Sends a Ping, now or when it may be sent. `packet` is its bytes. */
  send(payload: bigint, packet: Uint8Array): void {
    if (this.open.length === MAX_OPEN_PINGS) this.open.shift();
    this.open.push({ payload, packet, sentAt: this.clock() });
    if (this.phase === "sending") this.link.write(packet);
  }

  /** The time in which nothing may be sent is over: what was held is sent. */
  release(): void {
    if (this.phase === "sending") return;
    this.phase = "sending";
    for (const ping of this.open) {
      ping.sentAt = this.clock();
      this.link.write(ping.packet);
    }
  }

  /** The client has shaken hands. What was held was for one in state 0, and it has left that. */
  drop(): void {
    if (this.phase === "sending") return;
    this.phase = "sending";
    this.open.length = 0;
  }

  /** Takes a Pong; tells whether it answers a Ping that was sent. */
  answered(payload: bigint): boolean {
    const at = this.phase === "holding" ? -1 : this.open.findIndex((ping) => ping.payload === payload);
    const ping = this.open[at];
    if (ping === undefined) return false;
    // A client answers in order: what is older gets no Pong any more.
    this.open.splice(0, at + 1);
    this.measured(this.clock() - ping.sentAt);
    return true;
  }

  /** Each measurement counts for an eighth, as TCP smooths its round trips (RFC 6298). */
  private measured(ms: number): void {
    this.latencyMs = ms;
    this.smoothedLatencyMs ??= ms;
    this.smoothedLatencyMs += (ms - this.smoothedLatencyMs) * SMOOTHING;
  }
}
