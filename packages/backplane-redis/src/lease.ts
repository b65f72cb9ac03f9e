import type { Connection } from "./connection.ts";
import type { BackplaneCounters } from "./counters.ts";
import type { Settings } from "./options.ts";

/** A lease is renewed at every second tick, and an engine that answers nothing for three is taken for gone. */
const TICKS = { renewal: 2, patience: 3 };
const MOST_TICK_MS = 500;

/** What a node tells the others unasked: how many sessions it has, and some of their names as JSON. */
export interface OtherNode {
  readonly sessions: number;
  readonly names: string;
}

/** One whose lease in a bucket has run out. */
interface DeadNode {
  readonly bucket: number;
  readonly number: number;
  readonly epoch: string;
}

type RenewReply = [dead: string[], others: [number: string, sessions: number, names: string][]];

/**
 * The node's right to speak for its members: a key for each bucket that the engine lets run out. What a node without it
 * asks for is refused by the scripts, so a node that slept through its lease cannot bring ghosts back.
 */
export class Lease {
  /** What the engine calls this registration, in each bucket: another one after each loss. */
  readonly epochs: readonly string[];
  /** Whether the members of the registration before are still in their rooms. */
  readonly resumed: boolean;
  /** What each other living node tells of its sessions, as of the last renewal. */
  others: readonly OtherNode[] = [];
  private readonly connection: Connection;
  private readonly settings: Settings;
  private readonly counters: BackplaneCounters;
  private readonly number: number;
  private timer: ReturnType<typeof setInterval> | undefined;
  private ticks = 0;
  /** The ticks at which the renewal, and the ping of the subscribers, began that are not answered. */
  private renewing: number | undefined;
  private pinging: number | undefined;
  /** Dead nodes are swept, and what others may list is written, beside the renewals: neither keeps the lease waiting. */
  private readonly sweeping = new Aside();
  private readonly writing = new Aside();
  /** The connection's, and the tick at which they had last grown. */
  private replies = 0;
  private heardAt = 0;
  private readonly startedAt = performance.now();

  private constructor(
    connection: Connection,
    settings: Settings,
    counters: BackplaneCounters,
    number: number,
    taken: readonly [epoch: string, resumed: number][],
  ) {
    this.connection = connection;
    this.settings = settings;
    this.counters = counters;
    this.number = number;
    this.epochs = taken.map(([epoch]) => epoch);
    this.resumed = taken.every(([, resumed]) => resumed === 1);
  }

  /**
   * @param owner tells this process from all others
   * @returns `undefined` where another node has the number
   */
  static async take(
    connection: Connection,
    settings: Settings,
    counters: BackplaneCounters,
    number: number,
    owner: string,
  ): Promise<Lease | undefined> {
    const asked = Array.from({ length: connection.buckets }, (_, bucket) =>
      connection.run(bucket, "register", [number, owner, settings.leaseMs, settings.nodeId]),
    );
    const taken = (await Promise.all(asked)) as ([string, number] | null)[];
    // What was taken of it runs out, and is swept.
    if (taken.includes(null)) return undefined;
    return new Lease(connection, settings, counters, number, taken as [string, number][]);
  }

  /** Renews from now on; `renewed` is called after each. */
  start(renewed: () => Promise<void>): void {
    const tickMs = Math.min(this.settings.leaseMs / 6, MOST_TICK_MS);
    // Ticks, not times: those of a process that was stopped do not count against the engine.
    this.timer = setInterval(() => {
      this.ticks++;
      const { replies } = this.connection;
      // A renewal may stand behind much else, and any answer says that the engine is at work on it.
      if (replies !== this.replies) this.heardAt = this.ticks;
      this.replies = replies;
      const { renewing, pinging } = this;
      if (renewing === undefined && pinging === undefined) {
        if (this.ticks % TICKS.renewal === 0) this.renew(renewed);
      } else if (this.isLate(pinging) || (this.isLate(renewing) && this.isLate(this.heardAt))) {
        this.connection.fail(
          new Error(`the engine has not answered for ${Math.round(tickMs * TICKS.patience)} ms`),
        );
      }
    }, tickMs);
  }

  private isLate(since: number | undefined): boolean {
    return since !== undefined && this.ticks - since >= TICKS.patience;
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Gives it back: this node's members are out of their rooms when it resolves. */
  async end(): Promise<void> {
    this.stop();
    for (const [bucket, epoch] of this.epochs.entries()) {
      await this.connection.run(bucket, "expire", [this.number, epoch]);
      await this.sweep(bucket, this.number, epoch);
    }
  }

  private renew(renewed: () => Promise<void>): void {
    const { connection } = this;
    const fail = (error: Error): void => connection.fail(error);
    this.renewing = this.ticks;
    this.pinging = this.ticks;
    connection.ping().then(() => {
      this.pinging = undefined;
    }, fail);
    this.renewAll().then((dead) => {
      this.renewing = undefined;
      this.writing.run(renewed).catch(fail);
      this.sweeping.run(() => this.sweepAll(dead)).catch(fail);
    }, fail);
  }

  /** Tells whose lease has run out. */
  private async renewAll(): Promise<DeadNode[]> {
    const { number, settings, connection } = this;
    const replies = await Promise.all(
      this.epochs.map((epoch, bucket) => connection.run(bucket, "renew", [number, epoch, settings.leaseMs])),
    );
    if (replies.includes(null)) throw new Error("this node's lease has run out");
    const renewed = replies as RenewReply[];
    this.others = renewed.flatMap(([, others], bucket) => othersOf(others, bucket, renewed.length));
    // After an outage of the engine every lease has run out: the others get the time to come back.
    if (performance.now() - this.startedAt < settings.leaseMs) return [];
    const dead: DeadNode[] = [];
    for (const [bucket, [pairs]] of renewed.entries()) {
      for (let i = 0; i + 1 < pairs.length; i += 2) {
        dead.push({ bucket, number: Number(pairs[i]), epoch: pairs[i + 1] as string });
      }
    }
    return dead;
  }

  private async sweepAll(dead: readonly DeadNode[]): Promise<void> {
    for (const { bucket, number, epoch } of dead) {
      await this.sweep(bucket, number, epoch);
      this.counters.nodesSwept++;
    }
  }

  private async sweep(bucket: number, number: number, epoch: string): Promise<void> {
    while (Number(await this.connection.run(bucket, "sweep", [number, epoch])) > 0);
  }
}

/** Work that is begun again and again, and passed over while it is still at work. */
class Aside {
  private isBusy = false;

  async run(work: () => Promise<void>): Promise<void> {
    if (this.isBusy) return;
    this.isBusy = true;
    try {
      await work();
    } finally {
      this.isBusy = false;
    }
  }
}

/** A node tells of its sessions in one bucket alone. */
function othersOf(others: RenewReply[1], bucket: number, buckets: number): OtherNode[] {
  return others
    .filter(([number]) => Number(number) % buckets === bucket)
    .map(([, sessions, names]) => ({ sessions, names }));
}
