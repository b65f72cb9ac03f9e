import { VarIntFrameDecoder } from "@wireyard/framing";
import {
  type ClientOptions,
  type ConnectionEvent,
  connect,
  DEFAULT_TIMEOUT_MS,
  hostOf,
  Lifeline,
  type LifelineOptions,
  type Link,
  Requests,
  readFrames,
  within,
} from "@wireyard/transport";
import { ClientSide } from "./client-side.ts";
import { longBytes, readLong } from "./codec.ts";
import {
  type ClientPacket,
  MAX_PACKET_BYTES,
  type ServerMessage,
  STATUS_STATE,
  type Status,
} from "./messages.ts";
import { decodeStatus } from "./status.ts";

export type VarintClientOptions = ClientOptions;

/** What happens on a client's connection. */
export type VarintEvent =
  /** The server asks whether the client is there. A Pong has been sent. */
  { readonly type: "ping"; readonly payload: bigint } | ConnectionEvent;

/** What `fetchStatus` finds out. */
export interface StatusReport {
  readonly status: Status;
  /** Round trip of one Ping. */
  readonly latencyMs: number;
}

/** What a question counts for among what waits to be sent: a handshake and itself. */
const QUESTION_BYTES = 64;
/** Told to servers in the handshake: this client speaks no version of the game. */
const NO_VERSION = -1;

/**
 * Connects a client to a VarInt state server, or to the status of a Minecraft server.
 *
 * @throws {Error} with Node's `code`, such as `ECONNREFUSED`; after `timeoutMs`
 */
export async function connectVarintState(options: VarintClientOptions): Promise<VarintClient> {
  const dial = (signal: AbortSignal): Promise<Link> => connect({ ...options, signal });
  const link = await within(options, dial);
  return new VarintClient(link, { ...options, connect: dial, ...endpoint(options.url) });
}

/**
 * Asks a server for its status, then for one Pong, and closes. Here `timeoutMs` is a total, and `signal` ends it at
 * any time.
 *
 * @throws {Error} with Node's `code`, such as `ECONNREFUSED`; where it all takes longer than `timeoutMs`; where the
 *   server closes without having answered both; the signal's reason where it aborts
 */
export async function fetchStatus(options: Omit<VarintClientOptions, "reconnect">): Promise<StatusReport> {
  const { url, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const act = async (signal: AbortSignal): Promise<StatusReport> => {
    const link = await connect({ ...options, signal });
    try {
      const client = new VarintClient(link, { timeoutMs, signal, ...endpoint(url) });
      // One after the other, as Minecraft does: the Pong is not to wait for the status.
      const status = await client.status();
      const latencyMs = await client.ping();
      client.close();
      return { status, latencyMs };
    } catch (error) {
      // Nothing more is to be had: do not wait for the other side to close.
      link.destroy();
      throw signal.aborted ? signal.reason : error;
    }
  };
  return within(options, act, `${url} did not give its status and a Pong`);
}

/** What the handshake names: hosts that serve many names tell them apart by it. */
function endpoint(text: string): { address: string; port: number | undefined } {
  const url = new URL(text);
  // A URL of the web may leave out its port, which the link knows.
  return { address: hostOf(url), port: Number(url.port) || undefined };
}

/** A client of a VarInt state server: promises for what is answered, iteration over the server's Pings. */
export class VarintClient implements AsyncIterable<VarintEvent> {
  readonly #line: Lifeline<VarintEvent>;
  #connection!: ClientSide;
  readonly #handshake: { readonly address: string; readonly port: number };
  readonly #statuses: Requests<"status", Status>;
  /** By payload; the answer is the time at which it came. */
  readonly #pongs: Requests<string, number>;

  /** `address` and `port` are what the handshake names; default: the link's. */
  constructor(link: Link, options: LifelineOptions & { address?: string; port?: number | undefined } = {}) {
    const { address = link.remoteAddress, port = link.remotePort, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    this.#handshake = { address, port };
    this.#statuses = new Requests(timeoutMs);
    this.#pongs = new Requests(timeoutMs);
    this.#line = new Lifeline<VarintEvent>(link, options, {
      open: (link) => this.#open(link),
      // What there is to restore is the state, and whoever asks for something shakes hands first.
      restore: async () => {},
      lost: (error) => this.#refuseAll(error),
      isFinal: () => false,
    });
    this.#line.start();
  }

  /** Asks for the server's status. */
  status(): Promise<Status> {
    return this.#line.ask(QUESTION_BYTES, async () => {
      this.#shakeHands();
      this.#write({ type: "request" });
      return this.#statuses.ask("status");
    });
  }

  /**
   * Measures a round trip.
   *
   * @param payload a Long; default: milliseconds since the epoch
   * @returns milliseconds
   */
  async ping(payload: bigint = BigInt(Date.now())): Promise<number> {
    const bytes = longBytes(payload);
    return this.#line.ask(QUESTION_BYTES, async () => {
      this.#shakeHands();
      const sentAt = performance.now();
      this.#write({ type: "ping", payload: bytes });
      return (await this.#pongs.ask(nameOf(payload))) - sentAt;
    });
  }

  /**
   * Gives up what was asked for, and goes back to state 0, where the server's Pings are answered. Of what is still
   * answered nothing is told.
   */
  stop(): void {
    this.#refuseAll(new Error("stopped"));
    const { state } = this.#connection;
    // [VARINT-4.1] Both a Request and a Ping lead back.
    if (state === "status_requested") {
      this.#write({ type: "ping", payload: longBytes(BigInt(Date.now())) });
    } else if (state === "status_pinged") {
      this.#write({ type: "request" });
    }
  }

  /** Sends what is queued and closes. */
  close(): void {
    this.#line.close();
  }

  [Symbol.asyncIterator](): AsyncIterator<VarintEvent> {
    return this.#line.iterate();
  }

  #open(link: Link): void {
    const connection = new ClientSide();
    this.#connection = connection;
    const frames = new VarIntFrameDecoder({ maxFrameBytes: MAX_PACKET_BYTES.client });
    readFrames(link, this.#line, frames, (packet) => this.#receive(connection.read(packet)));
  }

  #write(message: ClientPacket): void {
    this.#line.link.write(this.#connection.say(message));
  }

  /** Goes to state 1, where a status and a Pong can be had, unless it is there. */
  #shakeHands(): void {
    if (this.#connection.state !== "default") return;
    this.#write({
      type: "handshake",
      protocolVersion: NO_VERSION,
      ...this.#handshake,
      nextState: STATUS_STATE,
    });
  }

  /** All other messages ask for nothing. */
  #receive(message: ServerMessage): void {
    switch (message.type) {
      case "response":
        this.#statuses.answer(() => true, decodeStatus(message.json));
        return;
      case "pong": {
        const name = nameOf(message.payload);
        this.#pongs.answer((kind) => kind === name, performance.now());
        return;
      }
      case "ping":
        this.#receivePing(readLong(message.payload));
    }
  }

  #receivePing(payload: bigint): void {
    // [VARINT-3.6] In state 1 the server would take our Pong for a Ping: its own crossed our handshake.
    if (this.#connection.state !== "default") return;
    this.#write({ type: "pong", payload });
    this.#line.push({ type: "ping", payload });
  }

  #refuseAll(error: Error): void {
    this.#statuses.refuseAll(error);
    this.#pongs.refuseAll(error);
  }
}

function nameOf(payload: bigint): string {
  return `ping ${payload}`;
}
