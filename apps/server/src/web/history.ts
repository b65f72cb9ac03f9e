import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Counters } from "@wireyard/session";

/** The counts of each protocol at one time. */
export interface Sample {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** In the order of the protocols. */
  readonly counts: readonly { sessions: number; received: number; delivered: number }[];
}

const EVERY_MS = 1_000;
/** Five minutes. */
const MAX_SAMPLES = 300;
const DELAYS = 10;
/** How often the event loop is looked at; what it is late by is its delay. */
const RESOLUTION_MS = 10;
const NONE = { sessions: 0, received: 0, delivered: 0 };

/** Looks at the counters every second, so that whoever opens the page sees the last minutes at once. */
export class History {
  private readonly counters: Counters;
  private readonly protocols: readonly string[];
  private readonly samples: Sample[] = [];
  private readonly loop = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  /** The longest of each of the last seconds. */
  private readonly delays: number[] = [];
  private readonly timer: NodeJS.Timeout;

  constructor(counters: Counters, protocols: readonly string[]) {
    this.counters = counters;
    this.protocols = protocols;
    this.loop.enable();
    this.sample();
    this.timer = setInterval(() => this.sample(), EVERY_MS);
    this.timer.unref();
  }

  /** The samples after a time, the oldest first. */
  after(at: number): Sample[] {
    return this.samples.filter((sample) => sample.at > at);
  }

  /** The longest delay of the event loop in the last ten seconds, in milliseconds. */
  get loopDelayMs(): number {
    return Math.max(0, ...this.delays);
  }

  sample(now: number = Date.now()): void {
    const counts = this.protocols.map((name) => {
      const { sessions, received, delivered } = this.counters.protocols.get(name) ?? NONE;
      return { sessions, received, delivered };
    });
    this.samples.push({ at: now, counts });
    if (this.samples.length > MAX_SAMPLES) this.samples.shift();
    // Without a look at it the histogram is empty, and its longest is none.
    if (this.loop.count > 0) this.delays.push(Math.max(0, this.loop.max / 1e6 - RESOLUTION_MS));
    if (this.delays.length > DELAYS) this.delays.shift();
    this.loop.reset();
  }

  stop(): void {
    clearInterval(this.timer);
    this.loop.disable();
  }
}
