import type { BackplaneEvent, Member } from "@wireyard/session";
import type { OrderedMember, RoomEvent } from "./wire.ts";

/** Events that may wait while a room's members are asked for. */
const MAX_EARLY = 4_096;

/** What a followed room needs of its node. */
export interface RoomKeeper {
  /** The node's own number: its posts come back to it only where it asked for that. */
  readonly number: number;
  emit(event: BackplaneEvent): void;
  /** A member of this node was told to have left: whether it was asked to, and so whether to believe it. */
  leaves(room: FollowedRoom, id: number): boolean;
  joins(room: FollowedRoom, member: OrderedMember): void;
  /** Events are missing: the members must be read again. */
  broken(room: FollowedRoom): void;
}

/**
 * A room that this node has members in, or is about to: applies the engine's numbered events one after the other, each
 * once, and notices where one is missing.
 */
export class FollowedRoom {
  readonly name: string;
  readonly bucket: number;
  /** Resolves once its channel is heard; set by the node. */
  subscribed: Promise<void> = Promise.resolve();
  /** Joins that are under way: it is followed for them. */
  joining = 0;
  /** Where a join is to bring the members: the others wait for it. */
  starting: Promise<void> | undefined;
  /** Ids of its members on this node. */
  readonly here = new Set<number>();
  members: readonly OrderedMember[] = [];
  /** `reading`: the members are being asked for, and events wait. `holding`: who comes and goes is told later, at once. */
  state: "reading" | "holding" | "live" = "reading";
  made = 0;
  seq = 0;
  /** The members that the hub was told of. */
  private told: readonly Member[] = [];
  private early: RoomEvent[] = [];
  private overflowed = false;
  private waiters: { made: number; seq: number; heard: boolean; resolve(heard: boolean): void }[] = [];
  private readonly keeper: RoomKeeper;

  constructor(name: string, bucket: number, keeper: RoomKeeper) {
    this.name = name;
    this.bucket = bucket;
    this.keeper = keeper;
  }

  /**
   * Takes the members as they were after event `seq`, and goes on from there with what came meanwhile.
   *
   * @param first what is told before that
   */
  start(
    made: number,
    seq: number,
    members: readonly OrderedMember[],
    state: "holding" | "live",
    first?: BackplaneEvent,
  ): void {
    const { early, overflowed } = this;
    this.made = made;
    this.seq = seq;
    this.members = members;
    this.state = state;
    // What lies before was not heard, whoever may have heard it elsewhere.
    for (const waiter of this.waiters) if (this.isPast(waiter.made, waiter.seq)) waiter.heard = false;
    this.wake();
    this.early = [];
    this.overflowed = false;
    if (first !== undefined) {
      this.told = members;
      this.keeper.emit(first);
    }
    if (overflowed) {
      this.read();
      this.keeper.broken(this);
    } else for (const event of early) this.receive(event);
  }

  /** Tells the members as they are, and from now on who comes and goes. */
  show(): void {
    this.state = "live";
    this.told = this.members;
    this.keeper.emit({ type: "members", room: this.name, members: this.members });
    this.wake();
  }

  /** Events wait from now on, until `start`. */
  read(): void {
    this.state = "reading";
  }

  receive(event: RoomEvent): void {
    if (this.state === "reading") {
      if (this.early.length < MAX_EARLY) this.early.push(event);
      else this.overflowed = true;
      return;
    }
    const { made, seq } = event;
    if (made < this.made || (made === this.made && seq <= this.seq)) return;
    if (made > this.made && this.members.length === 0) {
      // It was empty, so it was gone, and has been made anew.
      this.made = made;
      this.seq = 0;
    }
    if (made !== this.made || seq !== this.seq + 1) {
      this.read();
      this.receive(event);
      this.keeper.broken(this);
      return;
    }
    this.seq = seq;
    this.apply(event);
    this.wake();
  }

  /** Whether the event `seq` was heard: once it is and the hub was told, or it is known that it will not be. */
  reached(made: number, seq: number): boolean | Promise<boolean> {
    if (this.state === "live" && this.isPast(made, seq)) return true;
    return new Promise((resolve) => this.waiters.push({ made, seq, heard: true, resolve }));
  }

  /** Nobody follows it any more, or the connection is lost. */
  abandon(): void {
    const { waiters } = this;
    this.waiters = [];
    this.early = [];
    this.overflowed = false;
    for (const { resolve } of waiters) resolve(false);
  }

  /** Takes a member out without the engine, which will be told later. */
  removeHere(id: number): void {
    const member = this.members.find((one) => one.id === id);
    if (member === undefined) return;
    this.members = this.members.filter((one) => one.id !== id);
    this.told = this.told.filter((one) => one.id !== id);
    this.keeper.emit({ type: "left", room: this.name, member, members: this.told });
  }

  private apply(event: RoomEvent): void {
    switch (event.type) {
      case "joined": {
        const { member } = event;
        this.members = placed(this.members, member);
        this.keeper.joins(this, member);
        this.tell({ type: "joined", room: this.name, member, members: this.members });
        return;
      }
      case "left": {
        const member: Member | undefined = this.members.find(({ id }) => id === event.id);
        if (member === undefined || !this.keeper.leaves(this, event.id)) return;
        this.members = this.members.filter(({ id }) => id !== event.id);
        this.tell({ type: "left", room: this.name, member, members: this.members });
        return;
      }
      case "post": {
        const { node, echo, post } = event.post;
        if (this.state === "holding") this.introduce(post.from.id);
        if (node !== this.keeper.number || echo) this.keeper.emit({ type: "post", room: this.name, post });
      }
    }
  }

  private tell(event: BackplaneEvent): void {
    if (this.state !== "live") return;
    this.told = this.members;
    this.keeper.emit(event);
  }

  /** Somebody from elsewhere speaks before it was told to be here: nobody hears strangers. */
  private introduce(id: number): void {
    if (this.here.has(id) || this.told.some((one) => one.id === id)) return;
    const member = this.members.find((one) => one.id === id);
    if (member === undefined) return;
    this.told = [...this.told, member];
    this.keeper.emit({ type: "joined", room: this.name, member, members: this.told });
  }

  private isPast(made: number, seq: number): boolean {
    return this.made > made || (this.made === made && this.seq >= seq);
  }

  private wake(): void {
    if (this.waiters.length === 0 || this.state !== "live") return;
    // Replies come in the order of the events; who is behind one that still waits is not late by much.
    for (let next = this.waiters[0]; next !== undefined && this.isPast(next.made, next.seq); ) {
      next.resolve(next.heard);
      this.waiters.shift();
      next = this.waiters[0];
    }
  }
}

/** The members with one more at its place: at the end, but for one who came back after the engine had lost it. */
function placed(members: readonly OrderedMember[], member: OrderedMember): OrderedMember[] {
  const others = members.filter(({ id }) => id !== member.id);
  const at = others.findIndex(({ order }) => order > member.order);
  others.splice(at < 0 ? others.length : at, 0, member);
  return others;
}
