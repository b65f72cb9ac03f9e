import { encodeText } from "@wireyard/framing";
import { toHex, type Vector } from "@wireyard/framing/testing";

const hex = (text: string): string => toHex(encodeText(text));
const send = (to: string, ordered: boolean, body: string): unknown => ({
  type: "send",
  to,
  ordered,
  body: hex(body),
});
const invalid =
  (code: string): ((text: string) => unknown) =>
  (text) => ({ type: "invalid", code, text });

const MESSAGE_FORM = "a message is 3:0:text, 3:1:text, 3:2:text or 3:3:text";

/** What a server reads. */
export const clientVectors: Vector[] = [
  {
    name: "login",
    text: "0:ann:pw\n",
    events: [{ type: "login", username: "ann", password: "pw" }],
    source: "[COLON-2.1]",
  },
  {
    name: "a password may hold colons",
    text: "0:ann:p:w\n",
    events: [{ type: "login", username: "ann", password: "p:w" }],
    source: "[COLON-1.2]",
  },
  {
    name: "an empty password",
    text: "0:ann:\n",
    events: [{ type: "login", username: "ann", password: "" }],
    source: "[COLON-2.1]",
  },
  {
    name: "a login without a password field",
    text: "0:ann\n",
    events: [invalid("syntax")("a login is 0:username:password")],
    source: "[COLON-2.1]",
  },
  {
    name: "list with a password",
    text: "1:pw\n",
    events: [{ type: "list", password: "pw" }],
    source: "[COLON-2.2]",
  },
  {
    name: "list with an empty one",
    text: "1:\n",
    events: [{ type: "list", password: "" }],
    source: "[COLON-2.2]",
  },
  { name: "list without one", text: "1\n", events: [{ type: "list", password: "" }], source: "[COLON-2.2]" },
  {
    name: "join with a password",
    text: "2:lobby:pw\n",
    events: [{ type: "join", room: "lobby", password: "pw" }],
    source: "[COLON-2.3]",
  },
  {
    name: "join without one",
    text: "2:lobby\n",
    events: [{ type: "join", room: "lobby", password: "" }],
    source: "[COLON-2.3]",
  },
  {
    name: "join without a room",
    text: "2\n",
    events: [invalid("syntax")("joining a room is 2:room:password or 2:room, leaving it 2:-1")],
    source: "[COLON-2.3]",
  },
  { name: "leave", text: "2:-1\n", events: [{ type: "leave" }], source: "[COLON-2.4]" },
  {
    name: "a room may start with a dash",
    text: "2:-12\n",
    events: [{ type: "join", room: "-12", password: "" }],
    source: "[COLON-2.4]",
  },
  { name: "to others", text: "3:0:hi\n", events: [send("others", false, "hi")], source: "[COLON-2.5]" },
  { name: "to all", text: "3:1:hi\n", events: [send("all", false, "hi")], source: "[COLON-2.5]" },
  {
    name: "to others, ordered",
    text: "3:2:hi\n",
    events: [send("others", true, "hi")],
    source: "[COLON-2.6]",
  },
  { name: "to all, ordered", text: "3:3:hi\n", events: [send("all", true, "hi")], source: "[COLON-2.6]" },
  {
    name: "a message may hold colons",
    text: "3:1:a:b::c\n",
    events: [send("all", false, "a:b::c")],
    source: "[COLON-1.2]",
  },
  { name: "an empty message", text: "3:1:\n", events: [send("all", false, "")], source: "[COLON-2.9]" },
  {
    name: "a message with a carriage return",
    text: "3:1:hi\r\n",
    events: [send("all", false, "hi")],
    source: "[COLON-1.1]",
  },
  {
    name: "a message beyond ASCII",
    text: "3:1:né 日本 😀\n",
    events: [send("all", false, "né 日本 😀")],
    source: "[COLON-1.4]",
  },
  {
    name: "a message of a byte order mark",
    text: "3:1:\ufeff\n",
    events: [send("all", false, "\ufeff")],
    source: "[COLON-1.4]",
  },
  {
    name: "a kind there is not",
    text: "3:4:hi\n",
    events: [invalid("syntax")(MESSAGE_FORM)],
    source: "[COLON-2.5]",
  },
  {
    name: "a kind with a leading zero",
    text: "3:01:hi\n",
    events: [invalid("syntax")(MESSAGE_FORM)],
    source: "[COLON-2.11]",
  },
  {
    name: "a kind without a message",
    text: "3:1\n",
    events: [invalid("syntax")(MESSAGE_FORM)],
    source: "[COLON-2.5]",
  },
  { name: "only the number", text: "3\n", events: [invalid("syntax")(MESSAGE_FORM)], source: "[COLON-2.5]" },
  {
    name: "to a group",
    text: "4:friends:a:b\n",
    events: [{ type: "send-group", group: "friends", body: hex("a:b") }],
    source: "[COLON-2.7]",
  },
  {
    name: "to a group without a message",
    text: "4:friends\n",
    events: [invalid("syntax")("a message to a group is 4:group:text")],
    source: "[COLON-2.7]",
  },
  {
    name: "a group",
    text: "5:friends:70000:80000\n",
    events: [{ type: "define-group", group: "friends", ids: [70000, 80000] }],
    source: "[COLON-2.8]",
  },
  {
    name: "malformed ids are skipped",
    text: "5:g:1:x::01:+2:1e3: 4:5\n",
    events: [{ type: "define-group", group: "g", ids: [1, 5] }],
    source: "[COLON-2.11]",
  },
  {
    name: "an emptied group",
    text: "5:g:\n",
    events: [{ type: "define-group", group: "g", ids: [] }],
    source: "[COLON-2.8]",
  },
  {
    name: "a group without ids or colon",
    text: "5:g\n",
    events: [invalid("syntax")("a group is 5:group:id:id:…, an empty one 5:group:")],
    source: "[COLON-2.8]",
  },
  {
    name: "an unknown number",
    text: "6:x\n",
    events: [invalid("unknown_command")("commands are 0 to 5")],
    source: "[COLON-3.7]",
  },
  {
    name: "a number with a leading zero",
    text: "03:1:x\n",
    events: [invalid("unknown_command")("commands are 0 to 5")],
    source: "[COLON-2.11]",
  },
  {
    name: "an empty line",
    text: "\n",
    events: [invalid("syntax")("a line starts with the number of its command")],
    source: "[COLON-1.2]",
  },
  {
    name: "two lines and a rest",
    text: "2:a\n2:-1\n3:",
    events: [{ type: "join", room: "a", password: "" }, { type: "leave" }],
    source: "[COLON-1.7]",
  },
  { name: "not UTF-8", hex: "333a313a ff 0a", events: [{ error: "syntax" }], source: "[COLON-1.4]" },
  {
    name: "a surrogate in UTF-8",
    hex: "333a313a eda080 0a",
    events: [{ error: "syntax" }],
    source: "[COLON-1.4]",
  },
  {
    name: "a good line before one that is not UTF-8",
    hex: "310a ff0a",
    events: [{ type: "list", password: "" }, { error: "syntax" }],
    source: "[COLON-1.4]",
  },
  {
    name: "a line over the limit",
    text: `3:1:${"x".repeat(61)}`,
    events: [{ error: "too_long" }],
    source: "[COLON-1.3]",
  },
  { name: "an HTTP request", text: "GET / HTTP/1.1\r\n", events: [{ error: "http" }], source: "[COLON-1.5]" },
  {
    name: "what only starts like one",
    text: "GETTING\n",
    events: [invalid("unknown_command")("commands are 0 to 5")],
    source: "[COLON-1.5]",
  },
];

/** What a client reads from a server without user names. */
export const serverVectors: Vector[] = [
  { name: "logged in", text: "0:70000\n", events: [{ type: "logged-in", id: 70000 }], source: "[COLON-3.1]" },
  {
    name: "logged in with a cookie",
    text: "0:70000:c-1\n",
    events: [{ type: "logged-in", id: 70000, cookie: "c-1" }],
    source: "[COLON-3.1]",
  },
  { name: "no rooms", text: "1:\n", events: [{ type: "rooms", rooms: [] }], source: "[COLON-3.2]" },
  {
    name: "rooms",
    text: "1:a-1,b-c-22\n",
    events: [
      {
        type: "rooms",
        rooms: [
          { name: "a", members: 1 },
          { name: "b-c", members: 22 },
        ],
      },
    ],
    source: "[COLON-3.2]",
  },
  {
    name: "joined",
    text: "2:70000:lobby\n",
    events: [{ type: "joined", id: 70000, room: "lobby" }],
    source: "[COLON-3.3]",
  },
  { name: "left", text: "2:70000:\n", events: [{ type: "left", id: 70000 }], source: "[COLON-3.4]" },
  {
    name: "a message",
    text: "3:70000:a:b\n",
    events: [{ type: "message", from: 70000, body: hex("a:b") }],
    source: "[COLON-3.5]",
  },
  { name: "the master", text: "4:70000\n", events: [{ type: "master", id: 70000 }], source: "[COLON-3.6]" },
  {
    name: "an error",
    text: "9:syntax:a: b\n",
    events: [{ type: "error", code: "syntax", text: "a: b" }],
    source: "[COLON-3.7]",
  },
  {
    name: "a line of a newer server",
    text: "8:x\n",
    events: [{ type: "unknown", line: "8:x" }],
    source: "[COLON-3.7]",
  },
];

/** What a client reads from a server with user names: the original programs' lines. */
export const usernameVectors: Vector[] = [
  {
    name: "logged in",
    text: "0:70000:\n",
    events: [{ type: "logged-in", id: 70000 }],
    source: "[COLON-3.9]",
  },
  {
    name: "logged in with a cookie",
    text: "0:70000::c-1\n",
    events: [{ type: "logged-in", id: 70000, cookie: "c-1" }],
    source: "[COLON-3.9]",
  },
  {
    name: "joined",
    text: "2:70000:lobby:ann\n",
    events: [{ type: "joined", id: 70000, room: "lobby", username: "ann" }],
    source: "[COLON-3.9]",
  },
  { name: "left", text: "2:70000::\n", events: [{ type: "left", id: 70000 }], source: "[COLON-3.9]" },
];

/** Datagrams, and what they mean; `null` for those to be dropped. */
export const datagramVectors: { datagram: string; means: unknown }[] = [
  { datagram: "0:70000", means: { type: "bind", id: 70000, cookie: "" } },
  { datagram: "0:70000:c-1", means: { type: "bind", id: 70000, cookie: "c-1" } },
  { datagram: "70000:0", means: { type: "bind", id: 70000, cookie: "" } },
  { datagram: "70000:0:anything", means: { type: "bind", id: 70000, cookie: "anything" } },
  { datagram: "70000:3:0:hi", means: { type: "send", id: 70000, to: "others", body: hex("hi") } },
  { datagram: "70000:3:1:a:b", means: { type: "send", id: 70000, to: "all", body: hex("a:b") } },
  { datagram: "3:0:hi", means: { type: "send", to: "others", body: hex("hi") } },
  { datagram: "3:1:", means: { type: "send", to: "all", body: "" } },
  { datagram: "3:1:hi\n", means: { type: "send", to: "all", body: hex("hi") } },
  { datagram: "3:1:hi\r\n", means: { type: "send", to: "all", body: hex("hi") } },
  { datagram: "3:1:hi\r", means: { type: "send", to: "all", body: hex("hi\r") } },
  { datagram: "3:1:a\nb\n\n", means: { type: "send", to: "all", body: hex("a\nb\n") } },
  { datagram: "0:70000\r\n", means: { type: "bind", id: 70000, cookie: "" } },
  { datagram: "70000:4:g:hi", means: { type: "send-group", id: 70000, group: "g", body: hex("hi") } },
  { datagram: "4:g:hi", means: { type: "send-group", group: "g", body: hex("hi") } },
  ...[
    "",
    ":",
    "x",
    "0",
    "0:",
    "0:x",
    "3:2:hi",
    "3:",
    "70000:3:2:hi",
    "70000:1",
    "70000:2:room",
    "70000:",
    "70000",
    "1:",
    "4:g",
    "99999999999999999999:0",
    "-5:9:x",
    "é:0",
    "0:70000\n0:70001",
  ].map((datagram) => ({ datagram, means: null })),
];
