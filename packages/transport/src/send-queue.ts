import type { ReconnectOptions } from "./reconnect.ts";

/** What waits for the connection to be back. */
export interface Waiting {
  readonly bytes: number;
  send(): void;
  drop(error: Error): void;
}

/** What a client sends while its connection is lost, in its order. Bounded. */
export class SendQueue {
  readonly #waiting = new Set<Waiting>();
  readonly #limits: Required<ReconnectOptions>;
  #bytes = 0;

  constructor(limits: Required<ReconnectOptions>) {
    this.#limits = limits;
  }

  /** @throws {Error} where it is full */
  add(waiting: Waiting): void {
    const { maxQueuedMessages, maxQueuedBytes } = this.#limits;
    if (this.#waiting.size === maxQueuedMessages || this.#bytes + waiting.bytes > maxQueuedBytes) {
      throw new Error(
        `the connection is lost, and no more than ${maxQueuedMessages} messages of ${maxQueuedBytes} bytes can wait for it`,
      );
    }
    this.#waiting.add(waiting);
    this.#bytes += waiting.bytes;
  }

  leave(waiting: Waiting): void {
    if (this.#waiting.delete(waiting)) this.#bytes -= waiting.bytes;
  }

  /** Takes out all that waits. */
  takeAll(): Waiting[] {
    const all = [...this.#waiting];
    this.#waiting.clear();
    this.#bytes = 0;
    return all;
  }
}
