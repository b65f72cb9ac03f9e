import { decodeText, encodeText } from "@wireyard/framing";
import { connect, EventQueue, type Link, pump, Requests } from "@wireyard/transport";
import { type Dialect, encodeClientMessage } from "./codec.ts";
import { ColonConnection } from "./connection.ts";
import type { Audience, ClientMessage, RoomCount, ServerMessage } from "./messages.ts";

export interface ColonClientOptions extends Partial<Dialect> {
  /** `tcp://host:port` */
  url: string;
  /** How long an answer may take, in milliseconds. Default 10,000. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

/** What happens on a client's connection. */
export type ColonEvent =
  | { readonly type: "joined"; readonly id: number; readonly room: string; readonly username?: string }
  | { readonly type: "left"; readonly id: number }
  | { readonly type: "message"; readonly from: number; readonly text: string }
  | { readonly type: "master"; readonly id: number }
  | { readonly type: "error"; readonly code: string; readonly text: string };

/** A server's `9:` answer to a request. `code` is one of `ERRORS`. */
export class ColonRefusal extends Error {
  readonly code: string;

  constructor(code: string, text: string) {
    super(text);
    this.name = "ColonRefusal";
    this.code = code;
  }
}

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
 * @throws {Error} with Node's `code`, such as `ECONNREFUSED`
 */
export async function connectColonRelay(options: ColonClientOptions): Promise<ColonClient> {
  return new ColonClient(await connect(options), options);
}

/** A client of a colon relay: promises for what is answered, iteration over what happens. */
export class ColonClient implements AsyncIterable<ColonEvent> {
  /** The session's id, once logged in. */
  id: number | undefined;
  /** The room this client is in. */
  room: string | undefined;
  private readonly link: Link;
  /** Settles when the last change of room is done. */
  private moved: Promise<void> = Promise.resolve();
  private readonly events = new EventQueue<ColonEvent>();
  private readonly requests: Requests<Asked, ServerMessage>;

  constructor(link: Link, options: Partial<Dialect> & { timeoutMs?: number } = {}) {
    this.link = link;
    this.requests = new Requests(options.timeoutMs ?? 10_000);
    const usernames = options.usernames ?? false;
    pump(link, new ColonConnection({ role: "client", maxLineBytes: MAX_LINE_BYTES, usernames }), {
      event: (message) => this.receive(message),
      settled() {},
      failed: (error) => this.fail(error),
      closed: (reason) => this.ended(new Error(`the connection is closed (${reason})`)),
    });
  }

  /** Logs in. @returns the session's id @throws {ColonRefusal} */
  async login(username: string, password = ""): Promise<number> {
    await this.ask("login", { type: "login", username, password });
    return this.id as number;
  }

  /** Lists the public rooms and, with a password, the private ones made with it. */
  async rooms(password = ""): Promise<readonly RoomCount[]> {
    const answer = await this.ask("rooms", { type: "list", password });
    return answer.type === "rooms" ? answer.rooms : [];
  }

  /** Joins a room, making it where there is none, and leaves the present one. @throws {ColonRefusal} */
  join(room: string, password = ""): Promise<void> {
    return this.move(async () => {
      // The server answers nothing to joining the room one is in.
      if (room !== this.room) await this.ask("join", { type: "join", room, password });
    });
  }

  /** Leaves the room. */
  leave(): Promise<void> {
    return this.move(async () => {
      if (this.room !== undefined) await this.ask("leave", { type: "leave" });
    });
  }

  /** Sends a message to the room. Default: to the others, unordered. */
  send(body: string | Uint8Array, options: { to?: Audience; ordered?: boolean } = {}): void {
    const { to = "others", ordered = false } = options;
    this.say({ type: "send", to, ordered, body: bytesOf(body) });
  }

  /** Sends a message to a group of this client's. */
  sendToGroup(group: string, body: string | Uint8Array): void {
    this.say({ type: "send-group", group, body: bytesOf(body) });
  }

  /** Defines a group of this client's, in place of the one of that name. */
  defineGroup(group: string, ids: readonly number[]): void {
    this.say({ type: "define-group", group, ids });
  }

  /** Sends what is queued and closes. */
  close(): void {
    this.link.end();
  }

  [Symbol.asyncIterator](): AsyncIterator<ColonEvent> {
    return this.events[Symbol.asyncIterator]();
  }

  /** One change of room after the other: whether there will be an answer depends on the room one is in. */
  private move(change: () => Promise<void>): Promise<void> {
    const moved = this.moved.then(change);
    this.moved = moved.catch(() => {});
    return moved;
  }

  private say(message: Exclude<ClientMessage, { type: "invalid" }>): void {
    const line = encodeClientMessage(message);
    // A line end within would make two messages of one.
    if (line.indexOf(0x0a) !== line.length - 1) throw new TypeError("a message cannot hold a line end");
    this.link.write(line);
  }

  private ask(kind: Asked, message: Exclude<ClientMessage, { type: "invalid" }>): Promise<ServerMessage> {
    this.say(message);
    return this.requests.ask(kind);
  }

  private receive(message: ServerMessage): void {
    switch (message.type) {
      case "logged-in":
        this.id = message.id;
        this.requests.answer((kind) => kind === "login", message);
        return;
      case "rooms":
        this.requests.answer((kind) => kind === "rooms", message);
        return;
      case "message":
        this.push({ type: "message", from: message.from, text: decodeText(message.body) as string });
        return;
      case "joined":
        if (message.id === this.id) {
          this.room = message.room;
          this.requests.answer((kind) => kind === "join", message);
        }
        this.push(message);
        return;
      case "left":
        if (message.id === this.id) {
          this.room = undefined;
          this.requests.answer((kind) => kind === "leave", message);
        }
        this.push(message);
        return;
      case "error": {
        const asked = ANSWERS[message.code] ?? [];
        const refusal = new ColonRefusal(message.code, message.text);
        if (!this.requests.refuse((kind) => asked.includes(kind), refusal)) this.push(message);
        return;
      }
      case "master":
        this.push(message);
        return;
      case "unknown":
        return;
    }
  }

  private push(event: ColonEvent): void {
    if (!this.events.push(event)) this.fail(new Error("events came in faster than they were iterated over"));
  }

  private fail(error: unknown): void {
    this.ended(error instanceof Error ? error : new Error(String(error)));
    this.link.destroy();
  }

  private ended(error: Error): void {
    this.requests.end(error);
    this.events.end();
  }
}

function bytesOf(body: string | Uint8Array): Uint8Array {
  return typeof body === "string" ? encodeText(body) : body;
}
