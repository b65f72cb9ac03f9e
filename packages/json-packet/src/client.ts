import { connect, EventQueue, type Link, pump, Requests } from "@wireyard/transport";
import { type ActionHandler, ActionTable } from "./actions.ts";
import { type BindOptions, bindHandler, type SchemaOutput, type StandardSchema } from "./binding.ts";
import { ClientEncryption, sharedKeys } from "./client-encryption.ts";
import {
  type ClientSettings,
  checkOptions,
  type JsonPacketClientOptions,
  JsonPacketRefusal,
  refusalOf,
} from "./client-options.ts";
import { createPacket, PacketEncoder, packetHead } from "./codec.ts";
import { JsonPacketConnection } from "./connection.ts";
import { badEncryption, type EncryptKeys } from "./keys.ts";
import { ACTIONS, type Credentials } from "./messages.ts";
import { Packet, RawJson } from "./packet.ts";

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
  const client = new JsonPacketClient(await connect(options), options);
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

interface Bound {
  readonly name: string;
  readonly handler: ActionHandler<JsonPacketClient>;
}

/**
 * A client of a JSON packet server: promises for what is answered, handlers for what is bound, iteration over all
 * else.
 *
 * Its token is private to the last: a client that is logged shows none.
 */
export class JsonPacketClient implements AsyncIterable<Packet> {
  #token: string | null = null;
  #encoder = new PacketEncoder(null);
  private readonly link: Link;
  private readonly report: (problem: string, error: unknown) => void;
  private readonly actions = new ActionTable<Bound>();
  private readonly packets = new EventQueue<Packet>();
  /** By the action of the answer. */
  private readonly requests: Requests<string, Packet>;
  private readonly options: ClientSettings;
  #encryption: ClientEncryption | undefined;
  private running = 0;
  private state: "open" | "ended" = "open";
  /** Milliseconds since the epoch. */
  readonly openedAt: number = Date.now();

  constructor(link: Link, options: ClientSettings = {}) {
    this.link = link;
    this.options = options;
    this.report = options.report ?? ((problem, error) => console.error(`json-packet: ${problem}`, error));
    this.requests = new Requests(options.timeoutMs ?? 10_000);
    pump(link, new JsonPacketConnection({ role: "client", maxPacketBytes: MAX_PACKET_BYTES }), {
      event: (packet) => this.receive(packet),
      settled() {},
      failed: (error) => this.fail(error),
      closed: (reason) => this.ended(new Error(`the connection is closed (${reason})`)),
    });
  }

  /** This connection's secret, once hands are shaken: not to be shown to anybody. */
  get token(): string | null {
    return this.#token;
  }

  /** Whether neither side has closed. */
  get connected(): boolean {
    return this.state === "open";
  }

  /** The server's. */
  get remoteAddress(): string {
    return this.link.remoteAddress;
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
    if (this.#encryption === undefined) await this.exchangeKeys();
    const asks = this.encrypted || credentials !== undefined;
    if (this.#token === null || asks) this.send(ACTIONS.handShake, credentials ?? {});
    if (this.#token === null) await this.requests.ask(ACTIONS.handShake);
    // A server that spoke first says nothing to a login that is right: so ask for something behind it.
    if (asks) await this.ping();
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
    const before = this.actions.get(name);
    const bound: Bound = {
      name,
      handler: bindHandler(name, handler, options, () => {
        // Bound anew since then: that holds.
        if (this.actions.get(name) === bound) this.actions.set(name, before);
      }),
    };
    this.actions.set(name, bound);
  }

  /** Makes a packet of now. @throws {TypeError} where `data` cannot be JSON that a receiver would take */
  createPacket(name: string, data?: unknown): Packet {
    return createPacket(name, data);
  }

  /** Sends a packet. One that came in goes on with its data byte for byte. */
  sendPacket(packet: Packet): void {
    this.write(this.#encoder.encode(packet));
  }

  /** Sends a packet of now. @throws {TypeError} where `data` cannot be JSON that a receiver would take */
  send(name: string, data?: unknown): void {
    this.sendPacket(createPacket(name, data));
  }

  /**
   * Sends a packet and waits for the next one of that name, for a `PING` of the name `PONG`; gives its data. An error
   * goes to the oldest request that waits, since it does not say what it answers.
   *
   * @throws {JsonPacketRefusal} what the server answered instead
   * @throws {Error} where no answer came in time, or the connection is gone
   */
  async request(name: string, data?: unknown): Promise<unknown> {
    const packet = createPacket(name, data);
    this.sendPacket(packet);
    return (await this.requests.ask(name === ACTIONS.ping ? ACTIONS.pong : name)).data;
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
    this.send(ACTIONS.disconnect, reason);
    this.end();
  }

  /** Iterates over packets that answer no request and have no handler; behind a `disconnect` there are none. */
  [Symbol.asyncIterator](): AsyncIterator<Packet> {
    return this.packets[Symbol.asyncIterator]();
  }

  /** Asks for encryption where it is wanted. [JSON-8.1] */
  private async exchangeKeys(): Promise<void> {
    const { pin, encryptKeys, encryption = pin === undefined ? "off" : "required" } = this.options;
    if (encryption === "off") return;
    const own = encryptKeys ?? (await sharedKeys());
    const required = encryption === "required";
    this.#encryption = new ClientEncryption(this.link, own, { required, pin }, (error) => this.fail(error));
    this.send(ACTIONS.handShake, { publicKey: own.publicKey });
    await this.requests.ask(ACTIONS.handShake);
    // A plain answer came: of a server that cannot, or of one that had spoken first and will answer before this.
    if (this.#encryption.state === "plain") await this.ping();
    if (!this.#encryption.start() && required) {
      throw new JsonPacketRefusal(
        "bad_encryption",
        "the server does not encrypt, and encryption is required",
      );
    }
  }

  private receive(packet: Packet): void | Promise<void> {
    // Whoever gets it reads it later, when the memory it came in is another chunk's.
    packet.keep();
    if (this.#encryption === undefined) return this.take(packet);
    if (packet.action === ACTIONS.encrypted) {
      return this.#encryption.open(packet).then((inner) => this.take(inner));
    }
    if (!this.#encryption.admits(packet)) throw badEncryption();
    return this.take(packet);
  }

  /** Does what a packet asks for, however it came. */
  private take(packet: Packet): void | Promise<void> {
    if (this.state === "ended") return;
    const { action } = packet;
    if (action === ACTIONS.handShake) return this.registered(packet);
    if (action === ACTIONS.error) {
      if (!this.requests.refuse(() => true, refusalOf(packet.data))) this.push(packet);
      return;
    }
    if (this.requests.answer((asked) => asked === action, packet)) return;
    const bound = this.actions.find(packet);
    if (bound !== undefined) this.run(bound.name, bound.handler, packet);
    else if (action === ACTIONS.ping) this.write(this.#encoder.answer(PONG, packet));
    else if (this.actions.wildcard !== undefined) this.run(action, this.actions.wildcard.handler, packet);
    else this.push(packet);
    if (action === ACTIONS.disconnect) this.end();
  }

  /** The original server may tell a token more than once: the last one holds. */
  private async registered(packet: Packet): Promise<void> {
    const data = (packet.data ?? {}) as Record<string, unknown>;
    const { status, uuid } = data;
    if (status === "continue" && this.#encryption !== undefined) await this.#encryption.accept(data);
    if (typeof uuid === "string" && uuid !== this.#token) {
      this.#token = uuid;
      this.#encoder = new PacketEncoder(uuid);
    }
    this.requests.answer((asked) => asked === ACTIONS.handShake, packet);
  }

  /** Runs a handler. Packets behind this one do not wait for it: it may itself ask the server for something. */
  private async run(name: string, handler: ActionHandler<JsonPacketClient>, packet: Packet): Promise<void> {
    if (this.running === MAX_RUNNING) {
      this.fail(
        new Error(`packets came in faster than their handlers finished: ${MAX_RUNNING} are under way`),
      );
      return;
    }
    this.running++;
    try {
      const result = await handler(packet.data, this, packet);
      if (result instanceof Packet) this.write(this.#encoder.answer(packetHead(name), result));
      else if (result !== undefined) this.send(name, result);
    } catch (error) {
      this.report(`the handler of "${name}" failed`, error);
    }
    this.running--;
  }

  private write(line: Uint8Array): void {
    if (this.#encryption === undefined) this.link.write(line);
    else this.#encryption.write(line);
  }

  /** Sends what is queued, and closes. */
  private end(): void {
    if (this.#encryption === undefined) this.link.end();
    else this.#encryption.end();
  }

  private push(packet: Packet): void {
    if (!this.packets.push(packet))
      this.fail(new Error("packets came in faster than they were iterated over"));
  }

  private fail(error: unknown): void {
    this.ended(error instanceof Error ? error : new Error(String(error)));
    this.link.destroy();
  }

  /** The first reason holds: what follows it is only its consequence. */
  private ended(error: Error): void {
    if (this.state === "ended") return;
    this.state = "ended";
    this.requests.end(error);
    this.packets.end();
  }
}
