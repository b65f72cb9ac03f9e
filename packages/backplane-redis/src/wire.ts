import type { Member, RoomPost, UserPost } from "@wireyard/session";

/** Somebody in a room, at its place in the join order. */
export interface OrderedMember extends Member {
  readonly order: number;
}

/** What a room's channel carries: the engine numbers it, anew for each making of a room of that name. */
export type RoomEvent = { readonly made: number; readonly seq: number } & (
  | { readonly type: "joined"; readonly member: OrderedMember }
  | { readonly type: "left"; readonly id: number }
  | { readonly type: "post"; readonly post: NodePost }
);

/** A post and the number of the node that sent it. */
export interface NodePost {
  readonly node: number;
  /** Whether that node is to hear it too. */
  readonly echo: boolean;
  readonly post: RoomPost;
}

const JOINED = 0x4a;
const LEFT = 0x4c;
const POST = 0x50;
const TO_SENDER = 1;
const DATAGRAM = 2;
const ECHO = 4;
/** Kind, flags, node, id, length of the name. */
const POST_HEADER = 10;

/** Reads `made:seq event`, as the scripts write it. */
export function decodeRoomEvent(bytes: Buffer): RoomEvent {
  const colon = bytes.indexOf(0x3a);
  const space = bytes.indexOf(0x20, colon);
  const made = decimal(bytes, 0, colon);
  const seq = decimal(bytes, colon + 1, space);
  const at = space + 1;
  switch (bytes[at]) {
    case JOINED: {
      const [id, order] = bytes.toString("latin1", at + 1).split(" ", 2) as [string, string];
      const name = bytes.toString("utf8", at + 1 + id.length + 1 + order.length + 1);
      return { made, seq, type: "joined", member: { id: Number(id), name, order: Number(order) } };
    }
    case LEFT:
      return { made, seq, type: "left", id: decimal(bytes, at + 1, bytes.length) };
    case POST:
      return { made, seq, type: "post", post: decodePost(bytes, at) };
    default:
      throw new Error(`a room's channel carried an event of the unknown kind ${bytes[at]}`);
  }
}

export function encodePost({ node, echo, post }: NodePost): Buffer {
  const { from, body } = post;
  const nameLength = Buffer.byteLength(from.name);
  const bytes = Buffer.allocUnsafe(POST_HEADER + nameLength + body.length);
  bytes[0] = POST;
  bytes[1] =
    (post.toSender ? TO_SENDER : 0) | (post.channel === "datagram" ? DATAGRAM : 0) | (echo ? ECHO : 0);
  bytes.writeUInt16BE(node, 2);
  bytes.writeUInt32BE(from.id, 4);
  bytes.writeUInt16BE(nameLength, 8);
  bytes.write(from.name, POST_HEADER);
  bytes.set(body, POST_HEADER + nameLength);
  return bytes;
}

function decodePost(bytes: Buffer, at: number): NodePost {
  const flags = bytes[at + 1] as number;
  const name = at + POST_HEADER;
  const body = name + bytes.readUInt16BE(at + 8);
  return {
    node: bytes.readUInt16BE(at + 2),
    echo: (flags & ECHO) !== 0,
    post: {
      from: { id: bytes.readUInt32BE(at + 4), name: bytes.toString("utf8", name, body) },
      toSender: (flags & TO_SENDER) !== 0,
      channel: (flags & DATAGRAM) !== 0 ? "datagram" : "stream",
      body: bytes.subarray(body),
    },
  };
}

/** A post to members of one node: how many, their ids, the post. */
export function encodeMemberPost(to: readonly number[], post: NodePost): Buffer {
  const head = Buffer.allocUnsafe(4 + 4 * to.length);
  head.writeUInt32BE(to.length, 0);
  for (const [i, id] of to.entries()) head.writeUInt32BE(id, 4 + 4 * i);
  return Buffer.concat([head, encodePost(post)]);
}

export function decodeMemberPost(bytes: Buffer): { to: number[]; from: NodePost } {
  const to = Array.from({ length: bytes.readUInt32BE(0) }, (_, i) => bytes.readUInt32BE(4 + 4 * i));
  return { to, from: decodePost(bytes, 4 + 4 * to.length) };
}

/** A post to a user: the sender's node, then the sender and each field, with their lengths. */
export function encodeUserPost(node: number, { from, fields }: UserPost): Buffer {
  const parts = [Buffer.from(from), ...fields];
  const bytes = Buffer.allocUnsafe(2 + parts.reduce((sum, part) => sum + 4 + part.length, 0));
  bytes.writeUInt16BE(node, 0);
  let at = 2;
  for (const part of parts) {
    bytes.writeUInt32BE(part.length, at);
    bytes.set(part, at + 4);
    at += 4 + part.length;
  }
  return bytes;
}

export function decodeUserPost(bytes: Buffer): { node: number; post: UserPost } {
  const parts: Buffer[] = [];
  for (let at = 2; at < bytes.length; ) {
    const end = at + 4 + bytes.readUInt32BE(at);
    parts.push(bytes.subarray(at + 4, end));
    at = end;
  }
  const [from = Buffer.alloc(0), ...fields] = parts;
  return { node: bytes.readUInt16BE(0), post: { from: from.toString("utf8"), fields } };
}

/** Members as the scripts list them: id, order, name, ... */
export function membersOf(reply: readonly unknown[], from: number): OrderedMember[] {
  const members: OrderedMember[] = [];
  for (let i = from; i + 2 < reply.length; i += 3) {
    members.push({ id: Number(reply[i]), order: Number(reply[i + 1]), name: String(reply[i + 2]) });
  }
  return members;
}

function decimal(bytes: Buffer, from: number, to: number): number {
  let value = 0;
  for (let i = from; i < to; i++) value = value * 10 + ((bytes[i] as number) - 0x30);
  return value;
}
