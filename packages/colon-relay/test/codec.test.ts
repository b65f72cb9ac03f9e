import { readFileSync } from "node:fs";
import { decodeText, encodeText } from "@wireyard/framing";
import { checkVector, collect, plain } from "@wireyard/framing/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type ClientDatagram,
  type ClientMessage,
  ColonConnection,
  decodeClientDatagram,
  decodeServerDatagram,
  ERRORS,
  encodeClientDatagram,
  encodeClientMessage,
  encodeRelayed,
  encodeServerMessage,
  type ServerMessage,
} from "../src/index.ts";
import { clientVectors, datagramVectors, serverVectors, usernameVectors } from "./vectors.ts";

const server = (): ColonConnection<"server"> => new ColonConnection({ role: "server", maxLineBytes: 64 });
const client = (usernames = false): ColonConnection<"client"> =>
  new ColonConnection({ role: "client", maxLineBytes: 64, usernames });

describe("what a client says", () => {
  test.each(clientVectors)("$source $name", (vector) => checkVector(server, vector));

  test("what is encoded is read back", () => {
    const messages: Exclude<ClientMessage, { type: "invalid" }>[] = [
      { type: "login", username: "ann", password: "p:w" },
      { type: "list", password: "" },
      { type: "join", room: "lobby", password: "" },
      { type: "join", room: "den", password: "pw" },
      { type: "leave" },
      { type: "send", to: "others", ordered: false, body: encodeText("a:b") },
      { type: "send", to: "all", ordered: true, body: encodeText("") },
      { type: "send-group", group: "g", body: encodeText("é") },
      { type: "define-group", group: "g", ids: [1, 2] },
      { type: "define-group", group: "g", ids: [] },
    ];
    expect(collect(server(), messages.map(encodeClientMessage))).toEqual(messages.map(plain));
  });
});

describe("what a server says", () => {
  test.each(serverVectors)("$source $name", (vector) => checkVector(() => client(), vector));
  test.each(usernameVectors)("$source with user names: $name", (vector) =>
    checkVector(() => client(true), vector),
  );

  test.each([false, true])("what is encoded is read back, user names: %s", (usernames) => {
    const messages: ServerMessage[] = [
      { type: "logged-in", id: 65_536 },
      { type: "logged-in", id: 65_536, cookie: "c" },
      { type: "rooms", rooms: [{ name: "a-b", members: 3 }] },
      { type: "joined", id: 1, room: "lobby", ...(usernames && { username: "ann" }) },
      { type: "left", id: 1 },
      { type: "message", from: 2_147_483_647, body: encodeText("hé:y") },
      { type: "master", id: 9 },
      { type: "error", code: "syntax", text: "why" },
    ];
    const encoded = messages.map((message) => encodeServerMessage(message, { usernames }));
    expect(collect(client(usernames), encoded)).toEqual(messages.map(plain));
  });

  test("a relayed message has every digit of its sender's id", () => {
    for (const id of [0, 7, 10, 65_536, 99_999, 100_000, 2_147_483_647]) {
      expect(decodeText(encodeRelayed(id, encodeText("x"), true))).toBe(`3:${id}:x\n`);
      expect(decodeText(encodeRelayed(id, encodeText("x"), false))).toBe(`3:${id}:x`);
    }
  });
});

describe("datagrams", () => {
  test.each(datagramVectors)("[COLON-5.1] [COLON-5.9] $datagram", ({ datagram, means }) => {
    const read = decodeClientDatagram(encodeText(datagram));
    expect(read === undefined ? null : JSON.parse(JSON.stringify(plain(read)))).toEqual(means);
  });

  test("what a client encodes is read back", () => {
    const datagrams: ClientDatagram[] = [
      { type: "bind", id: 70_000, cookie: "" },
      { type: "bind", id: 70_000, cookie: "c-1" },
      { type: "send", id: 70_000, to: "others", body: encodeText("a:b") },
      { type: "send", id: undefined, to: "all", body: encodeText("") },
      { type: "send-group", id: 70_000, group: "g", body: encodeText("é") },
    ];
    for (const datagram of datagrams) {
      expect(decodeClientDatagram(encodeClientDatagram(datagram))).toEqual(datagram);
    }
  });

  test.each([
    ["0:70000:connected", { type: "bound", id: 70_000 }],
    ["3:70000:a:b", { type: "message", from: 70_000, body: encodeText("a:b") }],
    ["3:70000:", { type: "message", from: 70_000, body: encodeText("") }],
    ["0:70000", undefined],
    ["0:70000:", undefined],
    ["1:lobby-1", undefined],
    ["", undefined],
  ])("[COLON-5.1] [COLON-5.2] a server's %j is read", (datagram, means) => {
    expect(decodeServerDatagram(encodeText(datagram))).toEqual(means);
  });
});

describe("any bytes", () => {
  const lines = fc.array(
    fc.oneof(
      fc.uint8Array({ maxLength: 20 }),
      fc
        .constantFrom("0:", "1", "2:", "3:1:", "4:g:", "5:g:", "\n", "\r\n", ":", "GET ", "-1")
        .map(encodeText),
    ),
    { maxLength: 12 },
  );

  test("give messages or a ProtocolError, the same however they are cut", () => {
    fc.assert(
      fc.property(lines, (chunks) => {
        const whole = new Uint8Array(chunks.flatMap((chunk) => [...chunk]));
        for (const make of [server, client])
          expect(collect(make(), chunks)).toEqual(collect(make(), [whole]));
      }),
      { seed: 3, numRuns: 500 },
    );
  });

  test("as a datagram give a message or nothing", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 30 }), (text) => {
        const read = decodeClientDatagram(encodeText(text));
        expect(read === undefined || ["bind", "send", "send-group"].includes(read.type)).toBe(true);
      }),
      { seed: 4, numRuns: 500 },
    );
  });
});

test("the documents list every error, in the words of the code", () => {
  const protocol = readFileSync(new URL("../PROTOCOL.md", import.meta.url), "utf8");
  const rows = [...protocol.matchAll(/^\| `([a-z_]+)` \| (.*) \|$/gm)].map((row) => [row[1], row[2]]);
  expect(rows).toEqual(Object.entries(ERRORS));
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  for (const code of Object.keys(ERRORS)) expect(readme).toContain(`\`${code}\``);
});
