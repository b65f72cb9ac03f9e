import { allocateBytes, decodeText, encodeText, ProtocolError, parseInteger } from "@wireyard/framing";
import type { ClientDatagram, ClientMessage, RoomCount, ServerDatagram, ServerMessage } from "./messages.ts";

const COLON = 0x3a;
const DIGIT_0 = 0x30;
const DIGIT_3 = 0x33;
const LF = 0x0a;
const CR = 0x0d;

/** Form of the lines that tell ids: with user names, as the original programs speak, or without, as described. */
export interface Dialect {
  readonly usernames: boolean;
}

/**
 * Reads a client's line, which must be UTF-8. What breaks a command, not the wire, comes as `invalid`.
 *
 * The `body` of a message is a view of `line`.
 * @see PROTOCOL.md [COLON-2.1] to [COLON-2.9]
 */
export function decodeClientMessage(line: Uint8Array): ClientMessage {
  // What is sent most is read first, and without a string.
  if (line.length >= 2 && line[1] === COLON) {
    if (line[0] === DIGIT_3) return decodeSend(line, 2);
    if (line[0] === DIGIT_0 + 4) return decodeSendGroup(line, 2);
  }
  const [command = "", ...fields] = text(line).split(":");
  switch (command) {
    case "0":
      if (fields.length < 2) return syntax("a login is 0:username:password");
      return { type: "login", username: fields[0] as string, password: rest(fields) };
    case "1":
      return { type: "list", password: fields.join(":") };
    case "2":
      if (fields.length === 0) return syntax("joining a room is 2:room:password or 2:room, leaving it 2:-1");
      if (fields[0] === "-1") return { type: "leave" };
      return { type: "join", room: fields[0] as string, password: rest(fields) };
    case "3":
      return syntax("a message is 3:0:text, 3:1:text, 3:2:text or 3:3:text");
    case "4":
      return syntax("a message to a group is 4:group:text");
    case "5": {
      if (fields.length < 2) return syntax("a group is 5:group:id:id:…, an empty one 5:group:");
      const [group = "", ...ids] = fields;
      return { type: "define-group", group, ids: ids.map(parseInteger).filter((id) => id !== undefined) };
    }
    default:
      if (command === "") return syntax("a line starts with the number of its command");
      return { type: "invalid", code: "unknown_command", text: "commands are 0 to 5" };
  }
}

/** Reads `<kind>:<message>` at `offset` of a line. */
function decodeSend(line: Uint8Array, offset: number): ClientMessage {
  const kind = (line[offset] ?? 0) - DIGIT_0;
  if (line[offset + 1] !== COLON || kind < 0 || kind > 3) {
    return syntax("a message is 3:0:text, 3:1:text, 3:2:text or 3:3:text");
  }
  return {
    type: "send",
    to: (kind & 1) === 0 ? "others" : "all",
    ordered: kind > 1,
    body: view(line, offset + 2, line.length),
  };
}

/** Reads `<group>:<message>` at `offset` of a line. */
function decodeSendGroup(line: Uint8Array, offset: number): ClientMessage {
  const colon = line.indexOf(COLON, offset);
  if (colon < 0) return syntax("a message to a group is 4:group:text");
  return {
    type: "send-group",
    group: text(view(line, offset, colon)),
    body: view(line, colon + 1, line.length),
  };
}

/**
 * Reads a client's datagram, which must be UTF-8; `undefined` where it is none of the known forms. A line end
 * behind it is dropped.
 * @see PROTOCOL.md [COLON-5.1] to [COLON-5.6] [COLON-5.9]
 */
export function decodeClientDatagram(bytes: Uint8Array): ClientDatagram | undefined {
  let end = bytes.length;
  if (bytes[end - 1] === LF) {
    end--;
    if (bytes[end - 1] === CR) end--;
  }
  const line = view(bytes, 0, end);
  const colon = line.indexOf(COLON);
  if (colon < 0) return undefined;
  const first = parseInteger(text(view(line, 0, Math.min(colon, 16))));
  if (first === undefined || colon > 16) return undefined;
  if (first === 0) {
    const [id = "", ...cookie] = text(view(line, 2, line.length)).split(":");
    const bound = parseInteger(id);
    return bound === undefined ? undefined : { type: "bind", id: bound, cookie: cookie.join(":") };
  }
  if (first === 3 || first === 4) return datagramMessage(line, undefined, first, 2);
  const kind = (line[colon + 1] ?? 0) - DIGIT_0;
  const ended = colon + 2 === line.length;
  if (!ended && line[colon + 2] !== COLON) return undefined;
  if (kind === 0)
    return { type: "bind", id: first, cookie: ended ? "" : text(view(line, colon + 3, line.length)) };
  return datagramMessage(line, first, kind, colon + 3);
}

function datagramMessage(
  line: Uint8Array,
  id: number | undefined,
  kind: number,
  offset: number,
): ClientDatagram | undefined {
  const message =
    kind === 3 ? decodeSend(line, offset) : kind === 4 ? decodeSendGroup(line, offset) : undefined;
  if (message?.type === "send") {
    // There is no order to keep among datagrams: 3:2 and 3:3 do not exist there.
    return message.ordered ? undefined : { type: "send", id, to: message.to, body: message.body };
  }
  if (message?.type === "send-group")
    return { type: "send-group", id, group: message.group, body: message.body };
  return undefined;
}

/** Encodes `3:<id>:<body>`, with a line end for a stream, without one for a datagram. */
export function encodeRelayed(from: number, body: Uint8Array, lineEnd: boolean): Uint8Array {
  const digits = countDigits(from);
  const bytes = allocateBytes(digits + body.length + (lineEnd ? 4 : 3));
  bytes[0] = DIGIT_3;
  bytes[1] = COLON;
  let rest = from;
  for (let at = 1 + digits; at > 1; at--) {
    const next = Math.floor(rest / 10);
    bytes[at] = DIGIT_0 + rest - next * 10;
    rest = next;
  }
  bytes[2 + digits] = COLON;
  bytes.set(body, 3 + digits);
  if (lineEnd) bytes[bytes.length - 1] = LF;
  return bytes;
}

/** Encodes a server's line, its end included. @see PROTOCOL.md [COLON-3.1] to [COLON-3.7] */
export function encodeServerMessage(message: ServerMessage, dialect: Dialect): Uint8Array {
  if (message.type === "message") return encodeRelayed(message.from, message.body, true);
  return encodeText(`${serverLine(message, dialect)}\n`);
}

function serverLine(message: Exclude<ServerMessage, { type: "message" }>, { usernames }: Dialect): string {
  switch (message.type) {
    case "logged-in": {
      const cookie = message.cookie === undefined ? "" : `:${message.cookie}`;
      return `0:${message.id}${usernames ? ":" : ""}${cookie}`;
    }
    case "rooms":
      return `1:${message.rooms.map((room) => `${room.name}-${room.members}`).join(",")}`;
    case "joined":
      return `2:${message.id}:${message.room}${usernames ? `:${message.username ?? ""}` : ""}`;
    case "left":
      return `2:${message.id}:${usernames ? ":" : ""}`;
    case "master":
      return `4:${message.id}`;
    case "error":
      return `9:${message.code}:${message.text}`;
    case "unknown":
      return message.line;
  }
}

/** As `decodeServerMessage`, of any bytes. @throws {ProtocolError} `syntax` where they are not UTF-8 */
export function readServerLine(line: Uint8Array, dialect: Dialect): ServerMessage {
  const whole = decodeText(line);
  if (whole === undefined) throw new ProtocolError("syntax", "a line is not UTF-8");
  return readServerText(line, whole, dialect);
}

/**
 * Reads a server's line, which must be UTF-8. The `body` of a message is a view of `line`.
 * @see PROTOCOL.md [COLON-3.1] to [COLON-3.7]
 */
export function decodeServerMessage(line: Uint8Array, dialect: Dialect): ServerMessage {
  return readServerText(line, text(line), dialect);
}

function readServerText(line: Uint8Array, whole: string, { usernames }: Dialect): ServerMessage {
  const unknown: ServerMessage = { type: "unknown", line: whole };
  const [command, first = "", ...fields] = whole.split(":");
  if (command === "1") return { type: "rooms", rooms: readRooms([first, ...fields].join(":")) };
  if (command === "9") return { type: "error", code: first, text: fields.join(":") };
  const id = parseInteger(first);
  if (id === undefined) return unknown;
  switch (command) {
    case "0": {
      const cookie = usernames ? fields[1] : fields[0];
      return cookie === undefined || cookie === ""
        ? { type: "logged-in", id }
        : { type: "logged-in", id, cookie };
    }
    case "2":
      if (fields.length === 0) return unknown;
      if (fields[0] === "") return { type: "left", id };
      return usernames
        ? { type: "joined", id, room: fields[0] as string, username: fields.slice(1).join(":") }
        : { type: "joined", id, room: fields.join(":") };
    case "3":
      if (fields.length === 0) return unknown;
      return { type: "message", from: id, body: view(line, 3 + first.length, line.length) };
    case "4":
      return { type: "master", id };
    default:
      return unknown;
  }
}

/**
 * Reads a server's datagram, which must be UTF-8; `undefined` where it is none of the known forms. The `body` of a
 * message is a view of `bytes`.
 * @see PROTOCOL.md [COLON-5.1] [COLON-5.2]
 */
export function decodeServerDatagram(bytes: Uint8Array): ServerDatagram | undefined {
  const message = decodeServerMessage(bytes, { usernames: false });
  if (message.type === "message") return message;
  // What a line has for a cookie is the word for success here.
  if (message.type !== "logged-in" || message.cookie !== "connected") return undefined;
  return { type: "bound", id: message.id };
}

/** A room's name may hold `-`: the count stands behind the last one. */
function readRooms(list: string): RoomCount[] {
  if (list === "") return [];
  return list.split(",").flatMap((entry) => {
    const dash = entry.lastIndexOf("-");
    const members = parseInteger(entry.slice(dash + 1));
    return dash < 0 || members === undefined ? [] : [{ name: entry.slice(0, dash), members }];
  });
}

/** Encodes a client's line, its end included. `invalid` cannot be sent. */
export function encodeClientMessage(message: Exclude<ClientMessage, { type: "invalid" }>): Uint8Array {
  switch (message.type) {
    case "login":
      return encodeText(`0:${message.username}:${message.password}\n`);
    case "list":
      return encodeText(`1:${message.password}\n`);
    case "join":
      return encodeText(
        message.password === "" ? `2:${message.room}\n` : `2:${message.room}:${message.password}\n`,
      );
    case "leave":
      return encodeText("2:-1\n");
    case "send":
      return withBody(`3:${(message.to === "all" ? 1 : 0) + (message.ordered ? 2 : 0)}:`, message.body, "\n");
    case "send-group":
      return withBody(`4:${message.group}:`, message.body, "\n");
    case "define-group":
      return encodeText(
        `5:${[message.group, ...(message.ids.length === 0 ? [""] : message.ids)].join(":")}\n`,
      );
  }
}

/** Encodes a client's datagram. @see PROTOCOL.md [COLON-5.1] to [COLON-5.5] */
export function encodeClientDatagram(message: ClientDatagram): Uint8Array {
  if (message.type === "bind") {
    return encodeText(message.cookie === "" ? `0:${message.id}` : `0:${message.id}:${message.cookie}`);
  }
  const id = message.id === undefined ? "" : `${message.id}:`;
  const kind = message.type === "send" ? `3:${message.to === "all" ? 1 : 0}:` : `4:${message.group}:`;
  return withBody(id + kind, message.body, "");
}

function withBody(head: string, body: Uint8Array, end: "" | "\n"): Uint8Array {
  const start = encodeText(head);
  const line = new Uint8Array(start.length + body.length + end.length);
  line.set(start);
  line.set(body, start.length);
  if (end !== "") line[line.length - 1] = LF;
  return line;
}

function rest(fields: readonly string[]): string {
  return fields.slice(1).join(":");
}

function syntax(text: string): ClientMessage {
  return { type: "invalid", code: "syntax", text };
}

function view(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start);
}

/** Decodes bytes that are known to be UTF-8. */
function text(bytes: Uint8Array): string {
  return decodeText(bytes) as string;
}

function countDigits(value: number): number {
  let digits = 1;
  for (let bound = 10; value >= bound; bound *= 10) digits++;
  return digits;
}
