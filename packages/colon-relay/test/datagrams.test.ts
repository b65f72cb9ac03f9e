import { encodeText } from "@wireyard/framing";
import { describe, expect, test } from "vitest";
import type { ColonRelayOptions } from "../src/server.ts";
import { type Person, settle, type Yard, yard } from "./people.ts";

interface Air {
  sent: string[];
  /** A datagram from `port` of an address. */
  say(port: number, text: string | Uint8Array, address?: string): void;
}

/** A yard with a socket made of arrays. */
function airYard(options: ColonRelayOptions = {}): Yard & Air {
  const made = yard(options);
  const sent: string[] = [];
  made.relay.datagrams.bound({
    port: 1,
    send: (bytes, address, port) => sent.push(`${address}:${port} ${new TextDecoder().decode(bytes)}`),
    close() {},
  });
  return {
    ...made,
    sent,
    say: (port, text, address = "192.0.2.1") =>
      made.relay.datagrams.datagram(typeof text === "string" ? encodeText(text) : text, address, port),
  };
}

async function roomOf<const Names extends readonly string[]>(
  air: Yard,
  ...names: Names
): Promise<{ [K in keyof Names]: Person }> {
  const people: Person[] = [];
  for (const name of names) {
    const person = await air.person(name);
    person.say("2:lobby\n");
    await settle();
    people.push(person);
  }
  for (const person of people) person.take();
  return people as { [K in keyof Names]: Person };
}

describe("binding", () => {
  test("[COLON-5.1] each form is answered, repeats too", async () => {
    const air = airYard();
    const [ann] = await roomOf(air, "ann");
    for (const text of [`0:${ann.id}`, `${ann.id}:0`, `${ann.id}:0:anything`]) air.say(7, text);
    expect(air.sent).toEqual(Array(3).fill(`192.0.2.1:7 0:${ann.id}:connected`));
  });

  test("[COLON-5.4] [COLON-5.7] fails without a byte from another IP, to no session, and before login", async () => {
    const air = airYard();
    const [ann] = await roomOf(air, "ann");
    air.connect();
    const [, nobody] = [...air.hub.sessions()];
    air.say(7, `0:${ann.id}`, "192.0.2.9");
    air.say(7, "0:70000");
    air.say(7, `0:${nobody?.id}`);
    expect(air.sent).toEqual([]);
  });

  test("[COLON-5.4] the first wins; another takes over only after 30 s of silence", async () => {
    const air = airYard();
    const [ann] = await roomOf(air, "ann");
    air.say(7, `0:${ann.id}`);
    air.say(8, `0:${ann.id}`);
    air.pass(20_000);
    air.say(7, "3:1:still here");
    air.pass(20_000);
    air.say(8, `0:${ann.id}`);
    expect(air.sent.filter((line) => line.includes(":8 "))).toEqual([]);
    air.pass(10_050);
    air.say(8, `0:${ann.id}`);
    expect(air.sent.at(-1)).toBe(`192.0.2.1:8 0:${ann.id}:connected`);
    air.say(7, "3:1:too late");
    expect(air.sent.at(-1)).not.toContain("too late");
  });

  test("[COLON-5.5] needs the cookie where it is required", async () => {
    const air = airYard({ udp: { requireCookie: true } });
    const ann = air.connect();
    ann.say("0:ann:pw\n");
    await settle();
    const cookie = ann.lines[0]?.split(":")[2] ?? "";
    expect(cookie).toMatch(/^[0-9a-f-]{36}$/);
    for (const text of [`0:${ann.id}`, `0:${ann.id}:${cookie}x`, `${ann.id}:0`]) air.say(7, text);
    expect(air.sent).toEqual([]);
    air.say(7, `0:${ann.id}:${cookie}`);
    expect(air.sent).toHaveLength(1);
  });

  test("[COLON-5.7] fails for a whole household: of an IPv6 address the first 56 bits count", async () => {
    const air = airYard();
    const [ann] = await roomOf(air, "ann");
    const [session] = [...air.hub.sessions()];
    Object.assign(session ?? {}, { remoteAddress: "2001:db8:0:100::1" });
    for (let i = 0; i < 200; i++) air.say(7, "0:70000", `2001:db8:0:1${i.toString(16).padStart(2, "0")}::1`);
    air.say(7, `0:${ann.id}`, "2001:db8:0:100::1");
    expect(air.sent).toEqual([]);
    air.pass(10_000);
    air.say(7, `0:${ann.id}`, "2001:db8:0:100::1");
    expect(air.sent).toHaveLength(1);
  });

  test("[COLON-5.7] is not looked at after 200 failures in 10 s, but for a repeat", async () => {
    const air = airYard();
    const [ann, bob] = await roomOf(air, "ann", "bob");
    air.say(8, `0:${bob.id}`);
    air.sent.length = 0;
    for (let id = 70_000; id < 70_200; id++) air.say(7, `0:${id}`);
    air.say(7, `0:${ann.id}`);
    expect(air.sent).toEqual([]);
    air.say(8, `0:${bob.id}`);
    expect(air.sent).toEqual([`192.0.2.1:8 0:${bob.id}:connected`]);
    air.pass(10_000);
    air.say(7, `0:${ann.id}`);
    expect(air.sent).toHaveLength(2);
  });

  test("ends with the session", async () => {
    const air = airYard();
    const [ann, bob] = await roomOf(air, "ann", "bob");
    air.say(7, `0:${ann.id}`);
    air.say(8, `0:${bob.id}`);
    ann.link.destroy();
    await settle();
    air.sent.length = 0;
    air.say(7, "3:1:ghost");
    air.say(7, `0:${ann.id}`);
    air.say(8, "3:1:hi");
    expect(air.sent).toEqual([`192.0.2.1:8 3:${bob.id}:hi`]);
  });
});

describe("messages", () => {
  test("[COLON-1.9] [COLON-5.2] [COLON-5.3] [COLON-5.8] go to those who have bound, by datagram", async () => {
    const air = airYard();
    const [ann, bob, eve] = await roomOf(air, "ann", "bob", "eve");
    air.say(7, `0:${ann.id}`);
    air.say(8, `0:${bob.id}`);
    ann.say(`5:g:${bob.id}:${eve.id}\n`);
    await settle();
    air.sent.length = 0;
    for (const text of [`${ann.id}:3:0:a:b`, "3:1:c", `${ann.id}:4:g:d`, "4:g:e"]) air.say(7, text);
    await settle();
    expect(air.sent).toEqual([
      `192.0.2.1:8 3:${ann.id}:a:b`,
      `192.0.2.1:7 3:${ann.id}:c`,
      `192.0.2.1:8 3:${ann.id}:c`,
      `192.0.2.1:8 3:${ann.id}:d`,
      `192.0.2.1:8 3:${ann.id}:e`,
    ]);
    expect(eve.take()).toEqual([]);
  });

  test("[COLON-5.8] by stream to the others, with fallback", async () => {
    const air = airYard({ udp: { fallback: true } });
    const [ann, bob] = await roomOf(air, "ann", "bob");
    air.say(7, `0:${ann.id}`);
    air.say(7, "3:0:hi");
    await settle();
    expect(bob.take()).toEqual([`3:${ann.id}:hi`]);
  });

  test("[COLON-5.9] a line end within is relayed as it is, but not with fallback to those who get it by stream", async () => {
    const air = airYard({ udp: { fallback: true } });
    const [ann, bob, cid] = await roomOf(air, "ann", "bob", "cid");
    ann.say(`5:g:${bob.id}:${cid.id}\n`);
    await settle();
    air.say(7, `0:${ann.id}`);
    air.say(8, `0:${bob.id}`);
    air.sent.length = 0;
    for (const text of ["3:0:a\n4:1", `${ann.id}:4:g:a\n2:1:`, "3:0:fine\r\n"]) air.say(7, text);
    await settle();
    const relayed = ["a\n4:1", "a\n2:1:", "fine"].map((body) => `3:${ann.id}:${body}`);
    expect(air.sent).toEqual(relayed.map((text) => `192.0.2.1:8 ${text}`));
    expect(cid.take()).toEqual([`3:${ann.id}:fine`]);
  });

  test("[COLON-5.4] [COLON-5.6] [COLON-5.7] of 100,000 forged datagrams none is delivered or answered", async () => {
    const air = airYard();
    const [ann, bob] = await roomOf(air, "ann", "bob");
    air.say(7, `0:${ann.id}`);
    air.say(8, `0:${bob.id}`);
    air.sent.length = 0;
    const forms = [`${ann.id}:3:1:x`, "3:1:x", `0:${ann.id}`, `${ann.id}:0:Hello`, `${bob.id}:3:1:x`];
    // From other ports of the very same address, which is what a neighbour behind the same router has.
    for (let i = 0; i < 100_000; i++) air.say(1_024 + (i % 60_000), forms[i % forms.length] as string);
    await settle();
    expect([air.sent, ann.take(), bob.take()]).toEqual([[], [], []]);
  });

  test("[COLON-5.6] a stranger's, a forged id's and a malformed one are dropped, and the socket goes on", async () => {
    const air = airYard();
    const [ann, bob] = await roomOf(air, "ann", "bob");
    air.say(7, `0:${ann.id}`);
    air.say(8, `0:${bob.id}`);
    air.sent.length = 0;
    air.say(9, `${ann.id}:3:1:forged`);
    air.say(8, `${ann.id}:3:1:forged`);
    air.say(7, Uint8Array.from([0x33, 0x3a, 0x31, 0x3a, 0xff]));
    air.say(7, "3:7:x");
    air.say(7, "");
    expect(air.sent).toEqual([]);
    air.say(7, "3:0:fine");
    expect(air.sent).toEqual([`192.0.2.1:8 3:${ann.id}:fine`]);
  });

  test("outside a room go nowhere", async () => {
    const air = airYard();
    const ann = await air.person("ann");
    air.say(7, `0:${ann.id}`);
    air.say(7, "3:1:hi");
    expect(air.sent).toHaveLength(1);
  });
});
