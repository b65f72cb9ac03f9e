import type { BackplaneEvent, Member } from "./backplane.ts";
import { type HubEvent, memberEvent, messageEvent } from "./events.ts";
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

  get size(): number {
    return this.rooms.size;
  }

  get(name: string): HubRoom | undefined {
    return this.rooms.get(name);
  }

  receive(event: Exclude<BackplaneEvent, { type: "user-post" | "member-post" }>): void {
    if (event.type === "joined") this.joined(event.room, event.member, event.members);
    else if (event.type === "left") this.left(event.room, event.member, event.members);
    else if (event.type === "members") this.changed(event.room, event.members);
    else {
      const room = this.rooms.get(event.room);
      if (room === undefined) return;
      const { from, toSender, channel, body } = event.post;
      deliver(room, messageEvent(from, channel, body), toSender ? undefined : from.id);
    }
  }

  private joined(name: string, member: Member, members: readonly Member[]): void {
    const session = this.sessions.get(member.id);
    let room = this.rooms.get(name);
    if (room === undefined) {
      // Told late, of a room that the last one of this node has left: nobody would take it away again.
      if (session === undefined) return;
      room = { name, members, locals: [] };
      this.rooms.set(name, room);
    }
    const masterBefore = room.members[0]?.id;
    room.members = members;
    const event = memberEvent("joined", name, member);
    deliver(room, event, undefined);
    // Somebody who came back to where it had been, after the back plane had lost it.
    if (masterBefore !== members[0]?.id) deliver(room, masterEvent(room), undefined);
    if (session !== undefined) takeIn(room, session, event, members);
  }

  private left(name: string, member: Member, members: readonly Member[]): void {
    const room = this.rooms.get(name);
    if (room === undefined) return;
    const wasMaster = room.members[0]?.id === member.id;
    room.members = members;
    takeOut(room, member);
    if (room.locals.length === 0) this.rooms.delete(name);
    else if (wasMaster) deliver(room, masterEvent(room), undefined);
  }

  /** Tells the difference to what was known. Who is here and stays is told nothing of itself, though it came back. */
  private changed(name: string, members: readonly Member[]): void {
    const room = this.rooms.get(name);
    if (room === undefined) return;
    const before = room.members;
    room.members = members;
    const were = new Set(before.map(({ id }) => id));
    const are = new Set(members.map(({ id }) => id));
    for (const member of before) if (!are.has(member.id)) takeOut(room, member);
    const known = before.filter(({ id }) => are.has(id));
    for (const member of members) {
      if (were.has(member.id)) continue;
      const event = memberEvent("joined", name, member);
      deliver(room, event, undefined);
      known.push(member);
      // Somebody of this node who came while the members were being asked for.
      const session = this.sessions.get(member.id);
      if (session !== undefined) takeIn(room, session, event, known);
    }
    if (room.locals.length === 0) this.rooms.delete(name);
    else if (before[0]?.id !== members[0]?.id) deliver(room, masterEvent(room), undefined);
  }
}

/** A session of this node joined: it is told so, who else is there, and who is the master. */
function takeIn(room: HubRoom, session: Session, event: HubEvent, members: readonly Member[]): void {
  room.locals.push(session);
  session.room = room;
  deliverTo(session, event);
  for (const other of members) {
    if (other.id !== session.id) deliverTo(session, memberEvent("joined", room.name, other));
  }
  deliverTo(session, masterEvent(room));
}

function takeOut(room: HubRoom, member: Member): void {
  deliver(room, memberEvent("left", room.name, member), undefined);
  const at = room.locals.findIndex((session) => session.id === member.id);
  if (at < 0) return;
  const [session] = room.locals.splice(at, 1) as [Session];
  // It may be in another one already, where that was told first.
  if (session.room === room) session.room = undefined;
}

function masterEvent(room: HubRoom): HubEvent {
  return memberEvent("master", room.name, room.members[0] as Member);
}

/** Delivers to the room's members of this node, but for the one with the id `except`. */
export function deliver(room: HubRoom, event: HubEvent, except: number | undefined): void {
  for (const session of room.locals) {
    if (session.id !== except && session.state === "open") deliverTo(session, event);
  }
}

/** Delivers to one session of this node. */
export function deliverTo(session: Session, event: HubEvent): void {
  session.counts.delivered++;
  session.peer.deliver(event);
}
