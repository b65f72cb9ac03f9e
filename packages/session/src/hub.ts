import type { Account, AccountStore, MaybePromise } from "./accounts.ts";
import { addressKey } from "./addresses.ts";
import type { Backplane, BackplaneEvent, BackplaneNode, Channel, RoomSummary } from "./backplane.ts";
import { Deadlines, DeadlineWheel } from "./deadlines.ts";
import { RefusedError } from "./errors.ts";
import { commandEvent, messageEvent } from "./events.ts";
import { DEFAULT_LIMITS, type Limits, MAX_GROUPS } from "./limits.ts";
import { memoryBackplane } from "./memory-backplane.ts";
import { accountNameProblem, nameKey, nameProblem } from "./names.ts";
import { WindowCounter } from "./rate.ts";
import { deliver, Rooms } from "./rooms.ts";
import { type Peer, Session } from "./session.ts";

export interface HubOptions {
  accounts: AccountStore;
  /** Default: one process on its own. */
  backplane?: Backplane;
  limits?: Partial<Limits>;
  /** Milliseconds that never jump. Default `performance.now`. */
  clock?: () => number;
  /** Told what went wrong without a peer to blame. Default: standard error. */
  report?: (problem: string, error: unknown) => void;
}

/** How a message to a room is to go out. */
export interface PostOptions {
  /** Whether the sender gets it too. */
  toSender: boolean;
  /** In one order with all other ordered messages of the room, the same at every receiver. */
  ordered: boolean;
  channel: Channel;
}

/** Makes the hub that the protocols of one process share. */
export function createHub(options: HubOptions): Hub {
  return new Hub(options);
}

const MINUTE_MS = 60_000;
const FIRST_ID = 65_536;

/**
 * One list of sessions, one set of rooms, one account store. Protocol-neutral: it knows peers, users, rooms, groups
 * and events, never bytes of a wire. Synchronous wherever it does not have to wait for accounts or another node.
 */
export class Hub {
  readonly limits: Readonly<Limits>;
  readonly accounts: AccountStore;
  readonly wheel: DeadlineWheel;
  readonly report: (problem: string, error: unknown) => void;
  private readonly byId = new Map<number, Session>();
  private readonly byUser = new Map<string, Set<Session>>();
  private readonly connections = new Map<string, number>();
  private readonly rates: {
    connections: WindowCounter;
    failures: WindowCounter;
    registrations: WindowCounter;
  };
  private readonly rooms_: Rooms;
  private readonly node: BackplaneNode;
  private readonly ids = new Uint32Array(64);
  private nextId = this.ids.length;

  constructor(options: HubOptions) {
    this.limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.accounts = options.accounts;
    this.wheel = new DeadlineWheel(options.clock ?? (() => performance.now()));
    this.report = options.report ?? ((problem, error) => console.error(`wireyard: ${problem}`, error));
    this.rates = {
      connections: new WindowCounter({ windowMs: 1_000 }),
      failures: new WindowCounter({ windowMs: MINUTE_MS }),
      registrations: new WindowCounter({ windowMs: MINUTE_MS }),
    };
    this.rooms_ = new Rooms(this.byId);
    this.node = (options.backplane ?? memoryBackplane()).open((event) => this.receive(event));
  }

  /** Every open session. */
  sessions(): IterableIterator<Session> {
    return this.byId.values();
  }

  get sessionCount(): number {
    return this.byId.size;
  }

  session(id: number): Session | undefined {
    return this.byId.get(id);
  }

  /** Open sessions of a user. */
  sessionsOf(user: string): ReadonlySet<Session> {
    return this.byUser.get(nameKey(user)) ?? new Set();
  }

  /** Lets deadlines run out. Listeners call this every `TICK_MS`. */
  tick(): void {
    this.wheel.tick();
  }

  /**
   * Takes in a new connection.
   *
   * @throws {RefusedError} `too_many_connections`
   */
  open(options: { protocol: string; remoteAddress: string; peer: Peer }): Session {
    const address = addressKey(options.remoteAddress);
    const here = this.connections.get(address) ?? 0;
    const { maxConnections, connectionsPerIp, connectionRatePerIp } = this.limits;
    if (
      this.byId.size >= maxConnections ||
      here >= connectionsPerIp ||
      !this.rates.connections.take(address, connectionRatePerIp, this.wheel.clock())
    ) {
      throw new RefusedError("too_many_connections", "too many connections");
    }
    this.connections.set(address, here + 1);
    const { peer } = options;
    const deadlines = new Deadlines(this.wheel, peer);
    const session = new Session({ ...options, id: this.takeId(), deadlines });
    this.byId.set(session.id, session);
    return session;
  }

  /** The connection is gone: the session leaves its room, its groups and its user. Twice is as once. */
  close(session: Session): void {
    if (session.state === "closed") return;
    session.state = "closed";
    session.deadlines.stop();
    const address = addressKey(session.remoteAddress);
    const here = (this.connections.get(address) ?? 1) - 1;
    if (here === 0) this.connections.delete(address);
    else this.connections.set(address, here);
    this.leaveUser(session);
    this.settle("a closed session could not leave its room", this.node.leave(session));
    this.byId.delete(session.id);
    session.groups = undefined;
  }

  /**
   * Gives a session the name it asks for, unverified.
   *
   * @throws {RefusedError} `invalid_name`
   */
  enter(session: Session, name: string, separators = ""): void {
    refuseName(name, separators);
    session.name = name;
  }

  /**
   * Proves a session to be a user; one that was another user switches.
   *
   * @throws {RefusedError} `wrong_user_or_password`, the same for an unknown user; `rate_limited` after too many
   *   failures; `timeout` where too many wait, or where it took longer than `requestTimeoutMs`: nothing has changed
   */
  async login(session: Session, name: string, password: string): Promise<Account> {
    const key = `${addressKey(session.remoteAddress)} ${nameKey(name.slice(0, 64))}`;
    // Counted before the wait and given back after a success: a hundred at once are a hundred.
    if (!this.rates.failures.take(key, this.limits.loginFailuresPerMinute, this.wheel.clock())) {
      throw new RefusedError("rate_limited", "too many failed logins; try again in a minute");
    }
    const started = this.wheel.clock();
    const account = await this.accounts.authenticate(name, password);
    if (account === undefined) {
      throw new RefusedError("wrong_user_or_password", "the user does not exist or the password is wrong");
    }
    this.rates.failures.giveBack(key);
    // Whoever asked has been told `timeout` by then: a session must not become somebody behind its back.
    if (this.wheel.clock() - started >= this.limits.requestTimeoutMs) {
      throw new RefusedError("timeout", "the login took too long");
    }
    if (session.state === "open") this.becomeUser(session, account);
    return account;
  }

  /**
   * Registers an account; resolves only when it would survive a crash.
   *
   * @throws {RefusedError} `name_too_short`, `invalid_name`, `name_taken`, `rate_limited`, `timeout`
   */
  async register(session: Session, name: string, password: string): Promise<Account> {
    const problem = accountNameProblem(name);
    if (problem !== undefined) throw new RefusedError(problem.code, problem.text);
    const { registrationsPerMinute } = this.limits;
    const address = addressKey(session.remoteAddress);
    if (!this.rates.registrations.take(address, registrationsPerMinute, this.wheel.clock())) {
      throw new RefusedError("rate_limited", "too many registrations; try again in a minute");
    }
    return this.accounts.register(name, password);
  }

  /**
   * Moves a session into a room, out of the one it was in.
   *
   * @throws {RefusedError} `invalid_name`; `wrong_password` where the room is private, nothing changed
   */
  join(session: Session, room: string, password: string, separators = ""): MaybePromise<void> {
    refuseName(room, separators);
    return then(this.node.join(session, room, password), (joined) => {
      if (!joined)
        throw new RefusedError("wrong_password", "the room is private and this is not its password");
      // The connection may have gone while the back plane was asked: then nobody is left to leave the room.
      if (session.state === "closed")
        this.settle("a closed session could not leave", this.node.leave(session));
    });
  }

  /** Takes a session out of its room, if it is in one. */
  leave(session: Session): MaybePromise<void> {
    return session.room === undefined ? undefined : this.node.leave(session);
  }

  /** The public rooms and, with a password, the private ones made with it. */
  rooms(password = ""): MaybePromise<RoomSummary[]> {
    return this.node.rooms(password);
  }

  /** All rooms, for operators. */
  allRooms(): MaybePromise<RoomSummary[]> {
    return this.node.allRooms();
  }

  /**
   * Sends a message to the sender's room. `body` is lent for the call.
   *
   * @throws {RefusedError} `not_in_room`, `rate_limited`
   */
  post(session: Session, body: Uint8Array, options: PostOptions): void {
    const { room } = session;
    if (room === undefined) throw new RefusedError("not_in_room", "not in a room");
    this.charge(session);
    const { toSender, channel } = options;
    const elsewhere = room.members.length > room.locals.length;
    if (!elsewhere) {
      deliver(room, messageEvent(session, channel, body), toSender ? undefined : session.id);
      return;
    }
    const post = { from: session, toSender, channel, body };
    // What goes round through the back plane must not be overtaken by what the same sender says next.
    const echo = options.ordered || session.echoes > 0;
    if (echo) session.echoes++;
    else deliver(room, messageEvent(session, channel, body), toSender ? undefined : session.id);
    this.settle("a message did not reach the other nodes", this.node.post(room.name, post, echo));
  }

  /**
   * Defines a group of the session's own, in place of the one of that name; no ids remove it. Unknown ids are
   * skipped.
   *
   * @throws {RefusedError} `invalid_name`, `too_many_groups`
   */
  defineGroup(session: Session, group: string, ids: Iterable<number>, separators = ""): void {
    refuseName(group, separators);
    const members = new Set<Session>();
    for (const id of ids) {
      const member = this.byId.get(id);
      if (member !== undefined) members.add(member);
    }
    if (members.size === 0) {
      session.groups?.delete(group);
      return;
    }
    session.groups ??= new Map();
    if (session.groups.size >= MAX_GROUPS && !session.groups.has(group)) {
      throw new RefusedError("too_many_groups", `a session has at most ${MAX_GROUPS} groups`);
    }
    session.groups.set(group, [...members]);
  }

  /**
   * Sends a message to a group of the sender's, wherever its members are. An unknown group is nobody.
   *
   * @throws {RefusedError} `rate_limited`
   */
  postToGroup(session: Session, group: string, body: Uint8Array, channel: Channel): void {
    const members = session.groups?.get(group);
    if (members === undefined) return;
    this.charge(session);
    const event = messageEvent(session, channel, body);
    let gone = 0;
    for (const member of members) {
      if (member.state === "open") member.peer.deliver(event);
      else gone++;
    }
    if (gone > 0) {
      session.groups?.set(
        group,
        members.filter((member) => member.state === "open"),
      );
    }
  }

  /**
   * Sends a command to every session of a user. A known user who is not there gets nothing. `fields` are lent for
   * the call.
   *
   * @throws {RefusedError} `not_logged_in`, `unknown_user`, `rate_limited`
   */
  sendToUser(session: Session, user: string, fields: readonly Uint8Array[]): MaybePromise<void> {
    const { account } = session;
    if (account === undefined) throw new RefusedError("not_logged_in", "not logged in");
    this.charge(session);
    const key = nameKey(user);
    this.settle(
      "a command did not reach the other nodes",
      this.node.postToUser(key, { from: account.name, fields }),
    );
    const here = this.byUser.get(key);
    if (here !== undefined) {
      const event = commandEvent(account.name, fields);
      for (const receiver of here) receiver.peer.deliver(event);
      return;
    }
    return then(this.accounts.find(user), (found) => {
      if (found === undefined) throw new RefusedError("unknown_user", "there is no such user");
    });
  }

  /** Does nothing where accounts and back plane answer, throws where one does not. */
  async check(): Promise<void> {
    await this.accounts.check();
    await this.node.check();
  }

  /** Ends the hub itself; its sessions must be closed by then. */
  async shutdown(): Promise<void> {
    await this.node.close();
    await this.accounts.close();
  }

  private receive(event: BackplaneEvent): void {
    if (event.type !== "user-post") {
      this.rooms_.receive(event);
      return;
    }
    const message = commandEvent(event.post.from, event.post.fields);
    for (const session of this.byUser.get(event.user) ?? []) session.peer.deliver(message);
  }

  private becomeUser(session: Session, account: Account): void {
    this.leaveUser(session);
    session.account = account;
    session.name = account.name;
    const sessions = this.byUser.get(account.key);
    if (sessions !== undefined) {
      sessions.add(session);
      return;
    }
    this.byUser.set(account.key, new Set([session]));
    this.settle("a user could not be followed", this.node.follow(account.key));
  }

  private leaveUser(session: Session): void {
    const key = session.account?.key;
    if (key === undefined) return;
    session.account = undefined;
    const sessions = this.byUser.get(key);
    sessions?.delete(session);
    if (sessions?.size !== 0) return;
    this.byUser.delete(key);
    this.settle("a user could not be unfollowed", this.node.unfollow(key));
  }

  private charge(session: Session): void {
    const limit = this.limits.messagesPerSecond;
    if (limit === null) return;
    const second = Math.floor(this.wheel.clock() / 1_000);
    if (session.sentSecond !== second) {
      session.sentSecond = second;
      session.sentCount = 0;
    }
    if (++session.sentCount > limit)
      throw new RefusedError("rate_limited", `over ${limit} messages a second`);
  }

  private takeId(): number {
    for (;;) {
      if (this.nextId === this.ids.length) {
        crypto.getRandomValues(this.ids);
        this.nextId = 0;
      }
      const id = (this.ids[this.nextId++] as number) & 0x7fffffff;
      if (id >= FIRST_ID && !this.byId.has(id)) return id;
    }
  }

  private settle(problem: string, result: MaybePromise<void>): void {
    if (result !== undefined) result.catch((error: unknown) => this.report(problem, error));
  }
}

/** Goes on at once with a value, later with a promise of one. */
function then<T, R>(value: MaybePromise<T>, next: (value: T) => R): MaybePromise<R> {
  return value instanceof Promise ? value.then(next) : next(value);
}

function refuseName(name: string, separators: string): void {
  const problem = nameProblem(name, separators);
  if (problem !== undefined) throw new RefusedError("invalid_name", problem);
}
