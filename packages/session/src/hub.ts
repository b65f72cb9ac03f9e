import type { Account, AccountStore, MaybePromise } from "./accounts.ts";
import { Admission } from "./admission.ts";
import type {
  Backplane,
  BackplaneEvent,
  BackplaneNode,
  Channel,
  Elsewhere,
  NodeSummary,
  RoomSummary,
  SessionSummary,
} from "./backplane.ts";
import { Counters } from "./counters.ts";
import { Credentials } from "./credentials.ts";
import { Deadlines, DeadlineWheel } from "./deadlines.ts";
import { RefusedError } from "./errors.ts";
import { commandEvent, messageEvent } from "./events.ts";
import { groupOf, setGroup } from "./groups.ts";
import { RandomIds } from "./ids.ts";
import { DEFAULT_LIMITS, FAN_OUT, type Limits } from "./limits.ts";
import { memoryBackplane } from "./memory-backplane.ts";
import { nameKey, nameProblem } from "./names.ts";
import { deliver, deliverTo, type HubRoom, Rooms } from "./rooms.ts";
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

/**
 * One list of sessions, one set of rooms, one account store. Protocol-neutral: it knows peers, users, rooms, groups
 * and events, never bytes of a wire. Synchronous wherever it does not have to wait for accounts or another node.
 */
export class Hub {
  readonly limits: Readonly<Limits>;
  readonly accounts: AccountStore;
  readonly wheel: DeadlineWheel;
  readonly counters: Counters = new Counters();
  readonly report: (problem: string, error: unknown) => void;
  private readonly byId = new Map<number, Session>();
  private readonly byUser = new Map<string, Set<Session>>();
  private readonly admission: Admission;
  private readonly credentials: Credentials;
  private readonly rooms_: Rooms;
  private readonly node: BackplaneNode;
  /** Whether there can be no other node. */
  private readonly alone: boolean;
  private readonly ids = new RandomIds();

  constructor(options: HubOptions) {
    this.limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.accounts = options.accounts;
    this.wheel = new DeadlineWheel(options.clock ?? (() => performance.now()));
    this.report = options.report ?? ((problem, error) => console.error(`wireyard: ${problem}`, error));
    this.admission = new Admission({
      limits: this.limits,
      clock: this.wheel.clock,
      refused: this.counters.refused,
      sessions: this.byId,
    });
    this.credentials = new Credentials({
      accounts: this.accounts,
      limits: this.limits,
      clock: this.wheel.clock,
      counters: this.counters,
    });
    this.rooms_ = new Rooms(this.byId);
    this.alone = options.backplane === undefined;
    this.node = (options.backplane ?? memoryBackplane()).open(
      (event) => this.receive(event),
      () => this.summaries(),
    );
  }

  /** Every open session. */
  sessions(): IterableIterator<Session> {
    return this.byId.values();
  }

  get sessionCount(): number {
    return this.byId.size;
  }

  /** The hub's other nodes and their sessions, as of a few seconds ago; none where they cannot be reached. */
  get elsewhere(): Elsewhere {
    return this.node.elsewhere;
  }

  session(id: number): Session | undefined {
    return this.byId.get(id);
  }

  /** Users with an open session. */
  get userCount(): number {
    return this.byUser.size;
  }

  /** Rooms with a member whose connection is here. */
  get roomCount(): number {
    return this.rooms_.size;
  }

  /** A room with a member whose connection is here. */
  room(name: string): HubRoom | undefined {
    return this.rooms_.get(name);
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
   * Takes in a new connection: a stranger until `admit`, `enter` or `login`. Where there is no room for another, the
   * stranger that has waited longest goes, if that is over a second; never somebody who is known.
   *
   * @throws {RefusedError} `too_many_connections`
   */
  open(options: { protocol: string; transport?: string; remoteAddress: string; peer: Peer }): Session {
    this.admission.ask(options.remoteAddress);
    const { peer } = options;
    const deadlines = new Deadlines(this.wheel, peer);
    const counts = this.counters.of(options.protocol);
    const session = new Session({ ...options, id: this.takeId(), deadlines, counts });
    counts.opened++;
    counts.sessions++;
    this.byId.set(session.id, session);
    this.admission.opened(session);
    return session;
  }

  /**
   * Whether an address may open one more connection, beside `waiting` others that are not open yet: to be asked before
   * work is put into it, such as a handshake. One that may not is counted as refused.
   */
  hasRoomFor(remoteAddress: string, waiting: number): boolean {
    return this.admission.hasRoomFor(remoteAddress, waiting);
  }

  /** The session has said who it is, in its protocol's own way: it is no stranger any more. */
  admit(session: Session): void {
    this.admission.known(session);
  }

  /**
   * The connection is gone: the session leaves its room, its groups and its user. Twice is as once.
   *
   * @param slowReader whether it was cut because it did not read
   */
  close(session: Session, slowReader = false): void {
    if (session.state === "closed") return;
    session.state = "closed";
    session.counts.sessions--;
    if (slowReader) session.counts.slowReaders++;
    session.deadlines.stop();
    this.leaveUser(session);
    this.settle("a closed session could not leave its room", this.node.leave(session));
    this.byId.delete(session.id);
    this.admission.closed(session);
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
    this.admit(session);
  }

  /**
   * Proves a session to be a user; one that was another user switches.
   *
   * @throws {RefusedError} `wrong_user_or_password`, the same for an unknown user; `rate_limited` after too many
   *   failures; `timeout` where too many wait, or where it took longer than `requestTimeoutMs`: nothing has changed
   */
  async login(session: Session, name: string, password: string): Promise<Account> {
    const account = await this.credentials.authenticate(session.remoteAddress, name, password);
    if (session.state === "open") this.becomeUser(session, account);
    return account;
  }

  /**
   * Registers an account; resolves only when it would survive a crash.
   *
   * @throws {RefusedError} `name_too_short`, `invalid_name`, `name_taken`, `rate_limited`, `timeout`
   */
  register(session: Session, name: string, password: string): Promise<Account> {
    return this.credentials.register(session.remoteAddress, name, password);
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
   * @returns where it goes round through the back plane, as an ordered one does where other nodes have members in the
   *   room, a promise that need not be waited for: `unavailable` where the message may have reached all, some or nobody
   * @throws {RefusedError} `not_in_room`, `rate_limited`; `unavailable` where it is ordered and other nodes, that have
   *   members in the room, cannot be reached
   */
  post(session: Session, body: Uint8Array, options: PostOptions): MaybePromise<void> {
    const { room } = session;
    if (room === undefined) throw new RefusedError("not_in_room", "not in a room");
    this.charge(session, room.members.length);
    const { toSender, channel } = options;
    const elsewhere = room.members.length > room.locals.length;
    if (!elsewhere && session.echoes === 0) {
      deliver(room, messageEvent(session, channel, body), toSender ? undefined : session.id);
      return;
    }
    const post = { from: session, toSender, channel, body };
    // What goes round through the back plane must not be overtaken by what the same sender says next.
    if (options.ordered || session.echoes > 0) {
      return this.goRound(session, this.node.post(room.name, post, true));
    }
    deliver(room, messageEvent(session, channel, body), toSender ? undefined : session.id);
    this.settle("a message did not reach the other nodes", this.node.post(room.name, post, false));
  }

  /**
   * Defines a group of the session's own, in place of the one of that name; no ids remove it. Unknown ids are
   * skipped.
   *
   * @throws {RefusedError} `invalid_name`, `too_many_groups`
   */
  defineGroup(session: Session, group: string, ids: Iterable<number>, separators = ""): void {
    refuseName(group, separators);
    setGroup(session, group, groupOf(ids, this.byId, this.alone ? undefined : this.node.number));
  }

  /**
   * Sends a message to a group of the sender's, wherever its members are. An unknown group is nobody.
   *
   * @throws {RefusedError} `rate_limited`
   */
  postToGroup(session: Session, group: string, body: Uint8Array, channel: Channel): void {
    const found = session.groups?.get(group);
    if (found === undefined) return;
    const { members, elsewhere } = found;
    this.charge(session, members.length + elsewhere.length);
    if (session.echoes > 0) {
      const ids = [...elsewhere, ...members.map(({ id }) => id)];
      this.goRound(session, this.node.postToMembers(ids, { from: session, toSender: true, channel, body }));
      return;
    }
    const event = messageEvent(session, channel, body);
    let gone = 0;
    for (const member of members) {
      if (member.state === "open") deliverTo(member, event);
      else gone++;
    }
    if (gone > 0) found.members = members.filter((member) => member.state === "open");
    if (elsewhere.length === 0) return;
    const post = { from: session, toSender: true, channel, body };
    this.settle("a message did not reach the other nodes", this.node.postToMembers(elsewhere, post));
  }

  /**
   * Sends a command to every session of a user. A known user who is not there gets nothing. `fields` are lent for
   * the call.
   *
   * @throws {RefusedError} `not_logged_in`, `unknown_user`, `rate_limited`; `unavailable` where it may not have
   *   reached sessions on other nodes
   */
  sendToUser(session: Session, user: string, fields: readonly Uint8Array[]): MaybePromise<void> {
    const { account } = session;
    if (account === undefined) throw new RefusedError("not_logged_in", "not logged in");
    const key = nameKey(user);
    this.charge(session, this.byUser.get(key)?.size ?? 1);
    const sent = this.node.postToUser(key, { from: account.name, fields });
    const here = this.byUser.get(key);
    if (here !== undefined) {
      const event = commandEvent(account.name, fields);
      for (const receiver of here) deliverTo(receiver, event);
      return sent;
    }
    // Both under way, so that none is left to fail unheard.
    const known = then(this.accounts.find(user), (found) => {
      if (found === undefined) throw new RefusedError("unknown_user", "there is no such user");
    });
    return sent === undefined ? known : Promise.all([known, sent]).then(() => {});
  }

  /** Every living node with its sessions: this one's as they are, those of others as of a moment ago. */
  nodes(): MaybePromise<NodeSummary[]> {
    return this.node.nodes();
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
    if (event.type === "member-post") {
      const { from, channel, body } = event.post;
      const message = messageEvent(from, channel, body);
      for (const id of event.to) {
        const session = this.byId.get(id);
        if (session !== undefined) deliverTo(session, message);
      }
      return;
    }
    if (event.type !== "user-post") {
      this.rooms_.receive(event);
      return;
    }
    const message = commandEvent(event.post.from, event.post.fields);
    for (const session of this.byUser.get(event.user) ?? []) deliverTo(session, message);
  }

  private becomeUser(session: Session, account: Account): void {
    this.leaveUser(session);
    session.account = account;
    session.name = account.name;
    this.admit(session);
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

  /** Counts a message against its sender, once for each `FAN_OUT` that get it. */
  private charge(session: Session, receivers: number): void {
    const limit = this.limits.messagesPerSecond;
    if (limit === null) return;
    const second = Math.floor(this.wheel.clock() / 1_000);
    if (session.sentSecond !== second) {
      session.sentSecond = second;
      session.sentCount = 0;
    }
    if (session.sentCount >= limit) throw new RefusedError("rate_limited", `over ${limit} messages a second`);
    session.sentCount += Math.max(1, Math.ceil(receivers / FAN_OUT));
  }

  private takeId(): number {
    for (;;) {
      const id = this.ids.next(this.alone ? undefined : this.node.number);
      if (!this.byId.has(id)) return id;
    }
  }

  /** What the session says next waits behind this, which comes back through the back plane. */
  private goRound(session: Session, sent: MaybePromise<void>): MaybePromise<void> {
    if (sent === undefined) return;
    session.echoes++;
    const back = (): void => {
      session.echoes--;
    };
    this.settle("a message did not reach the other nodes", sent);
    sent.then(back, back);
    return sent;
  }

  private settle(problem: string, result: MaybePromise<void>): void {
    if (result === undefined) return;
    result.catch((error: unknown) => {
      // Told once for all by the back plane, which counts the rest.
      if (!(error instanceof RefusedError && error.code === "unavailable")) this.report(problem, error);
    });
  }

  private *summaries(): Generator<SessionSummary> {
    for (const { id, protocol, name, user, remoteAddress, openedAt } of this.byId.values()) {
      yield { id, protocol, name, ...(user !== undefined && { user }), remoteAddress, openedAt };
    }
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
