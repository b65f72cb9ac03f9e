import type { CloseReason, Link, LinkHandlers } from "./link.ts";

/** One side of a protocol connection: bytes in, events out, one at a time. */
export interface PumpedConnection<Event> {
  feed(chunk: Uint8Array): void;
  /** @throws {ProtocolError} where the bytes break the wire format */
  next(): Event | undefined;
  /** Copies what is unread out of the memory of fed chunks. */
  keep(): void;
  /** Whether bytes of an unfinished frame are held. */
  readonly partial: boolean;
}

export interface PumpHandlers<Event> {
  /**
   * One event came in. A returned promise stops reading from this link until it is settled, so that answers keep
   * the order of requests. The event's views are lent until the first `await`.
   */
  event(event: Event): void | Promise<void>;
  /**
   * What came in was worked off, or will wait for a handler or the peer: whether part of a frame is left that the
   * peer has to complete, and how many events came of it.
   */
  settled(partial: boolean, events: number): void;
  /** The peer has said all that it will say, and all of it was worked off; the link is ended behind this. */
  ended?(): void;
  /** The wire is broken (`ProtocolError`), or a handler threw or rejected. No event comes after it. */
  failed(error: unknown): void;
  /** The link is gone. Told once, last. */
  closed(reason: CloseReason): void;
}

/** With more than this queued for a peer, its own next requests wait until it has read. */
export const HIGH_WATER_BYTES = 262_144;

/** The one loop between a link and a protocol connection: reads, decodes, hands on, and stops where it must wait. */
export function pump<Event>(
  link: Link,
  connection: PumpedConnection<Event>,
  handlers: PumpHandlers<Event>,
): void {
  link.open(new Pump(link, connection, handlers));
}

class Pump<Event> implements LinkHandlers {
  readonly #link: Link;
  readonly #connection: PumpedConnection<Event>;
  readonly #handlers: PumpHandlers<Event>;
  /** `waiting`: for a handler's promise. `blocked`: until the peer reads. `done`: no more events. */
  #state: "ready" | "waiting" | "blocked" | "done" = "ready";
  #inputEnded = false;

  constructor(link: Link, connection: PumpedConnection<Event>, handlers: PumpHandlers<Event>) {
    this.#link = link;
    this.#connection = connection;
    this.#handlers = handlers;
  }

  data(chunk: Uint8Array): void {
    if (this.#state === "done") return;
    this.#connection.feed(chunk);
    if (this.#state === "ready") this.#run();
    else this.#connection.keep();
  }

  ended(): void {
    this.#inputEnded = true;
    if (this.#state === "ready") this.#finish();
  }

  drained(): void {
    if (this.#state === "blocked") this.#goOn();
  }

  closed(reason: CloseReason): void {
    this.#state = "done";
    this.#handlers.closed(reason);
  }

  #goOn(): void {
    if (this.#state === "done") return;
    this.#state = "ready";
    this.#run();
    if (this.#state === "ready") this.#link.resume();
  }

  #run(): void {
    const link = this.#link;
    const connection = this.#connection;
    const handlers = this.#handlers;
    let events = 0;
    try {
      for (;;) {
        if (link.queuedBytes > HIGH_WATER_BYTES) {
          this.#stop("blocked", events);
          return;
        }
        const event = connection.next();
        if (event === undefined) break;
        events++;
        const waiting = handlers.event(event);
        if (waiting !== undefined) {
          this.#stop("waiting", events);
          waiting.then(
            () => this.#goOn(),
            (error: unknown) => this.#fail(error),
          );
          return;
        }
      }
      handlers.settled(connection.partial, events);
      if (this.#inputEnded) this.#finish();
    } catch (error) {
      this.#fail(error);
    }
  }

  #finish(): void {
    this.#handlers.ended?.();
    this.#link.end();
  }

  #stop(state: "waiting" | "blocked", events: number): void {
    this.#state = state;
    this.#connection.keep();
    this.#link.pause();
    // What is held now waits for us, not for the peer: it has not begun a frame that it could be late with.
    this.#handlers.settled(false, events);
  }

  #fail(error: unknown): void {
    if (this.#state === "done") return;
    this.#state = "done";
    this.#handlers.failed(error);
  }
}
