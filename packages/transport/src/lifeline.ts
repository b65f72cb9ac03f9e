import { ProtocolError } from "@wireyard/framing";
import { EventQueue } from "./event-queue.ts";
import type { Link } from "./link.ts";
import {
  type ConnectionEvent,
  DEFAULT_TIMEOUT_MS,
  type LifelineOptions,
  type LifelineOwner,
} from "./reconnect.ts";
import type { WayBack } from "./way-back.ts";

/**
 * What the clients of all protocols have in common: a link, the events that are iterated over, and the way back where
 * the link is lost, if `reconnect` asks for one.
 */
export class Lifeline<Event> {
  link: Link;
  /** `closing`: by the client itself. `away`: lost, and trying to get back. `restoring`: back, but not all is as it was. */
  state: "up" | "closing" | "away" | "restoring" | "ended" = "up";
  /** Whether the client comes back by itself, and so has to remember what to restore. */
  readonly reconnects: boolean;
  /** Why the connection was lost, or could not be made. */
  lastError: Error = new Error();
  readonly #events = new EventQueue<Event | ConnectionEvent>();
  readonly #owner: LifelineOwner;
  readonly #signal: AbortSignal | undefined;
  #wayBack: WayBack | undefined;

  constructor(link: Link, options: LifelineOptions, owner: LifelineOwner) {
    const { reconnect, connect, signal, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    this.link = link;
    this.reconnects = Boolean(reconnect);
    this.#owner = owner;
    this.#signal = signal;
    signal?.addEventListener("abort", this.#abort);
    if (!reconnect) return;
    if (connect === undefined) throw new TypeError("reconnect needs connect");
    // Begun now: what brings a connection back may not be to be had once it is lost.
    import("./way-back.ts")
      .then(({ WayBack }) => {
        const backoff = { ...(reconnect !== true && reconnect), connect, timeoutMs };
        this.#wayBack = new WayBack(this as Lifeline<unknown>, owner, backoff);
        if (this.state === "away") return this.#wayBack.comeBack();
      })
      .catch((error: unknown) => this.fail(error));
  }

  /** Takes the first link into use. */
  start(): void {
    this.#owner.open(this.link);
    if (this.#signal?.aborted) this.#abort();
  }

  /** Sends bytes, now or when the connection is back. @throws {Error} where too much waits for that already */
  write(bytes: Uint8Array): void {
    this.send(bytes.length, () => this.link.write(bytes));
  }

  /** As `write`, of what depends on the connection: `send` does it, and `bytes` is about how many. */
  send(bytes: number, send: () => void): void {
    const away = this.#away;
    if (away === undefined) send();
    else away.hold(bytes, send);
  }

  /** Asks for something, now or when the connection is back: `ask` sends, and waits for the answer. */
  async ask<Answer>(bytes: number, ask: () => Promise<Answer>): Promise<Answer> {
    if (this.state === "ended") throw this.lastError;
    return this.#away?.ask(bytes, ask) ?? ask();
  }

  /** Adds an event; a reader that is too slow ends the client. */
  push(event: Event | ConnectionEvent): void {
    if (this.#events.push(event)) return;
    this.fail(new Error("events came faster than they were read"));
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
    if (this.state === "restoring") this.#wayBack?.abort(error);
    else if (this.state === "up" && this.reconnects) {
      this.note(error);
      this.state = "away";
      this.#wayBack?.comeBack();
    } else if (this.state !== "away") this.#end(error);
  }

  /** The connection is of no use any more, and a new one would not be either: whoever iterates is told why. */
  fail(error: unknown): void {
    this.#stop(error, true);
  }

  /** Whether to try again would fail in the same way. */
  isFinal(error: unknown): boolean {
    return error instanceof ProtocolError || this.#owner.isFinal(error);
  }

  /** Remembers an error as the last one. */
  note(error: unknown): Error {
    this.lastError = error instanceof Error ? error : new Error(String(error));
    return this.lastError;
  }

  /** Closes for good: `end` sends what is queued and ends the link. While the connection is lost, at once. */
  close(end: () => void = () => this.link.end()): void {
    if (this.state === "up") {
      this.state = "closing";
      end();
    } else if (this.state !== "closing") this.#stop(new Error("the client is closed"));
  }

  /**
   * What holds what is sent, while that has to wait. A connection that is lost as soon as it is made may be so before
   * there is such.
   */
  get #away(): WayBack | undefined {
    if (this.state !== "away" && this.state !== "restoring") return undefined;
    if (this.#wayBack === undefined) throw this.lastError;
    return this.#wayBack;
  }

  #stop(error: unknown, throws?: boolean): void {
    this.#end(error, throws);
    this.link.destroy();
  }

  #end(error: unknown, throws?: boolean): void {
    if (this.state === "ended") return;
    this.state = "ended";
    const reason = this.note(error);
    this.#signal?.removeEventListener("abort", this.#abort);
    this.#wayBack?.end(reason);
    this.#owner.lost(reason);
    this.#events.end(throws ? reason : undefined);
  }

  readonly #abort = (): void => this.#stop(this.#signal?.reason);
}
