import { equalBytes } from "./accounts.ts";
import {
  type Backplane,
  type BackplaneEvent,
  type BackplaneNode,
  type Member,
  NAMES_TOLD,
  type RoomSummary,
  type SessionSummary,
} from "./backplane.ts";
import { NODE_NUMBERS, nodeOfId } from "./ids.ts";

interface Entry {
  member: Member;
  node: MemoryNode;
}

interface Room {
  name: string;
  password: Uint8Array;
  /** In join order: the first is the master. */
  entries: Entry[];
}

interface MemoryNode {
  number: number;
  sessions(): Iterable<SessionSummary>;
  receive(event: BackplaneEvent): void;
  users: Set<string>;
}

const encoder = new TextEncoder();

/** A back plane within one process: what a single node uses, and several hubs of a test. All its calls are synchronous. */
export function memoryBackplane(): Backplane {
  const rooms = new Map<string, Room>();
  const roomOf = new Map<number, Room>();
  const nodes = new Set<MemoryNode>();
  let opened = 0;

  function tell(room: Room, event: BackplaneEvent, alsoTo?: MemoryNode, except?: MemoryNode): void {
    const told = new Set(room.entries.map((entry) => entry.node));
    if (alsoTo !== undefined) told.add(alsoTo);
    if (except !== undefined) told.delete(except);
    for (const node of told) node.receive(event);
  }

  function leave(member: Member): void {
    const room = roomOf.get(member.id);
    if (room === undefined) return;
    const at = room.entries.findIndex((entry) => entry.member.id === member.id);
    const [entry] = room.entries.splice(at, 1) as [Entry];
    roomOf.delete(member.id);
    if (room.entries.length === 0) rooms.delete(room.name);
    tell(room, { type: "left", room: room.name, member: entry.member, members: membersOf(room) }, entry.node);
  }

  return {
    open(receive, sessions = () => []): BackplaneNode {
      const number = 1 + (opened++ % (NODE_NUMBERS - 1));
      const node: MemoryNode = { number, sessions, receive, users: new Set() };
      nodes.add(node);
      return {
        number,
        get elsewhere() {
          const others = [...nodes].filter((other) => other !== node).map((other) => [...other.sessions()]);
          const named = others.map((sessions) => sessions.filter(({ name }) => name !== ""));
          return {
            nodes: others.length,
            sessions: others.flat().length,
            names: named.flatMap((sessions) => sessions.slice(0, NAMES_TOLD).map(({ name }) => name)),
          };
        },
        join(member, name, password) {
          const given = encoder.encode(password);
          let room = rooms.get(name);
          if (room !== undefined) {
            if (room === roomOf.get(member.id)) return true;
            // A password given for a public room is ignored.
            if (room.password.length > 0 && !equalBytes(given, room.password)) return false;
          }
          leave(member);
          if (room === undefined) {
            room = { name, password: given, entries: [] };
            rooms.set(name, room);
          }
          room.entries.push({ member, node });
          roomOf.set(member.id, room);
          tell(room, { type: "joined", room: name, member, members: membersOf(room) });
          return true;
        },
        leave,
        rooms(password) {
          const given = encoder.encode(password);
          return [...rooms.values()]
            .filter((room) => room.password.length === 0 || equalBytes(given, room.password))
            .map(summary);
        },
        allRooms: () => [...rooms.values()].map(summary),
        post(name, post, echo) {
          const room = rooms.get(name);
          if (room !== undefined)
            tell(room, { type: "post", room: name, post }, undefined, echo ? undefined : node);
        },
        postToMembers(ids, post) {
          for (const other of nodes) {
            const to = ids.filter((id) => nodeOfId(id) === other.number);
            if (to.length > 0) other.receive({ type: "member-post", to, post });
          }
        },
        follow(user) {
          node.users.add(user);
        },
        unfollow(user) {
          node.users.delete(user);
        },
        postToUser(user, post) {
          for (const other of nodes) {
            if (other !== node && other.users.has(user)) other.receive({ type: "user-post", user, post });
          }
        },
        nodes: () =>
          [node, ...[...nodes].filter((other) => other !== node)].map((each) => ({
            id: String(each.number),
            self: each === node,
            sessions: [...each.sessions()],
          })),
        check() {},
        close() {
          nodes.delete(node);
          const own = [...rooms.values()].flatMap((room) =>
            room.entries.filter((entry) => entry.node === node),
          );
          for (const entry of own) leave(entry.member);
        },
      };
    },
  };
}

function membersOf(room: Room): Member[] {
  return room.entries.map((entry) => entry.member);
}

function summary(room: Room): RoomSummary {
  return { name: room.name, members: room.entries.length, private: room.password.length > 0 };
}
