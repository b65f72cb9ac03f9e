import type { BackplaneEvent, Member } from "./backplane.ts";
import { memberEvent, messageEvent } from "./events.ts";
import type { Session } from "./session.ts";

/** A room as this node sees it: everybody in it, and those of them whose connection is here. */
export interface HubRoom {
  readonly name: string;
  /** In join order: the first is the master. */
  members: readonly Member[];
  /** Sessions of this node, in join order. */
  readonly locals: Session[];
}

/** Follows the back plane's events for the rooms that this node has members in, and tells those members. */
export class Rooms {
  private readonly rooms = new Map<string, HubRoom>();
  private readonly sessions: ReadonlyMap<number, Session>;

  constructor(sessions: ReadonlyMap<number, Session>) {
    this.sessions = sessions;
  }

  receive(event: Exclude<BackplaneEvent, { type: "user-post" }>): void {
    if (event.type === "joined") this.joined(event.room, event.member, event.members);
    else if (event.type === "left") this.left(event.room, event.member, event.members);
    else {
      const room = this.rooms.get(event.room);
      if (room === undefined) return;
      const { from, toSender, channel, body } = event.post;
      const sender = this.sessions.get(from.id);
      if (sender !== undefined && sender.echoes > 0) sender.echoes--;
      deliver(room, messageEvent(from, channel, body), toSender ? undefined : from.id);
    }
  }

  private joined(name: string, member: Member, members: readonly Member[]): void {
    let room = this.rooms.get(name);
    if (room === undefined) {
      room = { name, members, locals: [] };
      this.rooms.set(name, room);
    }
    room.members = members;
    const event = memberEvent("joined", name, member);
    deliver(room, event, undefined);
    const session = this.sessions.get(member.id);
    if (session === undefined) return;
    room.locals.push(session);
    session.room = room;
    session.peer.deliver(event);
    for (const other of members) {
      if (other.id !== member.id) session.peer.deliver(memberEvent("joined", name, other));
    }
    session.peer.deliver(memberEvent("master", name, members[0] as Member));
  }

  private left(name: string, member: Member, members: readonly Member[]): void {
    const room = this.rooms.get(name);
    if (room === undefined) return;
    const wasMaster = room.members[0]?.id === member.id;
    room.members = members;
    const event = memberEvent("left", name, member);
    deliver(room, event, undefined);
    const at = room.locals.findIndex((session) => session.id === member.id);
    if (at >= 0) {
      const [session] = room.locals.splice(at, 1) as [Session];
      session.room = undefined;
    }
    if (room.locals.length === 0) this.rooms.delete(name);
    else if (wasMaster) deliver(room, memberEvent("master", name, members[0] as Member), undefined);
  }
}

/** Delivers to the room's members of this node, but for the one with the id `except`. */
export function deliver(
  room: HubRoom,
  event: Parameters<Session["peer"]["deliver"]>[0],
  except: number | undefined,
): void {
  for (const session of room.locals) {
    if (session.id !== except && session.state === "open") session.peer.deliver(event);
  }
}
