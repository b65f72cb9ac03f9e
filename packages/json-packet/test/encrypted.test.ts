import { inspect } from "node:util";
import { encodeText } from "@wireyard/framing";
import { memoryLinks } from "@wireyard/transport";
import { beforeAll, describe, expect, test } from "vitest";
import { JsonPacketClient } from "../src/client.ts";
import { createEncryptKeys, type EncryptKeys, ERRORS } from "../src/index.ts";
import type { ActionHandler, Connection, JsonPacketOptions } from "../src/server.ts";
import { client, exchanged, shaking } from "./encrypted-people.ts";
import {
  ann,
  greeting,
  type Heard,
  heard,
  type Person,
  settle,
  shaken,
  withAnn,
  type Yard,
  yard,
} from "./people.ts";

let keys: EncryptKeys;
let serverKeys: EncryptKeys;

beforeAll(async () => {
  [keys, serverKeys] = await Promise.all([createEncryptKeys(), createEncryptKeys()]);
});

const echo: ActionHandler<Connection> = (_data, _connection, packet) => packet;
const place = (options: JsonPacketOptions = {}, hub: object = {}): Yard =>
  yard({ encryptKeys: serverKeys, actions: { echo, never: () => new Promise(() => {}) }, ...options }, hub);
const offering = (): string => `{"action":"handShake","data":{"publicKey":"${keys.publicKey}"}}`;

describe("a server that encrypts", () => {
  test("[JSON-8.2] [JSON-8.6] tells no token in the clear, and registers with the first encrypted handshake", async () => {
    const here = place();
    const one = await exchanged(here, keys);
    expect(here.server.clients.size).toBe(0);
    await one.say('{"action":"handShake"}');
    const [[action, data]] = (await one.hear(1)) as [[string, { uuid: string }]];
    expect([action, data]).toEqual(["handShake", greeting]);
    expect([...here.server.clients.keys()]).toEqual([data.uuid]);
    expect([...here.server.clients.values()].map(({ encrypted }) => encrypted)).toEqual([true]);
  });

  test("[JSON-8.7] reads and says everything encrypted: answers, errors, broadcasts, events, its farewell", async () => {
    const here = place();
    const [one, bob] = [await shaking(here, keys), await here.person()];
    await one.say(
      one.packet("echo", "[1.0]"),
      one.packet("PING", "2"),
      one.packet("dance"),
      '{"action":"PING"}',
    );
    expect(await one.hear(4)).toEqual([
      ["echo", [1]],
      ["PONG", 2],
      ["error", "unknown_action"],
      ["error", "missing_field"],
    ]);
    const [peer] = here.server.clients.values();
    here.server.broadcast(here.server.createPacket("news", 3));
    expect(await one.hear(1)).toEqual([["news", 3]]);
    expect(await heard(bob)).toEqual([["news", 3]]);
    peer?.close("over");
    expect(await one.hear(1)).toEqual([["disconnect", "over"]]);
  });

  test("[JSON-1.2] answers in order, the first packet and what waits behind it in one segment", async () => {
    const slow: ActionHandler<Connection> = async (data) => {
      await settle();
      return data;
    };
    const here = place({ actions: { slow, echo } });
    const one = await exchanged(here, keys);
    const lines = [await one.line('{"action":"handShake"}'), await one.line('{"action":"handShake"}')];
    one.person.say(lines.join(""));
    const [[, data]] = (await one.hear(1)) as [[string, { uuid: string }]];
    one.person.token = data.uuid;
    const more: string[] = [];
    for (const action of ["slow", "echo", "slow", "PING"]) more.push(await one.line(one.packet(action, "0")));
    one.person.say(more.join(""));
    expect(await one.hear(4)).toEqual([
      ["slow", 0],
      ["echo", 0],
      ["slow", 0],
      ["PONG", 0],
    ]);
  });

  test("[JSON-8.6] logs in with the encrypted handshake, or refuses it", async () => {
    const here = place({}, await withAnn());
    const one = await exchanged(here, keys);
    await one.say('{"action":"handShake","data":{"username":"ann","password":"wrong"}}');
    expect(await one.hear(1)).toEqual([["error", "wrong_user_or_password"]]);
    await one.say(`{"action":"handShake","data":${JSON.stringify(ann)}}`);
    expect(await one.hear(1)).toEqual([shaken]);
    expect([...here.server.clients.values()].map(({ session }) => session.user)).toEqual(["ann"]);
  });

  test("[JSON-8.2] does so for a client that was greeted unasked, too", async () => {
    const here = place();
    const slow = here.connect();
    here.pass(550);
    await slow.until(1);
    expect(slow.take()).toEqual([shaken]);
    slow.say(offering());
    await slow.until(1);
    expect(slow.take()).toMatchObject([["handShake", { status: "continue" }]]);
  });

  test("[JSON-8.1] looks at no credentials beside a public key", async () => {
    const here = place({}, await withAnn());
    for (const password of ["wrong", ann.password]) {
      const one = here.connect();
      const data = { publicKey: keys.publicKey, username: ann.username, password };
      one.say(JSON.stringify({ action: "handShake", data }));
      await one.until(1);
      expect(one.take()).toMatchObject([["handShake", { status: "continue" }]]);
    }
    expect([...here.hub.sessions()].map(({ user }) => user)).toEqual([undefined, undefined]);
  });

  test("[JSON-2.4] asks for the token in an encrypted packet as in any other", async () => {
    const here = place();
    const one = await shaking(here, keys);
    await one.say(one.packet("echo").replace(one.person.token, "x"));
    expect(await one.hear(1)).toEqual([["error", "bad_token"]]);
  });
});

describe("[JSON-8.9] bad_encryption, in the same bytes, and the end for", () => {
  const BAD = { code: "bad_encryption", message: ERRORS.bad_encryption };
  /** What comes back in the clear, without what differs each time. */
  const answer = async (person: Person): Promise<unknown> => {
    await expect.poll(() => person.closed).toBe(true);
    return person.packets().map(({ action, data }: Heard) => [action, data]);
  };

  test.each(["key", "payload", "n"])("a first packet whose %s is another", async (part) => {
    const here = place();
    for (const at of [0, 1, 100]) {
      const one = await exchanged(here, keys);
      const line = await one.line('{"action":"handShake"}');
      const data = (JSON.parse(line) as { data: Record<string, string | number> }).data;
      const text = String(data[part]);
      const changed = text[at % text.length] === "B" ? "C" : "B";
      data[part] =
        part === "n"
          ? at + 1
          : text.slice(0, at % text.length) + changed + text.slice((at % text.length) + 1);
      one.person.say(JSON.stringify({ action: "encrypted", data }));
      expect(await answer(one.person)).toEqual([["error", BAD]]);
    }
    expect(here.hub.sessionCount).toBe(0);
  });

  test("a packet recorded on another connection with the same keys", async () => {
    const here = place();
    const [one, two] = [await exchanged(here, keys), await exchanged(here, keys)];
    two.person.say(await one.line(`{"action":"handShake","data":${JSON.stringify(ann)}}`));
    expect(await answer(two.person)).toEqual([["error", BAD]]);
  });

  test("[JSON-8.1] an encrypted packet before keys were exchanged, and a second exchange", async () => {
    const here = place();
    const early = here.connect();
    early.say('{"action":"encrypted","data":{"n":0,"key":"","payload":""}}');
    expect(await answer(early)).toEqual([["error", BAD]]);
    const one = await exchanged(here, keys);
    one.person.say(offering());
    expect(await answer(one.person)).toEqual([["error", BAD]]);
  });

  test("a public key that is none", async () => {
    const here = place();
    for (const key of ['"abc"', "null", "5", `"${"A".repeat(7_000)}"`]) {
      const person = here.connect();
      person.say(`{"action":"handShake","data":{"publicKey":${key}}}`);
      expect(await answer(person)).toEqual([["error", BAD]]);
    }
  });

  test.each([
    ["a replayed packet", (_line: string, before: string) => before],
    ["one out of its order", (_line: string, _before: string, after: string) => after],
    ["one whose last character is another", (line: string) => line.replace(/.("\}\})/, "-$1")],
    ["a plain packet", () => '{"action":"PING","data":1,"packet-created":1.5,"token":"TOKEN"}'],
    ["a plain handshake", () => '{"action":"handShake"}'],
    ["a plain error", () => '{"action":"error"}'],
    ["what is no JSON", () => "{,}"],
    ["what is nested too deep", () => `{"action":${"[".repeat(40)}`],
    ["what is too long", () => `{"action":"${"x".repeat(70_000)}`],
  ])("%s, behind which nothing is done", async (_name, tamper) => {
    const calls: unknown[] = [];
    const here = place({ actions: { note: (data) => void calls.push(data) } });
    const [one, bob] = [await shaking(here, keys), await here.person()];
    const lines: string[] = [];
    for (const data of ["1", "2", "3"]) lines.push(await one.line(one.packet("note", data)));
    const [before = "", line = "", after = ""] = lines;
    one.person.say(before + tamper(line, before, after).replace("TOKEN", one.person.token) + line);
    await expect.poll(() => one.person.closed).toBe(true);
    expect([await one.hear(1), calls, one.person.lines]).toEqual([[["error", "bad_encryption"]], [1], []]);
    bob.send("PING", "1");
    expect(await heard(bob)).toEqual([["PONG", 1]]);
  });

  test("an encrypted packet within another", async () => {
    const here = place();
    const one = await shaking(here, keys);
    await one.say('{"action":"encrypted","data":{"n":2,"payload":""}}');
    expect(await one.hear(1)).toEqual([["error", "bad_encryption"]]);
  });
});

describe("the encryption of a server", () => {
  test("[JSON-8.11] where it is off ignores a public key, and knows no encrypted packets", async () => {
    const here = place({ encryption: "off" });
    const bob = here.connect();
    bob.say(offering());
    await bob.until(1);
    const [answer] = bob.packets() as [Heard];
    expect(answer.data).toEqual(greeting);
    bob.token = (answer.data as { uuid: string }).uuid;
    bob.send("encrypted", '{"n":0,"payload":""}');
    expect(await heard(bob)).toEqual([["error", "unknown_action"]]);
  });

  test("[JSON-8.12] where it is required refuses every packet but a handshake with a public key", async () => {
    const here = place({ encryption: "required" });
    for (const text of [
      '{"action":"handShake"}',
      `{"action":"handShake","data":${JSON.stringify(ann)}}`,
      '{"action":"PING","data":1,"packet-created":1.5,"token":null}',
      '{"action":"error"}',
    ]) {
      const person = here.connect();
      person.say(text);
      expect(await heard(person)).toEqual([["error", "bad_encryption"]]);
      expect(person.closed).toBe(true);
    }
    const silent = here.connect();
    here.pass(1_000);
    expect(await heard(silent)).toEqual([]);
    const one = await shaking(here, keys);
    await one.say(one.packet("PING", "1"));
    expect(await one.hear(1)).toEqual([["PONG", 1]]);
  });

  test("has keys that are made once, when they are first needed, or given", async () => {
    const { server } = yard();
    expect(await server.encryptKeys()).toBe(await server.encryptKeys());
    expect((await place().server.encryptKeys()).fingerprint).toBe(serverKeys.fingerprint);
  });
});

describe("a client that encrypts", () => {
  const options = (): { encryptKeys: EncryptKeys; encryption: "required" } => ({
    encryptKeys: keys,
    encryption: "required",
  });

  test("shakes hands, logs in and asks, and nothing of it can be read on the wire", async () => {
    const here = place({}, await withAnn());
    const { client: own, wire } = client(here, options());
    await own.handShake(ann);
    expect([own.encrypted, await own.request("echo", "a secret text")]).toEqual([true, "a secret text"]);
    expect(await own.ping()).toBeGreaterThan(0);
    expect([...here.server.clients.values()].map(({ session }) => session.user)).toEqual(["ann"]);
    own.close("a secret farewell");
    await expect.poll(() => here.server.clients.size).toBe(0);
    expect(wire()).toContain('"action":"encrypted"');
    for (const text of [own.token, "secret", "ann", "echo", "PING", "disconnect"]) {
      expect(wire()).not.toContain(text);
    }
    expect(inspect(own, { depth: 9 })).not.toContain(own.token);
  });

  test("[JSON-8.7] has what it sends in one go arrive in its order, and its farewell behind it", async () => {
    const seen: unknown[] = [];
    const here = place({ actions: { note: (data) => void seen.push((data as string).length) } });
    const { client: own } = client(here, options());
    await own.handShake();
    const sizes = Array.from({ length: 200 }, (_, i) => (i % 7) * 1_000 + i);
    for (const size of sizes) own.send("note", "x".repeat(size));
    own.close();
    await expect.poll(() => seen.length).toBe(sizes.length);
    expect(seen).toEqual(sizes);
  });

  test("is stopped where it sends faster than it encrypts", async () => {
    const here = place();
    const { client: own } = client(here, options());
    await own.handShake();
    const waits = own.request("never");
    for (let i = 0; i < 100; i++) own.send("note", "x".repeat(48_000));
    await expect(waits).rejects.toThrow(
      "packets were sent faster than they could be encrypted: 4194304 bytes wait",
    );
  });

  test("[JSON-8.5] takes the pinned key, and no other", async () => {
    const here = place();
    const pinned = client(here, { encryptKeys: keys, pin: serverKeys.fingerprint });
    await pinned.client.handShake();
    expect(pinned.client.encrypted).toBe(true);
    const wrong = client(here, { encryptKeys: keys, pin: keys.fingerprint });
    await expect(wrong.client.handShake()).rejects.toMatchObject({
      code: "bad_encryption",
      message: `the server's key has the fingerprint ${serverKeys.fingerprint}, not the pinned one`,
    });
  });

  test("leaves a server that does not encrypt, or goes on in the clear, as it was told", async () => {
    const here = place({ encryption: "off" }, await withAnn());
    await expect(client(here, options()).client.handShake(ann)).rejects.toMatchObject({
      code: "bad_encryption",
    });
    const { client: own, wire } = client(here, { encryptKeys: keys, encryption: "optional" });
    await own.handShake(ann);
    expect([own.encrypted, await own.request("echo", 1)]).toEqual([false, 1]);
    expect(wire()).toContain("secret");
    const encrypting = client(place(), { encryptKeys: keys, encryption: "optional" });
    await encrypting.client.handShake();
    expect(encrypting.client.encrypted).toBe(true);
  });

  test("[JSON-8.2] encrypts with a server that spoke first", async () => {
    const here = place();
    const [serving, there] = memoryLinks();
    here.server.accept(serving);
    here.pass(550);
    const own = new JsonPacketClient(there, { timeoutMs: 5_000, ...options() });
    await own.handShake();
    expect([own.encrypted, await own.request("echo", 1)]).toEqual([true, 1]);
    expect([...here.server.clients.keys()]).toEqual([own.token]);
  });

  test.each([
    ["a plain packet", '{"action":"news","data":1}'],
    ["an encrypted packet that does not open", '{"action":"encrypted","data":{"n":0,"payload":"AAAA"}}'],
    ["a plain handshake with another token", '{"action":"handShake","data":{"uuid":"x"}}'],
    ["a plain error", '{"action":"error","data":{"code":"unhandled","message":"no"}}'],
  ])("ends with %s from whoever sits between", async (_name, text) => {
    const here = place();
    const [serving, server] = memoryLinks();
    const [toClient, own] = memoryLinks();
    here.server.accept(serving);
    for (const [from, to] of [
      [server, toClient],
      [toClient, server],
    ] as const) {
      from.open({ data: (chunk) => to.write(chunk.slice()), ended() {}, drained() {}, closed() {} });
    }
    const mine = new JsonPacketClient(own, { timeoutMs: 5_000, ...options() });
    await mine.handShake();
    const waits = mine.request("never");
    toClient.write(encodeText(text));
    await expect(waits).rejects.toMatchObject({ code: "bad_encryption" });
  });
});
