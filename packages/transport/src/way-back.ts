import type { Lifeline } from "./lifeline.ts";
import type { Link } from "./link.ts";
import type { LifelineOwner, ReconnectOptions } from "./reconnect.ts";
import { SendQueue, type Waiting } from "./send-queue.ts";

/** 2 s at most: whoever was away is back within 5 s of the server, and they do not come all at once. */
export const RECONNECT_DEFAULTS: Readonly<Required<ReconnectOptions>> = Object.freeze({
  minMs: 100,
  maxMs: 2_000,
  factor: 2,
  maxQueuedMessages: 256,
  maxQueuedBytes: 65_536,
});

export interface WayBackOptions extends ReconnectOptions {
  readonly connect: (signal: AbortSignal) => Promise<Link>;
  readonly timeoutMs: number;
}

/**
 * What a lifeline has for a connection that is lost: tries until there is another, and holds what is to be sent.
 * Loaded where `reconnect` asks for it. It imports nothing that the client has too, so that bundlers leave that in one
 * piece.
 */
export class WayBack {
  readonly #line: Lifeline<unknown>;
  readonly #owner: LifelineOwner;
  readonly #options: Required<WayBackOptions>;
  readonly #queue: SendQueue;
  /** Tries since the connection last held. */
  #tries = 0;
  #upSince = performance.now();
  /** Ends what is going on to get back: a wait, a try, the restoring. */
  #attempt: AbortController | undefined;

  constructor(line: Lifeline<unknown>, owner: LifelineOwner, options: WayBackOptions) {
    this.#line = line;
    this.#owner = owner;
    this.#options = { ...RECONNECT_DEFAULTS, ...options };
    this.#queue = new SendQueue(this.#options);
  }

  /** Tries until the connection is back, or the client has ended. */
  async comeBack(): Promise<void> {
    // A connection that did not hold is no reason to begin again with short waits.
    if (performance.now() - this.#upSince >= this.#options.maxMs) this.#tries = 0;
    this.#tellLost();
    while (!this.#isEnded) {
      try {
        await this.#tryOnce();
        return;
      } catch (error) {
        this.#tryFailed(error);
      }
    }
  }

  /** Ends the try that is under way. */
  abort(error: Error): void {
    this.#attempt?.abort(error);
  }

  /** Has something sent when the connection is back. @throws {Error} where too much waits for that already */
  hold(bytes: number, send: () => void): void {
    this.#queue.add({ bytes, send, drop() {} });
  }

  /** Has something asked when the connection is back, and waits for its answer. */
  ask<Answer>(bytes: number, ask: () => Promise<Answer>): Promise<Answer> {
    const { timeoutMs } = this.#options;
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
        reject(new Error(`no connection within ${timeoutMs} ms: ${this.#line.lastError.message}`));
      }, timeoutMs);
    });
  }

  /** The client has ended: nothing is tried any more, and what waits is dropped. */
  end(error: Error): void {
    this.abort(error);
    for (const { drop } of this.#queue.takeAll()) drop(error);
  }

  #tellLost(): void {
    const line = this.#line;
    const cause = line.lastError;
    line.state = "away";
    this.#owner.lost(new Error("lost before the answer: nobody knows whether it was done", { cause }));
    line.push({ type: "lost", reason: cause.message });
  }

  async #tryOnce(): Promise<void> {
    const { minMs, maxMs, factor, timeoutMs, connect } = this.#options;
    const line = this.#line;
    const attempt = new AbortController();
    const { signal } = attempt;
    this.#attempt = attempt;
    const longest = Math.min(maxMs, minMs * factor ** this.#tries++);
    // Any part of it: clients that were lost at once do not come back at once.
    await pause(Math.random() * longest, signal);
    const timer = setTimeout(
      () => attempt.abort(new Error(`no connection within ${timeoutMs} ms`)),
      timeoutMs,
    );
    const link = await connect(signal).finally(() => clearTimeout(timer));
    if (signal.aborted) link.destroy();
    signal.throwIfAborted();
    line.link = link;
    line.state = "restoring";
    this.#owner.open(link);
    await Promise.race([this.#owner.restore(), aborted(signal)]);
    signal.throwIfAborted();
    this.#attempt = undefined;
    this.#upSince = performance.now();
    line.state = "up";
    line.push({ type: "back" });
    this.#sendWaiting();
  }

  #tryFailed(error: unknown): void {
    const line = this.#line;
    if (this.#isEnded) return;
    if (line.isFinal(error)) line.fail(error);
    else {
      line.note(error);
      if (line.state !== "restoring") return;
      line.link.destroy();
      this.#tellLost();
    }
  }

  #sendWaiting(): void {
    for (const { send, drop } of this.#queue.takeAll()) {
      if (this.#isEnded) drop(this.#line.lastError);
      else send();
    }
  }

  get #isEnded(): boolean {
    return this.#line.state === "ended";
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
