import {
  type BackplaneEvent,
  type BackplaneNode,
  type Elsewhere,
  type MaybePromise,
  type Member,
  type NodeSummary,
  nodeOfId,
  RefusedError,
  type RoomPost,
  type RoomSummary,
  type SessionSummary,
  type UserPost,
} from "@wireyard/session";
import type { BackplaneCounters } from "./counters.ts";
import { Membership } from "./membership.ts";
import type { Settings } from "./options.ts";
import { digestOf } from "./password.ts";
import type { FollowedRoom } from "./room.ts";
import { SessionList } from "./sessions.ts";
import { type Reply, Uplink } from "./uplink.ts";
import {
  decodeMemberPost,
  decodeRoomEvent,
  decodeUserPost,
  encodeMemberPost,
  encodePost,
  encodeUserPost,
} from "./wire.ts";

const ROOM = ":room:";
const USER = ":user:";
const NODE = ":node:";

/** One node's side of the back plane: what the hub asks becomes scripts, what channels carry becomes events. */
export class RedisNode implements BackplaneNode {
  private readonly emit: (event: BackplaneEvent) => void;
  private readonly settings: Settings;
  private readonly counters: BackplaneCounters;
  private readonly uplink: Uplink;
  private readonly membership: Membership;
  private readonly list: SessionList;
  private readonly sessions: () => Iterable<SessionSummary>;
  private readonly users = new Set<string>();
  private readonly ownPosts = new OwnPosts();

  constructor(
    settings: Settings,
    counters: BackplaneCounters,
    emit: (event: BackplaneEvent) => void,
    sessions: () => Iterable<SessionSummary>,
  ) {
    this.emit = emit;
    this.settings = settings;
    this.counters = counters;
    this.sessions = sessions;
    this.list = new SessionList(settings.nodeId, sessions);
    this.uplink = new Uplink(settings, counters, {
      message: (channel, body) => this.message(channel, body),
      lost: () => {
        this.membership.lost();
        this.ownPosts.lost();
        this.list.lost();
      },
      heal: (resumed) => this.heal(resumed),
      renewed: (connection, lease) => {
        this.list.heard(lease.others);
        return this.list.write(connection, this.number, lease.epochs);
      },
    });
    this.membership = new Membership(this.uplink, counters, settings.prefix, emit);
    this.uplink.start();
  }

  get number(): number {
    return this.uplink.number;
  }

  get elsewhere(): Elsewhere {
    return this.list.elsewhere;
  }

  join(member: Member, room: string, password: string): Promise<boolean> {
    return this.membership.join(member, room, password);
  }

  leave(member: Member): MaybePromise<void> {
    return this.membership.leave(member.id);
  }

  rooms(password: string): Promise<RoomSummary[]> {
    return this.listRooms([digestOf(this.settings.prefix, password)]);
  }

  allRooms(): Promise<RoomSummary[]> {
    return this.listRooms([]);
  }

  post(name: string, post: RoomPost, echo: boolean): MaybePromise<void> {
    const room = this.membership.room(name);
    if (!this.uplink.isOpen || room === undefined) return this.unsent(echo);
    const body = encodePost({ node: this.number, echo, post });
    const sent = this.uplink.send(room.bucket, "post", [post.from.id, name, body], body.length);
    if (sent === undefined) return this.unsent(echo);
    if (!echo) return sent.then(nothing, () => this.unsent(false));
    return this.heard(room, sent);
  }

  postToMembers(ids: readonly number[], post: RoomPost): MaybePromise<void> {
    const byNode = new Map<number, number[]>();
    for (const id of ids) {
      const number = nodeOfId(id);
      const some = byNode.get(number);
      if (some === undefined) byNode.set(number, [id]);
      else some.push(id);
    }
    const sent: MaybePromise<unknown>[] = [];
    for (const [number, to] of byNode) {
      const body = encodeMemberPost(to, { node: this.number, echo: true, post });
      const told = this.tell(number % this.uplink.buckets, NODE + number, body);
      sent.push(
        number === this.number && told !== undefined ? Promise.all([told, this.ownPosts.next()]) : told,
      );
    }
    return Promise.all(sent).then(nothing);
  }

  async follow(user: string): Promise<void> {
    this.users.add(user);
    await this.uplink.ready();
    // One that comes while the engine is away is heard as soon as it is back; while all are brought together, now.
    if (this.uplink.isConnected) await this.uplink.subscribe(this.uplink.bucketOf(user), USER + user);
  }

  unfollow(user: string): void {
    if (this.users.delete(user)) this.uplink.unsubscribe(this.uplink.bucketOf(user), USER + user);
  }

  postToUser(user: string, post: UserPost): MaybePromise<void> {
    if (!this.uplink.isOpen) throw unavailable();
    return this.tell(this.uplink.bucketOf(user), USER + user, encodeUserPost(this.number, post), true);
  }

  async nodes(): Promise<NodeSummary[]> {
    return this.list.read(await this.uplink.open(), this.number);
  }

  async check(): Promise<void> {
    await (await this.uplink.open()).ping();
  }

  close(): Promise<void> {
    return this.uplink.close();
  }

  private async listRooms(args: string[]): Promise<RoomSummary[]> {
    const { buckets } = await this.uplink.open();
    const asked = Array.from({ length: buckets }, (_, bucket) => this.uplink.read(bucket, "rooms", args));
    const rooms: { made: number; summary: RoomSummary }[] = [];
    for (const reply of await Promise.all(asked)) {
      for (let i = 0; i + 3 < reply.length; i += 4) {
        const summary = {
          name: String(reply[i]),
          members: Number(reply[i + 2]),
          private: reply[i + 3] === 1,
        };
        rooms.push({ made: Number(reply[i + 1]), summary });
      }
    }
    // Within a bucket they come in this order; between buckets of a cluster it is the nearest there is to one.
    if (buckets > 1) rooms.sort((a, b) => a.made - b.made);
    return rooms.map(({ summary }) => summary);
  }

  /** @throws {RefusedError} `unavailable`, where it may have reached all, some or nobody */
  private async heard(room: FollowedRoom, sent: Promise<Reply>): Promise<void> {
    let cause: unknown;
    try {
      const [what, made, seq] = await sent;
      if (what === "posted" && (await room.reached(made as number, seq as number))) return;
    } catch (error) {
      cause = error;
    }
    this.counters.inDoubt++;
    const error = new RefusedError("unavailable", "an ordered message may not have reached everybody");
    error.cause = cause;
    throw error;
  }

  private tell(bucket: number, channel: string, body: Buffer, strictly = false): MaybePromise<void> {
    const sent = this.uplink.isOpen
      ? this.uplink.send(bucket, "tell", [channel, body], body.length)
      : undefined;
    if (sent === undefined) return this.unsent(strictly);
    return strictly ? sent.then(nothing) : sent.then(nothing, () => this.unsent(false));
  }

  /** @throws {RefusedError} `unavailable`, where more was promised than a try */
  private unsent(strictly: boolean): void {
    this.counters.unsent++;
    if (strictly) throw unavailable();
  }

  private message(channel: string, body: Buffer): void {
    if (channel.startsWith(ROOM)) {
      this.membership.room(channel.slice(ROOM.length))?.receive(decodeRoomEvent(body));
    } else if (channel.startsWith(USER)) {
      const { node, post } = decodeUserPost(body);
      const user = channel.slice(USER.length);
      if (node !== this.number && this.users.has(user)) this.emit({ type: "user-post", user, post });
    } else {
      const { to, from } = decodeMemberPost(body);
      this.emit({ type: "member-post", to, post: from.post });
      if (from.node === this.number && channel === NODE + this.number) this.ownPosts.back();
    }
  }

  private async heal(resumed: boolean): Promise<void> {
    const { uplink } = this;
    this.list.forget();
    // A session keeps its id, and with it the number that the node had when it came.
    const numbers = new Set([this.number]);
    for (const { id } of this.sessions()) numbers.add(nodeOfId(id));
    await Promise.all([
      ...[...numbers].map((number) => uplink.subscribe(number % uplink.buckets, NODE + number)),
      ...[...this.users].map((user) => uplink.subscribe(uplink.bucketOf(user), USER + user)),
      this.membership.subscribe(),
    ]);
    await this.membership.heal(resumed);
  }
}

/** Posts to members that go to this node too: they come back in the order in which they went. */
class OwnPosts {
  private waiters: (() => void)[] = [];

  /** Resolves when the next that is sent is back, or lost. */
  next(): Promise<void> {
    return new Promise((resolve) => this.waiters.push(resolve));
  }

  back(): void {
    this.waiters.shift()?.();
  }

  lost(): void {
    const { waiters } = this;
    this.waiters = [];
    for (const resolve of waiters) resolve();
  }
}

function unavailable(): RefusedError {
  return new RefusedError("unavailable", "the other nodes cannot be reached now; try again later");
}

function nothing(): void {}
