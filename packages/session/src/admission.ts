import { addressKey } from "./addresses.ts";
import type { Counters } from "./counters.ts";
import { RefusedError } from "./errors.ts";
import type { Limits } from "./limits.ts";
import { WindowCounter } from "./rate.ts";
import type { Session } from "./session.ts";

/** How long a stranger is left to say who it is, whoever else comes. */
const STRANGER_MS = 1_000;

/** Who may connect: how many in all, from one address, in a second, and how many that nobody knows yet. */
export class Admission {
  private readonly limits: Readonly<Limits>;
  private readonly clock: () => number;
  private readonly refused: Counters["refused"];
  private readonly sessions: ReadonlyMap<number, Session>;
  private readonly connections = new Map<string, number>();
  private readonly rate = new WindowCounter({ windowMs: 1_000 });
  /** Sessions that have not said who they are, in the order they came, with the clock's time of that. */
  private readonly strangers = new Map<Session, number>();

  constructor(options: {
    limits: Readonly<Limits>;
    clock: () => number;
    refused: Counters["refused"];
    sessions: ReadonlyMap<number, Session>;
  }) {
    this.limits = options.limits;
    this.clock = options.clock;
    this.refused = options.refused;
    this.sessions = options.sessions;
  }

  /** Asks for one more connection from an address. @throws {RefusedError} `too_many_connections` */
  ask(remoteAddress: string): void {
    const address = addressKey(remoteAddress);
    const now = this.clock();
    if (this.from(address) >= this.limits.connectionsPerIp) this.refuse("address");
    if (!this.rate.take(address, this.limits.connectionRatePerIp, now)) this.refuse("rate");
    if (!this.makeRoom(now)) this.refuse("total");
  }

  /** The connection that was asked for is a session now, and a stranger. */
  opened(session: Session): void {
    const address = addressKey(session.remoteAddress);
    this.connections.set(address, this.from(address) + 1);
    this.strangers.set(session, this.clock());
  }

  /** The session has said who it is. */
  known(session: Session): void {
    this.strangers.delete(session);
  }

  closed(session: Session): void {
    const address = addressKey(session.remoteAddress);
    const others = this.from(address) - 1;
    if (others <= 0) this.connections.delete(address);
    else this.connections.set(address, others);
    this.strangers.delete(session);
  }

  /** Whether `ask` would have room, beside `waiting` connections of the address that are not open yet. */
  hasRoomFor(remoteAddress: string, waiting: number): boolean {
    const address = addressKey(remoteAddress);
    if (this.from(address) + waiting >= this.limits.connectionsPerIp) {
      this.refused.address++;
      return false;
    }
    if (this.rate.count(address, this.clock()) + waiting >= this.limits.connectionRatePerIp) {
      this.refused.rate++;
      return false;
    }
    return true;
  }

  private from(address: string): number {
    return this.connections.get(address) ?? 0;
  }

  /** Whether there is room for one more stranger: if need be, made by those that have waited longest. */
  private makeRoom(now: number): boolean {
    const { maxConnections, preLoginConnections } = this.limits;
    for (const [stranger, since] of this.strangers) {
      if (this.sessions.size < maxConnections && this.strangers.size < preLoginConnections) return true;
      if (now - since < STRANGER_MS) return false;
      this.strangers.delete(stranger);
      stranger.peer.close("too many connections");
    }
    return this.sessions.size < maxConnections;
  }

  private refuse(reason: keyof Counters["refused"]): never {
    this.refused[reason]++;
    throw new RefusedError("too_many_connections", "too many connections");
  }
}
