import { connect, EventQueue, type Link, pump, Requests } from "@wireyard/transport";
import { longBytes, readLong } from "./codec.ts";
import { STATUS_STATE, VarintConnection } from "./connection.ts";
import type { ServerMessage, Status } from "./messages.ts";
import { decodeStatus } from "./status.ts";

export interface VarintClientOptions {
  /** `tcp://host:port` */
  url: string;
  /** How long an answer may take, in milliseconds. Default 10,000. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

/** What happens on a client's connection: the server asks whether it is there. A Pong has been sent. */
export interface VarintEvent {
  readonly type: "ping";
  readonly payload: bigint;
}

/** What `fetchStatus` finds out. */
export interface StatusReport {
  readonly status: Status;
  /** Round trip of one Ping. */
  readonly latencyMs: number;
}

const DEFAULT_TIMEOUT_MS = 10_000;
/** Told to servers in the handshake: this client speaks no version of the game. */
const NO_VERSION = -1;

/**
 * Connects a client to a VarInt state server, or to the status of a Minecraft server.
 *
 * @throws {Error} with Node's `code`, such as `ECONNREFUSED`
 */
export async function connectVarintState(options: VarintClientOptions): Promise<VarintClient> {
  const link = await connect(options);
  return new VarintClient(link, { ...options, ...endpoint(options.url) });
}

/**
 * Asks a server for its status, then for one Pong, and closes. Here `timeoutMs` is a total, and `signal` ends it at
 * any time.
 *
 * @throws {Error} with Node's `code`, such as `ECONNREFUSED`; where it all takes longer than `timeoutMs`; where the
 *   server closes without having answered both; the signal's reason where it aborts
 */
export async function fetchStatus(options: VarintClientOptions): Promise<StatusReport> {
  const { url, signal, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  signal?.throwIfAborted();
  // One signal for the caller's and for the time limit.
  const stop = new AbortController();
  const abort = (): void => stop.abort(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  const timer = setTimeout(
    () => stop.abort(new Error(`${url} did not give its status and a Pong within ${timeoutMs} ms`)),
    timeoutMs,
  );
  let link: Link | undefined;
  try {
    link = await connect({ url, signal: stop.signal });
    const client = new VarintClient(link, { timeoutMs, ...endpoint(url) });
    const report = await Promise.race([askBoth(client), aborted(stop.signal)]);
    client.close();
    return report;
  } catch (error) {
    // Nothing more is to be had: do not wait for the other side to close.
    link?.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}

async function askBoth(client: VarintClient): Promise<StatusReport> {
  // One after the other, as Minecraft does: the Pong is not to wait for the status.
  const status = await client.status();
  return { status, latencyMs: await client.ping() };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

/** What the handshake names: hosts that serve many names tell them apart by it. */
function endpoint(url: string): { address: string; port: number } {
  const { hostname, port } = new URL(url);
  return { address: hostname.replace(/^\[(.*)\]$/, "$1"), port: Number(port) };
}

/** A client of a VarInt state server: promises for what is answered, iteration over the server's Pings. */
export class VarintClient implements AsyncIterable<VarintEvent> {
  private readonly link: Link;
  private readonly connection = new VarintConnection({ role: "client" });
  private readonly handshake: { readonly address: string; readonly port: number };
  private readonly events = new EventQueue<VarintEvent>();
  private readonly statuses: Requests<"status", Status>;
  /** By payload; the answer is the time at which it came. */
  private readonly pongs: Requests<string, number>;

  /** `address` and `port` are what the handshake names; default: the link's. */
  constructor(link: Link, options: { address?: string; port?: number; timeoutMs?: number } = {}) {
    const { address = link.remoteAddress, port = link.remotePort, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    this.link = link;
    this.handshake = { address, port };
    this.statuses = new Requests(timeoutMs);
    this.pongs = new Requests(timeoutMs);
    pump(link, this.connection, {
      event: (message) => this.receive(message),
      settled() {},
      failed: (error) => this.fail(error),
      closed: (reason) => this.ended(new Error(`the connection is closed (${reason})`)),
    });
  }

  /** Asks for the server's status. */
  async status(): Promise<Status> {
    this.shakeHands();
    this.link.write(this.connection.say({ type: "request" }));
    return this.statuses.ask("status");
  }

  /**
   * Measures a round trip.
   *
   * @param payload a Long; default: milliseconds since the epoch
   * @returns milliseconds
   */
  async ping(payload: bigint = BigInt(Date.now())): Promise<number> {
    const bytes = longBytes(payload);
    this.shakeHands();
    const sentAt = performance.now();
    this.link.write(this.connection.say({ type: "ping", payload: bytes }));
    return (await this.pongs.ask(nameOf(payload))) - sentAt;
  }

  /**
   * Gives up what was asked for, and goes back to state 0, where the server's Pings are answered. Of what is still
   * answered nothing is told.
   */
  stop(): void {
    const stopped = new Error("stopped");
    while (this.statuses.refuse(() => true, stopped) || this.pongs.refuse(() => true, stopped)) {
      // One at a time, until none is left.
    }
    const { state } = this.connection;
    // [VARINT-4.1] Both a Request and a Ping lead back.
    if (state === "status_requested") {
      this.link.write(this.connection.say({ type: "ping", payload: longBytes(BigInt(Date.now())) }));
    } else if (state === "status_pinged") {
      this.link.write(this.connection.say({ type: "request" }));
    }
  }

  /** Sends what is queued and closes. */
  close(): void {
    this.link.end();
  }

  [Symbol.asyncIterator](): AsyncIterator<VarintEvent> {
    return this.events[Symbol.asyncIterator]();
  }

  /** Goes to state 1, where a status and a Pong can be had, unless it is there. */
  private shakeHands(): void {
    if (this.connection.state !== "default") return;
    this.link.write(
      this.connection.say({
        type: "handshake",
        protocolVersion: NO_VERSION,
        ...this.handshake,
        nextState: STATUS_STATE,
      }),
    );
  }

  private receive(message: ServerMessage): void {
    switch (message.type) {
      case "response":
        this.statuses.answer(() => true, decodeStatus(message.json));
        return;
      case "pong": {
        const name = nameOf(message.payload);
        this.pongs.answer((kind) => kind === name, performance.now());
        return;
      }
      case "ping":
        this.receivePing(readLong(message.payload));
        return;
      case "request":
      case "login_disconnect":
      case "unknown":
        return;
    }
  }

  private receivePing(payload: bigint): void {
    // [VARINT-3.6] In state 1 the server would take our Pong for a Ping: its own crossed our handshake.
    if (this.connection.state !== "default") return;
    this.link.write(this.connection.say({ type: "pong", payload }));
    if (!this.events.push({ type: "ping", payload })) {
      this.fail(new Error("Pings came in faster than they were iterated over"));
    }
  }

  private fail(error: unknown): void {
    this.ended(error instanceof Error ? error : new Error(String(error)));
    this.link.destroy();
  }

  private ended(error: Error): void {
    this.statuses.end(error);
    this.pongs.end(error);
    this.events.end();
  }
}

function nameOf(payload: bigint): string {
  return `ping ${payload}`;
}
