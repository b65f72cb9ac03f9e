/** What came in and waits to be iterated over, for the clients. Bounded. */
export class EventQueue<Event> implements AsyncIterable<Event> {
  private readonly events: Event[] = [];
  private readonly limit: number;
  private readonly waiting: ((result: IteratorResult<Event>) => void)[] = [];
  private iterated = false;
  private ended = false;

  /** @param limit most events held; default 10,000 */
  constructor(limit = 10_000) {
    this.limit = limit;
  }

  /**
   * Adds an event. Where nobody has ever iterated, the oldest goes when the queue is full.
   *
   * @returns whether there was room: an iterating reader that is too slow has to be told, not to miss events
   */
  push(event: Event): boolean {
    const reader = this.waiting.shift();
    if (reader !== undefined) {
      reader({ value: event, done: false });
      return true;
    }
    if (this.events.length >= this.limit) {
      if (this.iterated) return false;
      this.events.shift();
    }
    this.events.push(event);
    return true;
  }

  /** Ends iteration behind what is queued. */
  end(): void {
    this.ended = true;
    for (const reader of this.waiting.splice(0)) reader({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): AsyncIterator<Event> {
    this.iterated = true;
    return {
      next: () => {
        const event = this.events.shift();
        if (event !== undefined) return Promise.resolve({ value: event, done: false });
        if (this.ended) return Promise.resolve({ value: undefined, done: true });
        return new Promise((resolve) => this.waiting.push(resolve));
      },
    };
  }
}
