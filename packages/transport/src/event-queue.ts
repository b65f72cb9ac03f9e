/** What came in and waits to be iterated over, for the clients. Bounded. */
export class EventQueue<Event> implements AsyncIterable<Event> {
  readonly #events: Event[] = [];
  readonly #limit: number;
  /** Wake those who wait for an event. */
  readonly #waiting: (() => void)[] = [];
  /** Iterators that nobody has left: `break` in a loop does. */
  #readers = 0;
  #ended = false;
  #error: Error | undefined;

  /** @param limit most events held; default 10,000 */
  constructor(limit = 10_000) {
    this.#limit = limit;
  }

  /**
   * Adds an event. Where nobody iterates, the oldest goes when the queue is full.
   *
   * @returns whether there was room: an iterating reader that is too slow has to be told, not to miss events
   */
  push(event: Event): boolean {
    if (this.#events.length >= this.#limit) {
      if (this.#readers > 0) return false;
      this.#events.shift();
    }
    this.#events.push(event);
    this.#waiting.shift()?.();
    return true;
  }

  /** Ends iteration behind what is queued; with an error, which it then throws. */
  end(error?: Error): void {
    this.#ended = true;
    this.#error = error;
    for (const wake of this.#waiting) wake();
  }

  [Symbol.asyncIterator](): AsyncIterator<Event> {
    let open = 1;
    this.#readers++;
    return {
      next: () => this.#next(),
      return: async () => {
        this.#readers -= open;
        open = 0;
        return { value: undefined, done: true };
      },
    };
  }

  async #next(): Promise<IteratorResult<Event>> {
    while (this.#events.length === 0) {
      if (this.#error !== undefined) throw this.#error;
      if (this.#ended) return { value: undefined, done: true };
      await new Promise<void>((wake) => this.#waiting.push(wake));
    }
    return { value: this.#events.shift() as Event, done: false };
  }
}
