import { ProtocolError } from "@wireyard/framing";
import { EventQueue } from "./event-queue.ts";
import type { Link } from "./link.ts";
import {
  type ConnectionEvent,
  DEFAULT_TIMEOUT_MS,
  type LifelineOptions,
  type LifelineOwner,
  RECONNECT_DEFAULTS,
  type ReconnectOptions,
} from "./reconnect.ts";
import { SendQueue, type Waiting } from "./send-queue.ts";

type Connect = NonNullable<LifelineOptions["connect"]>;

/**
 * What the clients of all protocols have in common: a link, the events that are iterated over, and the way back where
 * the link is lost.
 */
export class Lifeline<Event> {
  link: Link;
  /** `closing`: by the client itself. `away`: lost, and trying to get back. `restoring`: back, but not all is as it was. */
  state: "up" | "closing" | "away" | "restoring" | "ended" = "up";
  readonly #events = new EventQueue<Event | ConnectionEvent>();
  readonly #owner: LifelineOwner;
  readonly #signal: AbortSignal | undefined;
  readonly #connect: Connect | undefined;
  readonly #backoff: Required<ReconnectOptions> | undefined;
  readonly #timeoutMs: number;
  readonly #queue: SendQueue;
  /** Tries since the connection last held. */
  #tries = 0;
  #upSince = performance.now();
  #lastError = new Error("the connection is open");
  /** Ends what is going on to get back: a wait, a try, the restoring. */
  #attempt: AbortController | undefined;

  constructor(link: Link, options: LifelineOptions, owner: LifelineOwner) {
    const { reconnect = false, connect, signal, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    if (reconnect !== false && connect === undefined) {
      throw new TypeError("reconnect needs connect, which makes a new link");
    }
    this.link = link;
    this.#signal = signal;
    this.#connect = connect;
    this.#owner = owner;
    this.#timeoutMs = timeoutMs;
    const backoff = { ...RECONNECT_DEFAULTS, ...(typeof reconnect === "object" && reconnect) };
    this.#backoff = reconnect === false ? undefined : backoff;
    this.#queue = new SendQueue(backoff);
    signal?.addEventListener("abort", this.#abort);
  }

  /** Whether the client comes back by itself, and so has to remember what to restore. */
  get reconnects(): boolean {
    return this.#backoff !== undefined;
  }

  /** Takes the first link into use. */
  start(): void {
    this.#owner.open(this.link);
    if (this.#signal?.aborted) this.#abort();
  }

  /** Sends bytes, now or when the connection is back. @throws {Error} where too much waits for that already */
  write(bytes: Uint8Array): void {
    if (this.#holds) this.send(bytes.length, () => this.link.write(bytes));
    else this.link.write(bytes);
  }

  /** As `write`, of what depends on the connection: `send` does it, and `bytes` is about how many. */
  send(bytes: number, send: () => void): void {
    if (this.#holds) this.#queue.add({ bytes, send, drop() {} });
    else send();
  }

  /** Asks for something, now or when the connection is back: `ask` sends, and waits for the answer. */
  ask<Answer>(bytes: number, ask: () => Promise<Answer>): Promise<Answer> {
    if (this.state === "ended") return Promise.reject(this.#lastError);
    if (!this.#holds) return ask();
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        bytes,
        send: () => {
          clearTimeout(timer);
          ask().then(resolve, reject);
        },
        drop: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      };
      this.#queue.add(waiting);
      const timer = setTimeout(() => {
        this.#queue.leave(waiting);
        reject(new Error(`no connection within ${this.#timeoutMs} ms: ${this.#lastError.message}`));
      }, this.#timeoutMs);
    });
  }

  /** Adds an event; a reader that is too slow ends the client. */
  push(event: Event | ConnectionEvent): void {
    if (this.#events.push(event)) return;
    this.fail(new Error("events came in faster than they were iterated over"));
  }

  iterate(): AsyncIterator<Event | ConnectionEvent> {
    return this.#events[Symbol.asyncIterator]();
  }

  /** A link is gone. */
  closed(link: Link, reason: string): void {
    if (link === this.link) this.lose(new Error(`the connection is closed (${reason})`));
  }

  /** The connection ends, for that reason: what comes of it is as if it were closed. */
  lose(error: Error): void {
    this.link.end();
    if (this.state === "restoring") this.#attempt?.abort(error);
    else if (this.state === "up" && this.#backoff !== undefined) this.#comeBack(error, this.#backoff);
    else if (this.state !== "away") this.#end(error);
  }

  /** The connection is of no use any more, and a new one would not be either. */
  fail(error: unknown): void {
    const reason = asError(error);
    this.#end(reason, this.reconnects ? reason : undefined);
    this.link.destroy();
  }

  /** Closes for good: `end` sends what is queued and ends the link. While the connection is lost, at once. */
  close(end: () => void = () => this.link.end()): void {
    if (this.#holds) {
      this.#end(new Error("the client is closed"));
      this.link.destroy();
    } else if (this.state === "up") {
      this.state = "closing";
      end();
    }
  }

  /** Whether what is sent has to wait. */
  get #holds(): boolean {
    return this.state === "away" || this.state === "restoring";
  }

  /** Tries until the connection is back, or the client has ended. */
  async #comeBack(error: Error, backoff: Required<ReconnectOptions>): Promise<void> {
    // A connection that did not hold is no reason to begin again with short waits.
    if (performance.now() - this.#upSince >= backoff.maxMs) this.#tries = 0;
    this.#tellLost(error);
    while (!this.#isEnded) {
      try {
        await this.#tryOnce(backoff);
        return;
      } catch (error) {
        this.#tryFailed(asError(error));
      }
    }
  }

  #tellLost(error: Error): void {
    this.state = "away";
    this.#lastError = error;
    this.#owner.lost(
      new Error("the connection was lost before the answer: nobody knows whether it was done", {
        cause: error,
      }),
    );
    this.push({ type: "lost", reason: error.message });
  }

  async #tryOnce({ minMs, maxMs, factor }: Required<ReconnectOptions>): Promise<void> {
    const attempt = new AbortController();
    const { signal } = attempt;
    this.#attempt = attempt;
    const longest = Math.min(maxMs, minMs * factor ** this.#tries);
    this.#tries++;
    // Any part of it: clients that were lost at once do not come back at once.
    await pause(Math.random() * longest, signal);
    const late = new Error(`no connection within ${this.#timeoutMs} ms`);
    const timer = setTimeout(() => attempt.abort(late), this.#timeoutMs);
    const link = await (this.#connect as Connect)(signal).finally(() => clearTimeout(timer));
    if (signal.aborted) {
      link.destroy();
      throw signal.reason;
    }
    this.link = link;
    this.state = "restoring";
    this.#owner.open(link);
    await Promise.race([this.#owner.restore(), aborted(signal)]);
    signal.throwIfAborted();
    this.#attempt = undefined;
    this.#upSince = performance.now();
    this.state = "up";
    this.push({ type: "back" });
    this.#sendWaiting();
  }

  #tryFailed(error: Error): void {
    if (this.#isEnded) return;
    if (error instanceof ProtocolError || this.#owner.isFinal(error)) {
      this.fail(error);
      return;
    }
    this.#lastError = error;
    if (this.state !== "restoring") return;
    this.link.destroy();
    this.#tellLost(error);
  }

  #sendWaiting(): void {
    for (const { send, drop } of this.#queue.takeAll()) {
      if (this.#isEnded) drop(this.#lastError);
      else send();
    }
  }

  #end(error: Error, thrown?: Error): void {
    if (this.#isEnded) return;
    this.state = "ended";
    this.#lastError = error;
    this.#signal?.removeEventListener("abort", this.#abort);
    this.#attempt?.abort(error);
    for (const { drop } of this.#queue.takeAll()) drop(error);
    this.#owner.lost(error);
    this.#events.end(thrown);
  }

  readonly #abort = (): void => {
    this.#end(asError(this.#signal?.reason));
    this.link.destroy();
  };

  get #isEnded(): boolean {
    return this.state === "ended";
  }
}

/** Waits. The timer keeps a process running, as the socket did: its client lives on. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
