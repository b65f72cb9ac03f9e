import { NODE_NUMBERS, RefusedError } from "@wireyard/session";
import { Connection } from "./connection.ts";
import type { BackplaneCounters } from "./counters.ts";
import { Lease } from "./lease.ts";
import type { Settings } from "./options.ts";
import type { ScriptName } from "./scripts.ts";

/** What a script answers that changes something: `fenced` where this node has no lease. */
export type Reply = [what: string, ...rest: unknown[]];
export type Argument = string | number | Buffer;

export interface UplinkHandlers {
  message(channel: string, body: Buffer): void;
  /** The connection is gone, and all that was on its way. */
  lost(): void;
  /** A new connection with a lease: brings the engine and this node to one state. */
  heal(resumed: boolean): Promise<void>;
  renewed(connection: Connection, lease: Lease): Promise<void>;
}

/** What a call counts for beside its body: many small ones take the engine's time too, and the lease is renewed behind them. */
const CALL_BYTES = 256;
/** A node that ends tells the others so, for as long at the most. */
const MOST_CLOSE_MS = 1_000;
/** Of a lease at most a quarter: a node that is back first waits one lease for the others before it sweeps them. */
const RETRY_MS = { least: 50, most: 1_000, mostOfLease: 1 / 4 };

/** The node's way to the engine: connects, keeps the lease, and after each loss connects anew and heals. */
export class Uplink {
  /** The node's number, in the ids of its sessions: random, and confirmed by the engine before it is used there. */
  number = randomNumber();
  private readonly owner = crypto.randomUUID();
  private readonly settings: Settings;
  private readonly counters: BackplaneCounters;
  private readonly handlers: UplinkHandlers;
  private state: "connecting" | "open" | "away" | "closed" = "connecting";
  private connection: Connection | undefined;
  private lease: Lease | undefined;
  private pendingBytes = 0;
  private retries = 0;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private awaySince = 0;
  private attempt: Promise<void> = Promise.resolve();
  private healing: Promise<void> | undefined;

  constructor(settings: Settings, counters: BackplaneCounters, handlers: UplinkHandlers) {
    this.settings = settings;
    this.counters = counters;
    this.handlers = handlers;
  }

  start(): void {
    this.attempt = this.connect();
  }

  get isOpen(): boolean {
    return this.state === "open";
  }

  /** Whether there is a connection, though not all may be brought together over it yet. */
  get isConnected(): boolean {
    return this.connection?.isOpen ?? false;
  }

  get leaseMs(): number {
    return this.settings.leaseMs;
  }

  get buckets(): number {
    return this.connection?.buckets ?? 1;
  }

  bucketOf(name: string): number {
    return this.connection?.bucketOf(name) ?? 0;
  }

  /** Whether there is an engine; where the first connection is being made, once that is known. */
  async ready(): Promise<boolean> {
    if (this.state === "connecting") await this.attempt;
    return this.state === "open";
  }

  /** Resolves once nothing is being healed. */
  async settled(): Promise<void> {
    // Whoever heals tells why it could not.
    await this.healing?.catch(() => {});
  }

  /** @throws {RefusedError} `unavailable` */
  async open(): Promise<Connection> {
    if (!(await this.ready()) || this.connection === undefined) {
      throw new RefusedError("unavailable", "the other nodes cannot be reached now; try again later");
    }
    return this.connection;
  }

  /**
   * Runs a script that changes or tells something, in this node's name.
   *
   * @returns `undefined` where too much is on its way already
   * @throws {RefusedError} `unavailable` where it is not known to have been done
   */
  send(bucket: number, script: ScriptName, args: readonly Argument[], body = 0): Promise<Reply> | undefined {
    const { connection, lease } = this;
    if (connection === undefined || lease === undefined) return undefined;
    const size = body + CALL_BYTES;
    if (body > 0 && this.pendingBytes + size > this.settings.maxPendingBytes) return undefined;
    this.pendingBytes += size;
    const epoch = lease.epochs[bucket] as string;
    return connection.run(bucket, script, [this.number, epoch, ...args]).then(
      (reply) => {
        this.pendingBytes -= size;
        if ((reply as Reply)[0] !== "fenced") return reply as Reply;
        connection.fail(new Error("this node's lease has run out"));
        throw notDone();
      },
      (error: unknown) => {
        this.pendingBytes -= size;
        throw notDone(error);
      },
    );
  }

  /** Runs a script that only reads. */
  async read(bucket: number, script: ScriptName, args: readonly Argument[]): Promise<unknown[]> {
    if (this.connection === undefined) throw notDone();
    try {
      return (await this.connection.run(bucket, script, args)) as unknown[];
    } catch (error) {
      throw notDone(error);
    }
  }

  async subscribe(bucket: number, channel: string): Promise<void> {
    if (this.connection === undefined) throw notDone();
    await this.connection.subscribe(bucket, channel);
  }

  unsubscribe(bucket: number, channel: string): void {
    this.connection?.unsubscribe(bucket, channel);
  }

  /** What the engine told cannot be: everything is read anew. */
  fail(why: string): void {
    this.connection?.fail(new Error(why));
  }

  async close(): Promise<void> {
    if (this.state === "closed") return;
    const wasOpen = this.state === "open";
    if (this.state === "connecting") await this.attempt;
    this.state = "closed";
    clearTimeout(this.retryTimer);
    const { connection, lease } = this;
    lease?.stop();
    if (connection === undefined) return;
    // Where the engine does not answer, the lease runs out by itself.
    const timer = setTimeout(() => connection.close(), Math.min(MOST_CLOSE_MS, this.settings.leaseMs));
    if (wasOpen || lease !== undefined) await lease?.end().catch(() => {});
    clearTimeout(timer);
    connection.close();
  }

  private async connect(): Promise<void> {
    let connection: Connection | undefined;
    try {
      connection = await Connection.open(this.settings, {
        message: this.handlers.message,
        lost: (error) => this.lost(error),
      });
      if (this.state === "closed") {
        connection.close();
        return;
      }
      this.connection = connection;
      const before = this.lease;
      const timer = setTimeout(() => this.fail("the engine does not answer"), this.settings.leaseMs);
      const lease = await this.takeLease(connection).finally(() => clearTimeout(timer));
      this.lease = lease;
      // Healing may take longer than a lease.
      lease.start(() => this.handlers.renewed(connection as Connection, lease));
      if (before !== undefined && !lease.resumed) this.counters.leasesLost++;
      this.healing = this.handlers.heal(before === undefined || lease.resumed);
      await this.healing;
      if ((this.state as string) === "closed") return;
      if (!connection.isOpen) throw new Error("the connection was lost while it was healed");
      this.opened();
    } catch (error) {
      connection?.close();
      this.lease?.stop();
      this.connection = undefined;
      this.retry(error);
    } finally {
      this.healing = undefined;
    }
  }

  private async takeLease(connection: Connection): Promise<Lease> {
    const { settings, counters } = this;
    for (;;) {
      const lease = await Lease.take(connection, settings, counters, this.number, this.owner);
      if (lease !== undefined) return lease;
      this.number = randomNumber();
    }
  }

  private opened(): void {
    if (this.state === "away") {
      const ms = Math.round(performance.now() - this.awaySince);
      this.settings.report(`the back plane is connected, after ${ms} ms`);
    }
    this.retries = 0;
    this.state = "open";
  }

  private lost(error: Error): void {
    this.lease?.stop();
    if (this.state !== "open") return; // `connect` is at work, and finds out.
    this.connection = undefined;
    this.away(error);
    this.handlers.lost();
    this.retryTimer = setTimeout(() => this.start(), RETRY_MS.least);
  }

  private retry(error: unknown): void {
    if (this.state === "closed") return;
    if (this.state === "connecting") this.away(error);
    this.handlers.lost();
    const most = Math.min(RETRY_MS.most, this.leaseMs * RETRY_MS.mostOfLease);
    const ms = Math.min(most, RETRY_MS.least * 2 ** this.retries++);
    this.retryTimer = setTimeout(() => this.start(), ms * (0.5 + Math.random() / 2));
  }

  private away(error: unknown): void {
    this.state = "away";
    this.awaySince = performance.now();
    this.counters.outages++;
    this.settings.report("the back plane is away; rooms go on among members of this node", error);
  }
}

function notDone(cause?: unknown): RefusedError {
  const error = new RefusedError("unavailable", "the other nodes cannot be reached now; try again later");
  error.cause = cause;
  return error;
}

function randomNumber(): number {
  return 1 + ((crypto.getRandomValues(new Uint32Array(1))[0] as number) % (NODE_NUMBERS - 1));
}
