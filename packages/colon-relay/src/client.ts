import { decodeText, encodeText, LineDecoder } from "@wireyard/framing";
import {
  type ClientOptions,
  type ConnectionEvent,
  connect,
  connectUdp,
  DEFAULT_TIMEOUT_MS,
  Lifeline,
  type LifelineOptions,
  type Link,
  Requests,
  readFrames,
  within,
} from "@wireyard/transport";
// What browsers have in its place is in browser-datagrams.ts.
import { ClientDatagrams } from "#client-datagrams";
import type { DatagramState } from "./client-datagrams.ts";
import { type Dialect, encodeClientMessage, readServerLine } from "./codec.ts";
import type { Audience, ClientMessage, RoomCount, ServerMessage } from "./messages.ts";

export interface ColonClientOptions extends ClientOptions, Partial<Dialect> {
  /** Binds datagrams at login. `true`: to the port of the stream. Default `false`. */
  udp?: boolean | ColonClientUdpOptions;
}

export interface ColonClientUdpOptions {
  /** Default: the port of the stream. */
  port?: number;
  /** Binds that are sent, over some 9 seconds, before the client goes on without datagrams. Default 8. */
  tries?: number;
}

/** How a message travels. */
export type Channel = "stream" | "datagram";

/** What happens on a client's connection. */
export type ColonEvent =
  | { readonly type: "joined"; readonly id: number; readonly room: string; readonly username?: string }
  | { readonly type: "left"; readonly id: number }
  | { readonly type: "message"; readonly from: number; readonly text: string; readonly channel: Channel }
  /** Datagrams are bound, or there will be none, for that reason. */
  | { readonly type: "udp"; readonly state: "bound" | "unavailable"; readonly reason: string }
  | { readonly type: "master"; readonly id: number }
  | { readonly type: "error"; readonly code: string; readonly text: string }
  | ConnectionEvent;

/** A server's `9:` answer to a request. `code` is one of `ERRORS`. */
export class ColonRefusal extends Error {
  readonly code: string;

  constructor(code: string, text: string) {
    super(text);
    this.name = "ColonRefusal";
    this.code = code;
  }
}

/** What a client can say. */
type Said = Exclude<ClientMessage, { type: "invalid" }>;

type Asked = "login" | "rooms" | "join" | "leave";

/** Which request an error answers; the other errors are about messages, and come as events. */
const ANSWERS: Readonly<Record<string, readonly Asked[]>> = {
  not_logged_in: ["rooms", "join", "leave"],
  already_logged_in: ["login"],
  invalid_name: ["login", "join"],
  wrong_password: ["login", "join"],
  rate_limited: ["login"],
};

const MAX_LINE_BYTES = 1_048_576;

/**
 * Connects a client to a colon relay.
 *
 * @throws {Error} with Node's `code`, such as `ECONNREFUSED`; after `timeoutMs`
 */
export async function connectColonRelay(options: ColonClientOptions): Promise<ColonClient> {
  const dial = (signal: AbortSignal): Promise<Link> => connect({ ...options, signal });
  return new ColonClient(await within(options, dial), { ...options, connect: dial });
}

/** A client of a colon relay: promises for what is answered, iteration over what happens. */
export class ColonClient implements AsyncIterable<ColonEvent> {
  /** The session's id, once logged in. */
  id: number | undefined;
  /** The room this client is in. */
  room: string | undefined;
  readonly #line: Lifeline<ColonEvent>;
  /** Settles when the last change of room is done. */
  #moved: Promise<void> = Promise.resolve();
  readonly #requests: Requests<Asked, ServerMessage>;
  readonly #udp: ColonClientUdpOptions | undefined;
  readonly #usernames: boolean;
  #datagrams: ClientDatagrams | undefined;
  /** What a new connection is to have too. */
  #credentials: { readonly username: string; readonly password: string } | undefined;
  #joined: { readonly room: string; readonly password: string } | undefined;
  readonly #groups = new Map<string, readonly number[]>();

  constructor(link: Link, options: LifelineOptions & Pick<ColonClientOptions, "udp" | "usernames"> = {}) {
    this.#udp = options.udp === true ? {} : options.udp || undefined;
    this.#usernames = options.usernames ?? false;
    this.#requests = new Requests(options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    this.#line = new Lifeline<ColonEvent>(link, options, {
      open: (link) => this.#open(link),
      restore: () => this.#restore(),
      lost: (error) => this.#lost(error),
      isFinal: (error) => error instanceof ColonRefusal && error.code !== "rate_limited",
    });
    this.#line.start();
  }

  /** Whether datagrams are bound; `undefined` where none were asked for, and before the login. */
  get udpState(): DatagramState | undefined {
    return this.#datagrams?.state;
  }

  /** Logs in. @returns the session's id @throws {ColonRefusal} */
  async login(username: string, password = ""): Promise<number> {
    // What stands behind it would be the password's.
    if (username.includes(":")) throw new TypeError("a name cannot hold a colon");
    await this.#ask("login", { type: "login", username, password });
    if (this.#line.reconnects) this.#credentials = { username, password };
    return this.id as number;
  }

  /** Lists the public rooms and, with a password, the private ones made with it. */
  async rooms(password = ""): Promise<readonly RoomCount[]> {
    const answer = await this.#ask("rooms", { type: "list", password });
    return answer.type === "rooms" ? answer.rooms : [];
  }

  /** Joins a room, making it where there is none, and leaves the present one. @throws {ColonRefusal} */
  join(room: string, password = ""): Promise<void> {
    return this.#move({ type: "join", room, password }, async (line) => {
      // The server answers nothing to joining the room one is in.
      if (room !== this.room) await this.#askNow("join", line);
      if (this.#line.reconnects) this.#joined = { room, password };
    });
  }

  /** Leaves the room. */
  leave(): Promise<void> {
    return this.#move({ type: "leave" }, async (line) => {
      if (this.room !== undefined) await this.#askNow("leave", line);
    });
  }

  /**
   * Sends a message to the room. Default: to the others, unordered, by stream. By datagram where that is asked for and
   * datagrams are bound, and else by stream.
   */
  send(
    body: string | Uint8Array,
    options: { to?: Audience; ordered?: boolean; channel?: Channel } = {},
  ): void {
    const { to = "others", ordered = false, channel = "stream" } = options;
    if (ordered && channel === "datagram") throw new TypeError("datagrams have no order");
    const bytes = bytesOf(body);
    if (channel === "datagram" && this.#datagrams?.send({ type: "send", id: this.id, to, body: bytes }))
      return;
    this.#say({ type: "send", to, ordered, body: bytes });
  }

  /** Sends a message to a group of this client's, by datagram as `send` does. */
  sendToGroup(group: string, body: string | Uint8Array, options: { channel?: Channel } = {}): void {
    const message = { type: "send-group", group, body: bytesOf(body) } as const;
    if (options.channel === "datagram" && this.#datagrams?.send({ ...message, id: this.id })) return;
    this.#say(message);
  }

  /** Defines a group of this client's, in place of the one of that name. */
  defineGroup(group: string, ids: readonly number[]): void {
    this.#say({ type: "define-group", group, ids });
    if (!this.#line.reconnects) return;
    if (ids.length === 0) this.#groups.delete(group);
    else this.#groups.set(group, ids);
  }

  /** Sends what is queued and closes. */
  close(): void {
    this.#line.close();
  }

  [Symbol.asyncIterator](): AsyncIterator<ColonEvent> {
    return this.#line.iterate();
  }

  #open(link: Link): void {
    const usernames = this.#usernames;
    const lines = new LineDecoder({ maxLineBytes: MAX_LINE_BYTES });
    readFrames(link, this.#line, lines, (line) => this.#receive(readServerLine(line, { usernames })));
  }

  async #restore(): Promise<void> {
    if (this.#credentials === undefined) return;
    const before = this.id;
    const groups = this.#groups;
    await this.#askNow("login", lineOf({ type: "login", ...this.#credentials }));
    // The ids of others change with their connections. The server skips those that are nobody's any more.
    for (const [group, ids] of groups) {
      const known = ids.map((id) => (id === before ? (this.id as number) : id));
      groups.set(group, known);
      this.#line.link.write(lineOf({ type: "define-group", group, ids: known }));
    }
    if (this.#joined !== undefined) await this.#askNow("join", lineOf({ type: "join", ...this.#joined }));
  }

  #lost(error: Error): void {
    this.#datagrams?.close();
    this.#datagrams = undefined;
    this.room = undefined;
    this.#requests.refuseAll(error);
  }

  /** One change of room after the other: whether there will be an answer depends on the room one is in. */
  #move(message: Said, change: (line: Uint8Array) => Promise<void>): Promise<void> {
    const line = lineOf(message);
    const moved = this.#moved.then(() => this.#line.ask(line.length, () => change(line)));
    this.#moved = moved.catch(() => {});
    return moved;
  }

  #say(message: Said): void {
    this.#line.write(lineOf(message));
  }

  async #ask(kind: Asked, message: Said): Promise<ServerMessage> {
    const line = lineOf(message);
    return this.#line.ask(line.length, () => this.#askNow(kind, line));
  }

  #askNow(kind: Asked, line: Uint8Array): Promise<ServerMessage> {
    this.#line.link.write(line);
    return this.#requests.ask(kind);
  }

  #receive(message: ServerMessage): void {
    switch (message.type) {
      case "logged-in":
        this.id = message.id;
        this.#requests.answer((kind) => kind === "login", message);
        if (this.#udp !== undefined) this.#datagrams ??= this.#bind(this.#udp, message.id, message.cookie);
        return;
      case "rooms":
        this.#requests.answer((kind) => kind === "rooms", message);
        return;
      case "message":
        this.#receiveMessage(message, "stream");
        return;
      case "joined":
        if (message.id === this.id) {
          this.room = message.room;
          this.#requests.answer((kind) => kind === "join", message);
        }
        this.#line.push(message);
        return;
      case "left":
        if (message.id === this.id) {
          this.room = undefined;
          this.#joined = undefined;
          this.#requests.answer((kind) => kind === "leave", message);
        }
        this.#line.push(message);
        return;
      case "error": {
        const asked = ANSWERS[message.code] ?? [];
        const refusal = new ColonRefusal(message.code, message.text);
        if (!this.#requests.refuse((kind) => asked.includes(kind), refusal)) this.#line.push(message);
        return;
      }
      case "master":
        this.#line.push(message);
        return;
      case "unknown":
        return;
    }
  }

  #receiveMessage({ from, body }: { from: number; body: Uint8Array }, channel: Channel): void {
    this.#line.push({ type: "message", from, text: decodeText(body) as string, channel });
  }

  #bind(udp: ColonClientUdpOptions, id: number, cookie: string | undefined): ClientDatagrams {
    // The very address that the stream goes to: binds are taken from the stream's own address alone. [COLON-5.4]
    const { remoteAddress: address, remotePort } = this.#line.link;
    return new ClientDatagrams({
      id,
      cookie,
      tries: udp.tries,
      open: (handlers) => connectUdp({ address, port: udp.port ?? remotePort }, handlers),
      settled: (state, reason) => this.#line.push({ type: "udp", state, reason }),
      message: (message) => this.#receiveMessage(message, "datagram"),
    });
  }
}

function lineOf(message: Said): Uint8Array {
  const line = encodeClientMessage(message);
  // A line end within would make two messages of one.
  if (line.indexOf(0x0a) !== line.length - 1) throw new TypeError("a line cannot hold a line end");
  return line;
}

function bytesOf(body: string | Uint8Array): Uint8Array {
  return typeof body === "string" ? encodeText(body) : body;
}
