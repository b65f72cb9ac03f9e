import { JsonObjectDecoder } from "@wireyard/framing";
import {
  type ConnectionEvent,
  connect,
  DEFAULT_TIMEOUT_MS,
  framed,
  Lifeline,
  type Link,
  pump,
  Requests,
} from "@wireyard/transport";
import { type ActionHandler, WILDCARD } from "./actions.ts";
import { type BindOptions, bindHandler, type SchemaOutput, type StandardSchema } from "./binding.ts";
import type { ClientEncryption } from "./client-encryption.ts";
import {
  type ClientSettings,
  checkOptions,
  type JsonPacketClientOptions,
  JsonPacketRefusal,
  refusalOf,
} from "./client-options.ts";
import { PacketEncoder, packetHead, packetOfNow } from "./encoder.ts";
import type { EncryptKeys } from "./keys.ts";
import { ACTIONS, type Credentials } from "./messages.ts";
import { Packet, RawJson } from "./packet.ts";
import { readPacket } from "./packet-reader.ts";

export {
  type ActionHandler,
  type BindOptions,
  type EncryptKeys,
  type JsonPacketClientOptions,
  JsonPacketRefusal,
  type Packet,
  RawJson,
  type SchemaOutput,
  type StandardSchema,
};

const PONG = packetHead(ACTIONS.pong);
const MAX_PACKET_BYTES = 1_048_576;
/** Handlers that may be under way at a time: a server that outruns them is cut, not queued without end. */
const MAX_RUNNING = 1_000;
/** What a handshake counts for among what waits to be sent. */
const HANDSHAKE_BYTES = 256;
/** Refusals of a handshake that another try may mend. */
const PASSING: readonly string[] = ["rate_limited", "timeout", "unhandled"];

/**
 * Connects a client to a JSON packet server and shakes hands with it.
 *
 * @throws {JsonPacketRefusal} `wrong_user_or_password`, `rate_limited`
 * @throws {ProtocolError} `bad_encryption` where the server's key is not the pinned one, or what it says does not decrypt
 * @throws {Error} with Node's `code`, such as `ECONNREFUSED`
 */
export async function connectJsonPacket(options: JsonPacketClientOptions): Promise<JsonPacketClient> {
  const { username, password } = options;
  checkOptions(options);
  const again = (signal: AbortSignal): Promise<Link> => connect({ ...options, signal });
  const client = new JsonPacketClient(await connect(options), { ...options, connect: again });
  try {
    await client.handShake(
      username === undefined || password === undefined ? undefined : { username, password },
    );
  } catch (error) {
    client.close();
    throw error;
  }
  return client;
}

/** What a client that reconnects iterates over beside packets; it has neither action nor data. */
export type JsonPacketConnectionEvent = ConnectionEvent & {
  readonly action?: undefined;
  readonly data?: undefined;
};

/** What is iterated over: `"type" in event` tells which. */
export type JsonPacketEvent = Packet | JsonPacketConnectionEvent;

/**
 * A client of a JSON packet server: promises for what is answered, handlers for what is bound, iteration over all
 * else.
 *
 * Its token is private to the last: a client that is logged shows none.
 */
export class JsonPacketClient implements AsyncIterable<JsonPacketEvent> {
  #token: string | null = null;
  #encoder = new PacketEncoder(null);
  readonly #line: Lifeline<Packet>;
  readonly #report: (problem: string, error: unknown) => void;
  readonly #actions = new Map<string, ActionHandler<JsonPacketClient>>();
  /** By the action of the answer. */
  readonly #requests: Requests<string, Packet>;
  readonly #options: ClientSettings;
  #encryption: ClientEncryption | undefined;
  /** Of the last login, where a new connection is to have it too. */
  #credentials: Credentials | undefined;
  #running = 0;
  /** Milliseconds since the epoch. */
  readonly openedAt: number = Date.now();

  constructor(link: Link, options: ClientSettings = {}) {
    this.#options = options;
    this.#report = options.report ?? ((problem, error) => console.error(`json-packet: ${problem}`, error));
    this.#requests = new Requests(options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    this.#line = new Lifeline<Packet>(link, options, {
      open: (link) => this.#open(link),
      restore: () => this.#shake(this.#credentials),
      lost: (error) => this.#requests.refuseAll(error),
      isFinal: (error) => error instanceof JsonPacketRefusal && !PASSING.includes(error.code),
    });
    this.#line.start();
  }

  /** This connection's secret, once hands are shaken: not to be shown to anybody. */
  get token(): string | null {
    return this.#token;
  }

  /** Whether there is a connection now. */
  get connected(): boolean {
    return this.#line.state === "up";
  }

  /** The server's. */
  get remoteAddress(): string {
    return this.#line.link.remoteAddress;
  }

  /** Whether what is said either way is encrypted. */
  get encrypted(): boolean {
    return this.#encryption?.state === "on";
  }

  /**
   * Shakes hands, whichever side spoke first, and logs in where there are credentials. Done by `connectJsonPacket`.
   *
   * @throws {JsonPacketRefusal} `wrong_user_or_password`, `rate_limited`
   * @throws {ProtocolError} `bad_encryption`
   */
  async handShake(credentials?: Credentials): Promise<void> {
    await this.#line.ask(HANDSHAKE_BYTES, () => this.#shake(credentials));
    if (this.#line.reconnects) this.#credentials = credentials;
  }

  /**
   * Sets what is done with packets of an action, in place of what was; `*` is for every action that nobody else is
   * bound to. A server's `PING` is answered without it.
   *
   * @throws {TypeError} where the action is `handShake`, `encrypted` or `error`, which are the protocol's own, or the
   *   schema is none
   */
  bindAction<Schema extends StandardSchema = StandardSchema>(
    name: string,
    handler: ActionHandler<JsonPacketClient, SchemaOutput<Schema>>,
    options: BindOptions<Schema> = {},
  ): void {
    const before = this.#actions.get(name);
    const bound = bindHandler(name, handler, options, () => {
      // Bound anew since then: that holds.
      if (this.#actions.get(name) !== bound) return;
      if (before === undefined) this.#actions.delete(name);
      else this.#actions.set(name, before);
    });
    this.#actions.set(name, bound);
  }

  /** Makes a packet of now. @throws {TypeError} where `data` cannot be JSON that a receiver would take */
  createPacket(name: string, data?: unknown): Packet {
    return packetOf(name, data);
  }

  /**
   * Sends a packet. One that came in goes on with its data byte for byte.
   *
   * @throws {Error} where the connection is lost, and too much waits for it already
   */
  sendPacket(packet: Packet): void {
    this.#line.send(packet.end, () => this.#sendNow(packet));
  }

  /** Sends a packet of now. @throws {TypeError} where `data` cannot be JSON that a receiver would take */
  send(name: string, data?: unknown): void {
    this.sendPacket(packetOf(name, data));
  }

  /**
   * Sends a packet and waits for the next one of that name, for a `PING` of the name `PONG`; gives its data. An error
   * goes to the oldest request that waits, since it does not say what it answers.
   *
   * @throws {JsonPacketRefusal} what the server answered instead
   * @throws {Error} where no answer came in time, or the connection is gone
   */
  async request(name: string, data?: unknown): Promise<unknown> {
    const packet = packetOf(name, data);
    const answer = name === ACTIONS.ping ? ACTIONS.pong : name;
    return (await this.#line.ask(packet.end, () => this.#ask(packet, answer))).data;
  }

  /** Waits for the server's answer to a `PING`; gives the round trip in milliseconds. */
  async ping(): Promise<number> {
    const start = performance.now();
    await this.request(ACTIONS.ping);
    return performance.now() - start;
  }

  /** Whether the server answers. @throws {Error} where it does not, or the connection is gone */
  async isAlive(): Promise<boolean> {
    await this.request(ACTIONS.isAlive, true);
    return true;
  }

  /** Tells the server that this client goes, and why; sends what is queued and closes. */
  close(reason?: string): void {
    const packet = packetOf(ACTIONS.disconnect, reason);
    this.#line.close(() => {
      this.#sendNow(packet);
      this.#end();
    });
  }

  /** Iterates over packets that answer no request and have no handler; behind a `disconnect` there are none. */
  [Symbol.asyncIterator](): AsyncIterator<JsonPacketEvent> {
    return this.#line.iterate() as AsyncIterator<JsonPacketEvent>;
  }

  #open(link: Link): void {
    // Keys and token are the connection's own: each begins without.
    this.#encryption = undefined;
    this.#token = null;
    this.#encoder = new PacketEncoder(null);
    const values = new JsonObjectDecoder({ maxValueBytes: MAX_PACKET_BYTES });
    pump(link, framed(values, readPacket), {
      event: (packet) => this.#receive(packet),
      settled() {},
      failed: (error) => this.#line.fail(error),
      closed: (reason) => this.#line.closed(link, reason),
    });
  }

  async #shake(credentials: Credentials | undefined): Promise<void> {
    if (this.#encryption === undefined) await this.#exchangeKeys();
    const asks = this.encrypted || credentials !== undefined;
    if (this.#token === null || asks) this.#sendNow(packetOf(ACTIONS.handShake, credentials ?? {}));
    if (this.#token === null) await this.#requests.ask(ACTIONS.handShake);
    // A server that spoke first says nothing to a login that is right: so ask for something behind it.
    if (asks) await this.#ask(packetOf(ACTIONS.ping), ACTIONS.pong);
  }

  #sendNow(packet: Packet): void {
    this.#write(this.#encoder.encode(packet));
  }

  #ask(packet: Packet, answer: string): Promise<Packet> {
    this.#sendNow(packet);
    return this.#requests.ask(answer);
  }

  /** Asks for encryption where it is wanted. [JSON-8.1] */
  async #exchangeKeys(): Promise<void> {
    const { pin, encryptKeys, encryption: wanted = pin === undefined ? "off" : "required" } = this.#options;
    if (wanted === "off") return;
    // Loaded where it is wanted: most pages are served well without.
    const { ClientEncryption, sharedKeys } = await import("./client-encryption.ts");
    const own = encryptKeys ?? (await sharedKeys());
    const required = wanted === "required";
    const { link } = this.#line;
    const encryption = new ClientEncryption(link, own, { required, pin }, (error) => this.#line.fail(error));
    this.#encryption = encryption;
    await this.#ask(packetOf(ACTIONS.handShake, { publicKey: own.publicKey }), ACTIONS.handShake);
    // A plain answer came: of a server that cannot, or of one that had spoken first and will answer before this.
    if (encryption.state === "plain") await this.#ask(packetOf(ACTIONS.ping), ACTIONS.pong);
    if (!encryption.start() && required) {
      throw new JsonPacketRefusal(
        "bad_encryption",
        "the server does not encrypt, and encryption is required",
      );
    }
  }

  #receive(packet: Packet): void | Promise<void> {
    // Whoever gets it reads it later, when the memory it came in is another chunk's.
    packet.keep();
    if (this.#encryption === undefined) return this.#take(packet);
    if (packet.action === ACTIONS.encrypted) {
      const encryption = this.#encryption;
      // Of a connection that was lost in the meantime, nothing is an answer any more.
      return encryption.open(packet).then((inner) => {
        if (encryption === this.#encryption) return this.#take(inner);
      });
    }
    this.#encryption.check(packet);
    return this.#take(packet);
  }

  /** Does what a packet asks for, however it came. */
  #take(packet: Packet): void | Promise<void> {
    if (this.#line.state === "ended") return;
    const { action } = packet;
    if (action === ACTIONS.handShake) return this.#registered(packet);
    if (action === ACTIONS.error) {
      if (!this.#requests.refuse(() => true, refusalOf(packet.data))) this.#line.push(packet);
      return;
    }
    if (this.#requests.answer((asked) => asked === action, packet)) return;
    const bound = this.#actions.get(action);
    const wildcard = this.#actions.get(WILDCARD);
    if (bound !== undefined) this.#run(action, bound, packet);
    else if (action === ACTIONS.ping) this.#write(this.#encoder.answer(PONG, packet));
    else if (wildcard !== undefined) this.#run(action, wildcard, packet);
    else this.#line.push(packet);
    if (action === ACTIONS.disconnect) this.#end();
  }

  /** The original server may tell a token more than once: the last one holds. */
  async #registered(packet: Packet): Promise<void> {
    const data = (packet.data ?? {}) as Record<string, unknown>;
    const { status, uuid } = data;
    if (status === "continue" && this.#encryption !== undefined) await this.#encryption.accept(data);
    if (typeof uuid === "string" && uuid !== this.#token) {
      this.#token = uuid;
      this.#encoder = new PacketEncoder(uuid);
    }
    this.#requests.answer((asked) => asked === ACTIONS.handShake, packet);
  }

  /** Runs a handler. Packets behind this one do not wait for it: it may itself ask the server for something. */
  async #run(name: string, handler: ActionHandler<JsonPacketClient>, packet: Packet): Promise<void> {
    if (this.#running === MAX_RUNNING) {
      this.#line.fail(
        new Error(`packets came in faster than their handlers finished: ${MAX_RUNNING} are under way`),
      );
      return;
    }
    this.#running++;
    try {
      const result = await handler(packet.data, this, packet);
      if (result instanceof Packet) {
        this.#line.send(result.end, () => this.#write(this.#encoder.answer(packetHead(name), result)));
      } else if (result !== undefined) this.send(name, result);
    } catch (error) {
      this.#report(`the handler of "${name}" failed`, error);
    }
    this.#running--;
  }

  #write(line: Uint8Array): void {
    if (this.#encryption === undefined) this.#line.link.write(line);
    else this.#encryption.write(line);
  }

  /** Sends what is queued, and closes. */
  #end(): void {
    if (this.#encryption === undefined) this.#line.link.end();
    else this.#encryption.end();
  }
}

function packetOf(name: string, data?: unknown): Packet {
  return packetOfNow(name, data, readPacket);
}
