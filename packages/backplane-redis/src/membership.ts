import type { BackplaneEvent, MaybePromise, Member } from "@wireyard/session";
import { RefusedError } from "@wireyard/session";
import type { BackplaneCounters } from "./counters.ts";
import { digestOf } from "./password.ts";
import { FollowedRoom, type RoomKeeper } from "./room.ts";
import type { Reply, Uplink } from "./uplink.ts";
import { membersOf, type OrderedMember } from "./wire.ts";

/** A member whose connection is on this node. */
interface Local {
  readonly member: Member;
  readonly room: FollowedRoom;
  /** The room's, as the engine keeps it: not what was given, which a public room ignores. */
  readonly password: string;
  readonly order: number;
}

/** Where what the engine lost is being brought back, the other nodes get so long to do the same. */
const MOST_SETTLE_MS = 1_000;

/** Who of this node is in which room, and the rooms that are followed for them. */
export class Membership implements RoomKeeper {
  readonly emit: (event: BackplaneEvent) => void;
  private readonly uplink: Uplink;
  private readonly counters: BackplaneCounters;
  private readonly prefix: string;
  private readonly rooms = new Map<string, FollowedRoom>();
  private readonly locals = new Map<number, Local>();
  /** Members with a join or a leave on its way. */
  private readonly moving = new Map<number, { member: Member; password: string }>();
  /** The last call for each member: they take effect in their order. */
  private readonly turns = new Map<number, Promise<unknown>>();

  constructor(
    uplink: Uplink,
    counters: BackplaneCounters,
    prefix: string,
    emit: (event: BackplaneEvent) => void,
  ) {
    this.uplink = uplink;
    this.counters = counters;
    this.prefix = prefix;
    this.emit = emit;
  }

  get number(): number {
    return this.uplink.number;
  }

  room(name: string): FollowedRoom | undefined {
    return this.rooms.get(name);
  }

  join(member: Member, name: string, password: string): Promise<boolean> {
    return this.inTurn(member.id, async () => {
      await this.uplink.open();
      if (this.locals.get(member.id)?.room.name === name) return true;
      const room = this.follow(name);
      room.joining++;
      try {
        return await this.enter(member, room, digestOf(this.prefix, password));
      } finally {
        room.joining--;
        this.dropUnused(room);
      }
    });
  }

  leave(id: number): MaybePromise<void> {
    // Nothing to do, as for most sessions that close: no promise either.
    if (!this.locals.has(id) && !this.turns.has(id)) return;
    return this.inTurn(id, () => this.exit(id));
  }

  /** The connection is lost: who waits for an event does so in vain. */
  lost(): void {
    for (const room of this.rooms.values()) room.abandon();
  }

  /** Hears the rooms again, before they are read. */
  async subscribe(): Promise<void> {
    for (const room of [...this.rooms.values()]) {
      // Who began to wait when the connection was lost already waits in vain too.
      room.abandon();
      if (room.here.size === 0) this.rooms.delete(room.name);
      else room.read();
    }
    await Promise.all([...this.rooms.values()].map((room) => this.listen(room)));
  }

  /** After a new connection: brings the engine to what this node has, then this node to what the engine has. */
  async heal(resumed: boolean): Promise<void> {
    const { uplink } = this;
    const kept = new Map<number, string>();
    const buckets = Array.from({ length: uplink.buckets }, (_, bucket) => bucket);
    const owns = await Promise.all(buckets.map((bucket) => uplink.read(bucket, "own", [uplink.number])));
    const left: (Promise<Reply> | undefined)[] = [];
    for (const [bucket, own] of owns.entries()) {
      for (let i = 0; i + 1 < own.length; i += 2) {
        const id = Number(own[i]);
        const room = String(own[i + 1]);
        // Left while the engine was away, or joined without anybody hearing of it.
        if (this.locals.get(id)?.room.name === room) kept.set(id, room);
        else left.push(uplink.send(bucket, "leave", [id]));
      }
    }
    await Promise.all(left);
    const back = [...this.locals.values()].filter(({ member }) => !kept.has(member.id));
    back.sort((a, b) => a.order - b.order);
    await Promise.all(back.map((local) => this.bringBack(local)));
    const rooms = [...this.rooms.values()];
    await Promise.all(rooms.map((room) => this.read(room, "holding")));
    if (!resumed) {
      const ms = Math.min(MOST_SETTLE_MS, uplink.leaseMs / 2);
      await new Promise((resolve) => setTimeout(resolve, ms));
    }
    for (const room of rooms) this.show(room);
  }

  /** The engine had lost it: unless others made the room anew meanwhile, it is as it was. */
  private async bringBack(local: Local): Promise<void> {
    const { member, room, password, order } = local;
    const args = [member.id, member.name, room.name, password, order, 0];
    const reply = await this.uplink.send(room.bucket, "join", args);
    if (reply?.[0] === "joined" && this.locals.get(member.id) === local) {
      this.settle({ ...local, password: passwordOf(reply) });
    }
  }

  leaves(room: FollowedRoom, id: number): boolean {
    const local = this.locals.get(id);
    if (local?.room !== room) return true;
    if (this.moving.has(id)) {
      this.forget(local);
      return true;
    }
    // Its connection is here: then it was taken out because this node was taken for dead.
    this.uplink.fail("this node's lease has run out");
    return false;
  }

  joins(room: FollowedRoom, { id, order }: OrderedMember): void {
    const { member, password } = this.moving.get(id) ?? this.locals.get(id) ?? {};
    if (member !== undefined && password !== undefined) this.settle({ member, room, password, order });
  }

  broken(room: FollowedRoom): void {
    this.counters.gaps++;
    this.read(room, "holding").then(
      () => this.show(room),
      // Lost meanwhile: healing reads it.
      (error: unknown) => this.uplink.fail(String(error)),
    );
  }

  private async enter(member: Member, room: FollowedRoom, password: string): Promise<boolean> {
    const { id } = member;
    const { uplink } = this;
    await room.subscribed;
    while (room.starting !== undefined) await room.starting;
    const starts = room.state === "reading" && this.isFollowed(room);
    let started = (): void => {};
    if (starts) {
      room.starting = new Promise((resolve) => {
        started = resolve;
      });
    }
    try {
      const from = this.locals.get(id)?.room;
      if (from !== undefined && from.bucket !== room.bucket) {
        // No script reaches both. Who makes the room private in this instant leaves the member in neither.
        const [admitted] = [await uplink.read(room.bucket, "admits", [room.name, password])];
        if (Number(admitted) === 0) return false;
        await this.exit(id);
      }
      this.moving.set(id, { member, password });
      const args = [id, member.name, room.name, password, 0, starts ? 1 : 0];
      const reply = await (uplink.send(room.bucket, "join", args) ?? Promise.reject(unavailable()));
      if (reply[0] === "refused") return false;
      if (reply[0] === "joined") await this.entered(member, room, reply);
    } finally {
      this.moving.delete(id);
      if (starts) {
        room.starting = undefined;
        started();
      }
    }
    if (this.locals.get(id)?.room !== room) throw unavailable();
    return true;
  }

  private async entered(member: Member, room: FollowedRoom, reply: Reply): Promise<void> {
    const [, made, seq, left, leftMade, leftSeq] = reply as [string, number, number, string, number, number];
    // `left` is told before `joined`.
    const before = this.rooms.get(left);
    if (before !== undefined) {
      await before.reached(leftMade, leftSeq);
      this.dropUnused(before);
    }
    // Lost in between: the member is where it was, and healing tells the engine so.
    if (this.locals.get(member.id)?.room.name === left) throw unavailable();
    if (!this.isFollowed(room)) return;
    if (room.starting === undefined || room.state !== "reading") {
      await room.reached(made, seq);
      const local = this.locals.get(member.id);
      if (local?.room === room) this.settle({ ...local, password: passwordOf(reply) });
      return;
    }
    const members = membersOf(reply, 7);
    const order = members.find(({ id }) => id === member.id)?.order ?? 0;
    this.settle({ member, room, password: passwordOf(reply), order });
    room.start(made, seq, members, "live", { type: "joined", room: room.name, member, members });
  }

  private async exit(id: number): Promise<void> {
    // What is being healed may have brought it back.
    await this.uplink.settled();
    const local = this.locals.get(id);
    if (local === undefined) return;
    const { room, member, password } = local;
    if (this.uplink.isOpen) {
      this.moving.set(id, { member, password });
      try {
        const [what, made, seq] = (await this.uplink.send(room.bucket, "leave", [id])) ?? ["none"];
        if (what === "left") await room.reached(made as number, seq as number);
      } catch (error) {
        if (!(error instanceof RefusedError)) throw error;
      } finally {
        this.moving.delete(id);
      }
    }
    if (this.locals.get(id) === local) {
      // The engine hears of it when it is back: see `heal`.
      this.forget(local);
      room.removeHere(id);
    }
    this.dropUnused(room);
  }

  private async read(room: FollowedRoom, state: "holding"): Promise<void> {
    const { made: madeBefore, seq: seqBefore } = room;
    const reply = await this.uplink.read(room.bucket, "read", [room.name]);
    const [made = 0, seq = 0] = reply as [number?, number?];
    this.counters.missed += made === madeBefore ? seq - seqBefore : seq;
    room.start(made, seq, membersOf(reply, 2), state);
  }

  /** Tells the hub the members as they are now, whatever came before. */
  private show(room: FollowedRoom): void {
    if (!this.isFollowed(room) || room.state !== "holding") return;
    const orders = new Map(room.members.map(({ id, order }) => [id, order]));
    for (const id of [...room.here]) {
      const local = this.locals.get(id) as Local;
      const order = orders.get(id);
      // Not let in again: the room was made anew meanwhile, with another password.
      if (order === undefined) this.forget(local);
      else this.settle({ ...local, order });
    }
    room.show();
    this.dropUnused(room);
  }

  private follow(name: string): FollowedRoom {
    let room = this.rooms.get(name);
    if (room === undefined) {
      room = new FollowedRoom(name, this.uplink.bucketOf(name), this);
      this.rooms.set(name, room);
      room.subscribed = this.listen(room);
      // Whoever joins waits for it, and is told.
      room.subscribed.catch(() => {});
    }
    return room;
  }

  private listen(room: FollowedRoom): Promise<void> {
    return this.uplink
      .subscribe(room.bucket, `:room:${room.name}`)
      .catch(() => Promise.reject(unavailable()));
  }

  private dropUnused(room: FollowedRoom): void {
    if (room.joining > 0 || room.here.size > 0 || !this.isFollowed(room)) return;
    this.rooms.delete(room.name);
    room.abandon();
    this.uplink.unsubscribe(room.bucket, `:room:${room.name}`);
  }

  private isFollowed(room: FollowedRoom): boolean {
    return this.rooms.get(room.name) === room;
  }

  private settle(local: Local): void {
    const { id } = local.member;
    const before = this.locals.get(id)?.room;
    // What tells that it left there may be waiting until its members are read.
    if (before !== local.room) before?.here.delete(id);
    this.locals.set(id, local);
    local.room.here.add(id);
  }

  private forget({ member, room }: Local): void {
    this.locals.delete(member.id);
    room.here.delete(member.id);
  }

  private inTurn<T>(id: number, work: () => Promise<T>): Promise<T> {
    const turn = (this.turns.get(id) ?? Promise.resolve()).then(work, work);
    this.turns.set(id, turn);
    const done = (): void => {
      if (this.turns.get(id) === turn) this.turns.delete(id);
    };
    turn.then(done, done);
    return turn;
  }
}

/** Of a reply to `join`. */
function passwordOf(reply: Reply): string {
  return String(reply[6]);
}

function unavailable(): RefusedError {
  return new RefusedError("unavailable", "the other nodes cannot be reached now; try again later");
}
