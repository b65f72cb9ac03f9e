import type { MaybePromise } from "./accounts.ts";

/** Somebody in a room, on this node or another. */
export interface Member {
  /** Decimal on the wire of every protocol that shows it: 65536 to 2^31-1. */
  readonly id: number;
  /** What it calls itself; a verified user name only where the protocol checked one. */
  readonly name: string;
}

/** The way a message came in, and so goes out. */
export type Channel = "stream" | "datagram";

/** A message to a room as it crosses the back plane. */
export interface RoomPost {
  readonly from: Member;
  /** Whether the sender gets it too. */
  readonly toSender: boolean;
  readonly channel: Channel;
  /** Payload bytes, lent for the call. */
  readonly body: Uint8Array;
}

/** A session as nodes tell each other, for operators' lists. */
export interface SessionSummary {
  readonly id: number;
  readonly protocol: string;
  /** What it calls itself. */
  readonly name: string;
  /** The account it proved to be. */
  readonly user?: string;
  readonly remoteAddress: string;
  /** Milliseconds since the epoch. */
  readonly openedAt: number;
}

/** A node of the hub. */
export interface NodeSummary {
  readonly id: string;
  /** Whether it is the one that was asked. */
  readonly self: boolean;
  readonly sessions: readonly SessionSummary[];
}

/** What a node knows of the others without asking: as of a moment ago. */
export interface Elsewhere {
  /** How many other nodes live. */
  readonly nodes: number;
  /** Their open sessions. */
  readonly sessions: number;
  /** What some of those call themselves, none of them empty: of a node `NAMES_TOLD` at the most, in all no fewer. */
  readonly names: readonly string[];
}

/** How many names of its sessions a node tells the others unasked. */
export const NAMES_TOLD = 12;

/** A message to a user, whatever node it is on. */
export interface UserPost {
  /** The sender's verified user name. */
  readonly from: string;
  /** The command and its arguments, unescaped UTF-8, lent for the call. */
  readonly fields: readonly Uint8Array[];
}

/**
 * What happened, told to every node with a member in the room (`joined`, `left`: to the node of that member too),
 * in the room's one order.
 */
export type BackplaneEvent =
  /** `members` is everybody in the room after it, in join order, the newcomer last; the first is the master. */
  | {
      readonly type: "joined";
      readonly room: string;
      readonly member: Member;
      readonly members: readonly Member[];
    }
  /** `members` is who remains, in join order; the first is the master. */
  | {
      readonly type: "left";
      readonly room: string;
      readonly member: Member;
      readonly members: readonly Member[];
    }
  /** Something was missed, or may have been: these are the members now, in join order. */
  | { readonly type: "members"; readonly room: string; readonly members: readonly Member[] }
  | { readonly type: "post"; readonly room: string; readonly post: RoomPost }
  /** `to` are ids of sessions of this node, or were. */
  | { readonly type: "member-post"; readonly to: readonly number[]; readonly post: RoomPost }
  | { readonly type: "user-post"; readonly user: string; readonly post: UserPost };

export interface RoomSummary {
  readonly name: string;
  readonly members: number;
  /** Made with a password. */
  readonly private: boolean;
}

/**
 * What nodes share: who is in which room, and what is said there. The memory form serves one process; others keep
 * membership in an engine, under a lease that a dead node cannot renew.
 *
 * Every form of it passes `backplaneCases` of `@wireyard/session/testing`.
 */
export interface Backplane {
  /**
   * A node of its own, connecting as it can: until then its calls wait.
   *
   * @param receive called for every event that concerns it; must not throw
   * @param sessions what it is to tell other nodes of its sessions; asked for whenever that is wanted
   */
  open(receive: (event: BackplaneEvent) => void, sessions?: () => Iterable<SessionSummary>): BackplaneNode;
}

/**
 * One node's side of the back plane. Calls that are not awaited take effect in the order of the calls. What cannot be
 * promised because the other nodes cannot be reached is refused: `RefusedError` `unavailable`.
 */
export interface BackplaneNode {
  /** From 1 to `NODE_NUMBERS` - 1, of no other node: part of the ids that are made here. */
  readonly number: number;
  /** The other nodes, as of a few seconds ago at the most; none of them where they cannot be reached. */
  readonly elsewhere: Elsewhere;
  /**
   * Moves a member into a room, out of the one it was in: `left`, then `joined`, or neither. Makes the room where
   * there is none, private where `password` is not empty. Joining the room one is in does nothing. It is done when
   * this node has received the events of it, and so is `leave`.
   *
   * @returns `false`, with nothing changed, where the room is private and the password is not its own
   */
  join(member: Member, room: string, password: string): MaybePromise<boolean>;
  /** Takes a member out of its room, if it is in one; where other nodes cannot be reached, they are told later. */
  leave(member: Member): MaybePromise<void>;
  /** The public rooms and, with a password, the private ones made with it, in the order they were made. */
  rooms(password: string): MaybePromise<RoomSummary[]>;
  /** All rooms. */
  allRooms(): MaybePromise<RoomSummary[]>;
  /**
   * Tells the other nodes with members in the room; with `echo` this node too, and then in the room's one order,
   * the same at every node; that is done when this node has received it, and rejects with `unavailable` where it never
   * will, though others may have.
   */
  post(room: string, post: RoomPost, echo: boolean): MaybePromise<void>;
  /** Tells the nodes of these sessions, this one too if it is one of theirs. Ids that nobody has are nobody. */
  postToMembers(ids: readonly number[], post: RoomPost): MaybePromise<void>;
  /** From now on, posts to this user are received. */
  follow(user: string): MaybePromise<void>;
  unfollow(user: string): MaybePromise<void>;
  /** Tells every other node that follows `user`. */
  postToUser(user: string, post: UserPost): MaybePromise<void>;
  /** Every living node, this one first: its own sessions as they are, those of others as of a moment ago. */
  nodes(): MaybePromise<NodeSummary[]>;
  /** Does nothing where the back plane answers, throws where it does not. */
  check(): MaybePromise<void>;
  /** Leaves: this node's members are out of their rooms. */
  close(): MaybePromise<void>;
}
