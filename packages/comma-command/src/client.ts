import { LengthNulDecoder } from "@wireyard/framing";
import {
  type ClientOptions,
  type ConnectionEvent,
  connect,
  DEFAULT_TIMEOUT_MS,
  Lifeline,
  type LifelineOptions,
  type Link,
  Requests,
  readFrames,
  within,
} from "@wireyard/transport";
import { encodeFields, readServerFrame } from "./codec.ts";
import type { ServerMessage } from "./messages.ts";

export type CommaClientOptions = ClientOptions;

/** What happens on a client's connection beside the answers to its requests. */
export type CommaEvent =
  /** Another client's `send`: its user, and the command and arguments it sent. */
  | { readonly type: "send"; readonly from: string; readonly fields: readonly string[] }
  /** An error that answers no request; behind a fatal one the connection ends. */
  | { readonly type: "error"; readonly fatal: boolean; readonly code: string; readonly text: string }
  | ConnectionEvent;

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
/** Refusals of a login that another try may mend. */
const PASSING: readonly string[] = ["rate_limited", "timeout", "unhandled", "request_too_long"];

/**
 * Connects a client to a comma command server.
 *
 * @throws {Error} with Node's `code`, such as `ECONNREFUSED`; after `timeoutMs`
 */
export async function connectCommaCommand(options: CommaClientOptions): Promise<CommaClient> {
  const dial = (signal: AbortSignal): Promise<Link> => connect({ ...options, signal });
  return new CommaClient(await within(options, dial), { ...options, connect: dial });
}

/** A client of a comma command server: promises for what is answered, iteration over what happens. */
export class CommaClient implements AsyncIterable<CommaEvent> {
  readonly #line: Lifeline<CommaEvent>;
  readonly #requests: Requests<Asked, readonly string[]>;
  #lastId = 0;
  /** The last login, where a new connection is to have it too. */
  #credentials: readonly [user: string, password: string] | undefined;

  constructor(link: Link, options: LifelineOptions = {}) {
    this.#requests = new Requests(options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    this.#line = new Lifeline<CommaEvent>(link, options, {
      open: (link) => this.#open(link),
      restore: () => this.#restore(),
      lost: (error) => this.#requests.refuseAll(error),
      isFinal: (error) => error instanceof CommaRefusal && !PASSING.includes(error.code),
    });
    this.#line.start();
  }

  /** Registers a user, which does not log in. Its account is durable when this resolves. @throws {CommaRefusal} */
  async register(user: string, password: string): Promise<void> {
    await this.request("register", user, password);
  }

  /** Logs in; a second login switches the user. @throws {CommaRefusal} */
  async login(user: string, password: string): Promise<void> {
    await this.request("login", user, password);
    if (this.#line.reconnects) this.#credentials = [user, password];
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
    const id = String(++this.#lastId);
    const frame = encodeFields(["req", id, command, ...args]);
    return [...(await this.#line.ask(frame.length, () => this.#ask(id, command, frame)))];
  }

  /** Sends what is queued and closes. */
  close(): void {
    this.#line.close();
  }

  [Symbol.asyncIterator](): AsyncIterator<CommaEvent> {
    return this.#line.iterate();
  }

  #ask(id: string, command: string, frame: Uint8Array): Promise<readonly string[]> {
    this.#line.link.write(frame);
    return this.#requests.ask({ id, toString: () => `${command} (req ${id})` });
  }

  #open(link: Link): void {
    const frames = new LengthNulDecoder({ maxFrameBytes: MAX_FRAME_BYTES });
    readFrames(link, this.#line, frames, (frame) => this.#receive(readServerFrame(frame)));
  }

  async #restore(): Promise<void> {
    if (this.#credentials === undefined) return;
    const id = String(++this.#lastId);
    await this.#ask(id, "login", encodeFields(["req", id, "login", ...this.#credentials]));
  }

  #receive(message: ServerMessage): void {
    switch (message.type) {
      case "send":
        this.#line.push(message);
        return;
      case "reply":
        this.#requests.answer((asked) => asked.id === message.id, message.values);
        return;
      case "error": {
        const { id, fatal, code, text } = message;
        const refusal = new CommaRefusal(code, text);
        if (id !== undefined) {
          this.#requests.refuse((asked) => asked.id === id, refusal);
          return;
        }
        this.#line.push({ type: "error", fatal, code, text });
        if (!fatal) return;
        // What still waits gets no answer any more, and this is why.
        this.#requests.refuseAll(refusal);
        this.#line.lose(refusal);
        return;
      }
    }
  }
}
