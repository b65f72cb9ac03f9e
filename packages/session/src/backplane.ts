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
  | { readonly type: "post"; readonly room: string; readonly post: RoomPost }
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
  /** A node of its own, connecting as it can: until then its calls wait. `receive` is called for every event that concerns it, and must not throw. */
  open(receive: (event: BackplaneEvent) => void): BackplaneNode;
}

/** One node's side of the back plane. Calls that are not awaited take effect in the order of the calls. */
export interface BackplaneNode {
  /**
   * Moves a member into a room, out of the one it was in: `left`, then `joined`, or neither. Makes the room where
   * there is none, private where `password` is not empty. Joining the room one is in does nothing.
   *
   * @returns `false`, with nothing changed, where the room is private and the password is not its own
   */
  join(member: Member, room: string, password: string): MaybePromise<boolean>;
  /** Takes a member out of its room, if it is in one. */
  leave(member: Member): MaybePromise<void>;
  /** The public rooms and, with a password, the private ones made with it, in the order they were made. */
  rooms(password: string): MaybePromise<RoomSummary[]>;
  /** All rooms. */
  allRooms(): MaybePromise<RoomSummary[]>;
  /**
   * Tells the other nodes with members in the room; with `echo` this node too, and then in the room's one order,
   * the same at every node.
   */
  post(room: string, post: RoomPost, echo: boolean): MaybePromise<void>;
  /** From now on, posts to this user are received. */
  follow(user: string): MaybePromise<void>;
  unfollow(user: string): MaybePromise<void>;
  /** Tells every other node that follows `user`. */
  postToUser(user: string, post: UserPost): MaybePromise<void>;
  /** Does nothing where the back plane answers, throws where it does not. */
  check(): MaybePromise<void>;
  /** Leaves: this node's members are out of their rooms. */
  close(): MaybePromise<void>;
}
