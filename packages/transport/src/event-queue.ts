/** What came in and waits to be iterated over, for the clients. Bounded. */
export class EventQueue<Event> implements AsyncIterable<Event> {
  readonly #events: Event[] = [];
  readonly #limit: number;
  readonly #waiting: {
    resolve(result: IteratorResult<Event>): void;
    reject(error: unknown): void;
  }[] = [];
  #iterated = false;
  #ended = false;
  #error: Error | undefined;

  /** @param limit most events held; default 10,000 */
  constructor(limit = 10_000) {
    this.#limit = limit;
  }

  /**
   * Adds an event. Where nobody has ever iterated, the oldest goes when the queue is full.
   *
   * @returns whether there was room: an iterating reader that is too slow has to be told, not to miss events
   */
  push(event: Event): boolean {
    const reader = this.#waiting.shift();
    if (reader !== undefined) {
      reader.resolve({ value: event, done: false });
      return true;
    }
    if (this.#events.length >= this.#limit) {
      if (this.#iterated) return false;
      this.#events.shift();
    }
    this.#events.push(event);
    return true;
  }

  /** Ends iteration behind what is queued; with an error, which it then throws. */
  end(error?: Error): void {
    this.#ended = true;
    this.#error = error;
    for (const { resolve, reject } of this.#waiting.splice(0)) {
      if (error === undefined) resolve({ value: undefined, done: true });
      else reject(error);
    }
  }

  [Symbol.asyncIterator](): AsyncIterator<Event> {
    this.#iterated = true;
    return {
      next: () => {
        const event = this.#events.shift();
        if (event !== undefined) return Promise.resolve({ value: event, done: false });
        if (this.#error !== undefined) return Promise.reject(this.#error);
        if (this.#ended) return Promise.resolve({ value: undefined, done: true });
        return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
      },
    };
  }
}
