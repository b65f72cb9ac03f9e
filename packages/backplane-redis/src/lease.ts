import type { Connection } from "./connection.ts";
import type { BackplaneCounters } from "./counters.ts";
import type { Settings } from "./options.ts";

/** A lease is renewed at every second tick, and a renewal that is not answered for three ends the connection. */
const TICKS = { renewal: 2, patience: 3 };
const MOST_TICK_MS = 500;

/** What a node tells the others unasked: how many sessions it has, and some of their names as JSON. */
export interface OtherNode {
  readonly sessions: number;
  readonly names: string;
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
  /** The tick at which the renewal began that is not done. */
  private since: number | undefined;
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
      if (this.since === undefined) {
        if (this.ticks % TICKS.renewal === 0) this.renew(renewed);
      } else if (this.ticks - this.since >= TICKS.patience) {
        this.connection.fail(
          new Error(`the engine has not answered for ${Math.round(tickMs * TICKS.patience)} ms`),
        );
      }
    }, tickMs);
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
    this.since = this.ticks;
    this.renewAll()
      .then(renewed)
      .then(() => {
        this.since = undefined;
      })
      .catch((error: Error) => this.connection.fail(error));
  }

  private async renewAll(): Promise<void> {
    const { number, settings, connection } = this;
    const asked = this.epochs.map((epoch, bucket) =>
      connection.run(bucket, "renew", [number, epoch, settings.leaseMs]),
    );
    const [replies] = await Promise.all([Promise.all(asked), connection.ping()]);
    if (replies.includes(null)) throw new Error("this node's lease has run out");
    const renewed = replies as RenewReply[];
    this.others = renewed.flatMap(([, others], bucket) => othersOf(others, bucket, renewed.length));
    // After an outage of the engine every lease has run out: the others get the time to come back.
    if (performance.now() - this.startedAt < settings.leaseMs) return;
    for (const [bucket, [dead]] of renewed.entries()) {
      for (let i = 0; i + 1 < dead.length; i += 2) {
        await this.sweep(bucket, Number(dead[i]), dead[i + 1] as string);
        this.counters.nodesSwept++;
      }
    }
  }

  private async sweep(bucket: number, number: number, epoch: string): Promise<void> {
    while (Number(await this.connection.run(bucket, "sweep", [number, epoch])) > 0);
  }
}

/** A node tells of its sessions in one bucket alone. */
function othersOf(others: RenewReply[1], bucket: number, buckets: number): OtherNode[] {
  return others
    .filter(([number]) => Number(number) % buckets === bucket)
    .map(([, sessions, names]) => ({ sessions, names }));
}
