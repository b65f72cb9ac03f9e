import { connect, EventQueue, type Link, pump, Requests } from "@wireyard/transport";
import { encodeFields } from "./codec.ts";
import { CommaConnection } from "./connection.ts";
import type { ServerMessage } from "./messages.ts";

export interface CommaClientOptions {
  /** `tcp://host:port` */
  url: string;
  /** How long an answer may take, in milliseconds. Default 10,000. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

/** What happens on a client's connection beside the answers to its requests. */
export type CommaEvent =
  /** Another client's `send`: its user, and the command and arguments it sent. */
  | { readonly type: "send"; readonly from: string; readonly fields: readonly string[] }
  /** An error that answers no request; behind a fatal one the connection ends. */
  | { readonly type: "error"; readonly fatal: boolean; readonly code: string; readonly text: string };

/** A server's `error` answer to a request. `code` is one of `ERRORS`. */
export class CommaRefusal extends Error {
  readonly code: string;

  constructor(code: string, text: string) {
    super(text);
    this.name = "CommaRefusal";
    this.code = code;
  }
}

/** A request that waits; its text stands in the error where no answer comes. */
interface Asked {
  readonly id: string;
  toString(): string;
}

const MAX_FRAME_BYTES = 1_048_576;

/**
 * Connects a client to a comma command server.
 *
 * @throws {Error} with Node's `code`, such as `ECONNREFUSED`
 */
export async function connectCommaCommand(options: CommaClientOptions): Promise<CommaClient> {
  return new CommaClient(await connect(options), options);
}

/** A client of a comma command server: promises for what is answered, iteration over what happens. */
export class CommaClient implements AsyncIterable<CommaEvent> {
  private readonly link: Link;
  private readonly events = new EventQueue<CommaEvent>();
  private readonly requests: Requests<Asked, readonly string[]>;
  private lastId = 0;
  private state: "open" | "ended" = "open";

  constructor(link: Link, options: { timeoutMs?: number } = {}) {
    this.link = link;
    this.requests = new Requests(options.timeoutMs ?? 10_000);
    pump(link, new CommaConnection({ role: "client", maxFrameBytes: MAX_FRAME_BYTES }), {
      event: (message) => this.receive(message),
      settled() {},
      failed: (error) => this.fail(error),
      closed: (reason) => this.ended(new Error(`the connection is closed (${reason})`)),
    });
  }

  /** Registers a user, which does not log in. Its account is durable when this resolves. @throws {CommaRefusal} */
  async register(user: string, password: string): Promise<void> {
    await this.request("register", user, password);
  }

  /** Logs in; a second login switches the user. @throws {CommaRefusal} */
  async login(user: string, password: string): Promise<void> {
    await this.request("login", user, password);
  }

  /** The user that this client is logged in as. @throws {CommaRefusal} `not_logged_in` */
  async whoami(): Promise<string> {
    const values = await this.request("whoami");
    return values[1] ?? "";
  }

  /**
   * Sends a command and its arguments to every session of a user. One who is known but not there gets nothing.
   *
   * @throws {CommaRefusal} `wrong_user_or_password` where there is no such user
   */
  async send(user: string, ...fields: [command: string, ...args: string[]]): Promise<void> {
    await this.request("send", user, ...fields);
  }

  /** Does nothing, and waits for the server to say so. */
  async nop(): Promise<void> {
    await this.request("nop");
  }

  /** The forms of the server's commands, or that of one. @throws {CommaRefusal} `command_not_found` */
  async help(command?: string): Promise<string[]> {
    const values = await this.request("help", ...(command === undefined ? [] : [command]));
    return values.slice(1);
  }

  /**
   * Runs any command of the server.
   *
   * @returns the values of its reply: `["ok"]` where it has none of its own
   * @throws {CommaRefusal} what the server answered instead
   * @throws {Error} where no answer came in time, or the connection is gone
   */
  async request(command: string, ...args: string[]): Promise<string[]> {
    const id = String(++this.lastId);
    this.link.write(encodeFields(["req", id, command, ...args]));
    return [...(await this.requests.ask({ id, toString: () => `${command} (req ${id})` }))];
  }

  /** Sends what is queued and closes. */
  close(): void {
    this.link.end();
  }

  [Symbol.asyncIterator](): AsyncIterator<CommaEvent> {
    return this.events[Symbol.asyncIterator]();
  }

  private receive(message: ServerMessage): void {
    switch (message.type) {
      case "send":
        this.push(message);
        return;
      case "reply":
        this.requests.answer((asked) => asked.id === message.id, message.values);
        return;
      case "error": {
        const { id, fatal, code, text } = message;
        const refusal = new CommaRefusal(code, text);
        if (id !== undefined) {
          this.requests.refuse((asked) => asked.id === id, refusal);
          return;
        }
        this.push({ type: "error", fatal, code, text });
        // What still waits gets no answer any more, and this is why.
        if (fatal) this.ended(refusal);
        return;
      }
    }
  }

  private push(event: CommaEvent): void {
    if (!this.events.push(event)) this.fail(new Error("events came in faster than they were iterated over"));
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
    this.events.end();
  }
}
