import { JsonObjectDecoder } from "@wireyard/framing";
import {
  type ConnectionEvent,
  connect,
  DEFAULT_TIMEOUT_MS,
  Lifeline,
  type Link,
  Requests,
  readFrames,
  within,
} from "@wireyard/transport";
import { type ActionHandler, checkBinding, WILDCARD } from "./actions.ts";
import type { BindOptions, SchemaOutput, StandardSchema } from "./binding.ts";
import type { ClientEncryption, KeyExchange } from "./client-encryption.ts";
import {
  type ClientSettings,
  type JsonPacketClientOptions,
  JsonPacketRefusal,
  refusalOf,
} from "./client-options.ts";
import type { EncryptKeys } from "./keys.ts";
import { ACTIONS, type Credentials } from "./messages.ts";
import { lineOf, type Packet, RawJson } from "./packet.ts";
import { packetOf, readPacket } from "./packet-reader.ts";

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
 * @throws {Error} with Node's `code`, such as `ECONNREFUSED`; after `timeoutMs`
 */
export async function connectJsonPacket(options: JsonPacketClientOptions): Promise<JsonPacketClient> {
  const { username, password, pin } = options;
  if ((username === undefined) !== (password === undefined)) {
    throw new TypeError("username and password go together");
  }
  if (pin !== undefined) (await import("./client-encryption.ts")).checkPin(options);
  const dial = (signal: AbortSignal): Promise<Link> => connect({ ...options, signal });
  const client = new JsonPacketClient(await within(options, dial), { ...options, connect: dial });
  try {
    await client.handShake(username === undefined ? undefined : { username, password: password as string });
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
  readonly #line: Lifeline<Packet>;
  readonly #report: (problem: string, error: unknown) => void;
  readonly #actions = new Map<string, ActionHandler<JsonPacketClient> | undefined>();
  /** By the action of the answer. */
  readonly #requests: Requests<string, Packet>;
  readonly #options: ClientSettings;
  #encryption: ClientEncryption | undefined;
  /** Where lines go: the link, or what encrypts them for it. */
  #out!: Pick<Link, "write" | "end">;
  /** Of the last login, where a new connection is to have it too. */
  #credentials: Credentials | undefined;
  /** What bindings need and is being loaded: packets wait for it. */
  #loading: Promise<void> | undefined;
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
    checkBinding(name, handler, options.schema);
    const before = this.#actions.get(name);
    let bound = handler as ActionHandler<JsonPacketClient>;
    if (options.schema || options.once) {
      let whole = bound;
      bound = (...args) => whole(...args);
      const unbind = (): void => {
        // Bound anew since then: that holds.
        if (this.#actions.get(name) === bound) this.#actions.set(name, before);
      };
      const loading = import("./binding.ts").then(
        ({ bindHandler }) => {
          whole = bindHandler(name, handler, options, unbind);
          // Of several the last is here last: it is one module.
          if (this.#loading === loading) this.#loading = undefined;
        },
        (error: unknown) => this.#line.fail(error),
      );
      this.#loading = loading;
    }
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
    this.#line.send(packet.dataBytes.length, () => this.#sendNow(packet));
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
    return (await this.#line.ask(packet.dataBytes.length, () => this.#ask(packet, answer))).data;
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
      this.#out.end();
    });
  }

  /** Iterates over packets that answer no request and have no handler; behind a `disconnect` there are none. */
  [Symbol.asyncIterator](): AsyncIterator<JsonPacketEvent> {
    return this.#line.iterate() as AsyncIterator<JsonPacketEvent>;
  }

  #open(link: Link): void {
    // Keys and token are the connection's own: each begins without.
    this.#encryption = undefined;
    this.#out = link;
    this.#token = null;
    const values = new JsonObjectDecoder({ maxValueBytes: MAX_PACKET_BYTES });
    readFrames(link, this.#line, values, (value) => this.#receive(readPacket(value)));
  }

  async #shake(credentials: Credentials | undefined): Promise<void> {
    if (!this.#encryption) await this.#exchangeKeys();
    const asks = this.encrypted || credentials !== undefined;
    const packet = packetOf(ACTIONS.handShake, credentials ?? {});
    if (this.#token === null) await this.#ask(packet, ACTIONS.handShake);
    else if (asks) this.#sendNow(packet);
    // A server that spoke first says nothing to a login that is right: so ask for something behind it.
    if (asks) await this.#ask(packetOf(ACTIONS.ping), ACTIONS.pong);
  }

  #sendNow(packet: Packet): void {
    this.#out.write(lineOf(packet, this.#token));
  }

  #ask(packet: Packet, answer: string): Promise<Packet> {
    this.#sendNow(packet);
    return this.#requests.ask(answer);
  }

  /** Asks for encryption where it is wanted, and loads it there: most pages are served well without. [JSON-8.1] */
  async #exchangeKeys(): Promise<void> {
    const settings = this.#options;
    const { pin, encryption = pin === undefined ? "off" : "required" } = settings;
    if (encryption === "off") return;
    const exchange: KeyExchange = {
      line: this.#line,
      link: this.#line.link,
      settings,
      use: (encryption) => {
        this.#encryption = encryption;
        this.#out = encryption;
      },
      ask: (packet, answer) => this.#ask(packet, answer),
    };
    await (await import("./client-encryption.ts")).exchangeKeys(exchange);
  }

  #receive(packet: Packet): void | Promise<void> {
    const encryption = this.#encryption;
    if (encryption === undefined) return this.#take(packet);
    return encryption.receive(packet, (inner) => {
      // Of a connection that was lost in the meantime, nothing is an answer any more.
      if (encryption === this.#encryption) return this.#take(inner);
    });
  }

  /** Does what a packet asks for, however it came. */
  #take(packet: Packet): void | Promise<void> {
    if (this.#line.state === "ended") return;
    if (this.#loading) return this.#loading.then(() => this.#take(packet));
    const { action } = packet;
    if (action === ACTIONS.handShake) return this.#registered(packet);
    if (action === ACTIONS.error) {
      if (!this.#requests.refuse(() => true, refusalOf(packet.data))) this.#line.push(packet);
      return;
    }
    if (this.#requests.answer((asked) => asked === action, packet)) return;
    const isPing = action === ACTIONS.ping;
    const bound = this.#actions.get(action) ?? (isPing ? undefined : this.#actions.get(WILDCARD));
    if (bound) this.#run(action, bound, packet);
    else if (isPing) this.#sendNow(packetOf(ACTIONS.pong, packet));
    else this.#line.push(packet);
    if (action === ACTIONS.disconnect) this.#out.end();
  }

  /** The original server may tell a token more than once: the last one holds. */
  async #registered(packet: Packet): Promise<void> {
    const { link } = this.#line;
    const data = (packet.data ?? {}) as Record<string, unknown>;
    await this.#encryption?.accept(data);
    // As above: of a connection that was lost in the meantime.
    if (link !== this.#line.link) return;
    const { uuid } = data;
    if (typeof uuid === "string") this.#token = uuid;
    this.#requests.answer((asked) => asked === ACTIONS.handShake, packet);
  }

  /** Runs a handler. Packets behind this one do not wait for it: it may itself ask the server for something. */
  async #run(name: string, handler: ActionHandler<JsonPacketClient>, packet: Packet): Promise<void> {
    if (this.#running === MAX_RUNNING) {
      this.#line.fail(new Error(`packets came faster than ${MAX_RUNNING} handlers`));
      return;
    }
    this.#running++;
    try {
      const result = await handler(packet.data, this, packet);
      if (result !== undefined) this.send(name, result);
    } catch (error) {
      this.#report(`the handler of "${name}" failed`, error);
    }
    this.#running--;
  }
}
