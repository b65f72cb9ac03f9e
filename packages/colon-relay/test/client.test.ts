import { createHub, memoryAccounts } from "@wireyard/session";
import { type Listener, listenTcp } from "@wireyard/transport";
import { afterEach, describe, expect, onTestFinished, test } from "vitest";
import { type ColonClient, type ColonEvent, connectColonRelay } from "../src/client.ts";
import { colonRelay } from "../src/server.ts";

const closing: (() => void)[] = [];

afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function listen(): Promise<Listener> {
  const hub = createHub({ accounts: memoryAccounts() });
  const listener = await listenTcp(colonRelay(hub), { port: 0 });
  closing.push(() => {
    listener.close();
    for (const session of [...hub.sessions()]) session.peer.close("over");
  });
  return listener;
}

async function connect(listener: Listener, name: string): Promise<ColonClient> {
  const client = await connectColonRelay({ url: `tcp://127.0.0.1:${listener.port}`, timeoutMs: 5_000 });
  await client.login(name, "pw");
  return client;
}

/** The first `count` events. */
async function take(client: ColonClient, count: number): Promise<ColonEvent[]> {
  const events: ColonEvent[] = [];
  for await (const event of client) if (events.push(event) === count) break;
  return events;
}

describe("a client", () => {
  test("logs in, joins, talks and leaves", async () => {
    const listener = await listen();
    const [ann, bob] = [await connect(listener, "ann"), await connect(listener, "bob")];
    await ann.join("lobby");
    await bob.join("lobby");
    expect(await ann.rooms()).toEqual([{ name: "lobby", members: 2 }]);
    bob.send("hi: all", { to: "all" });
    bob.send("ordered", { ordered: true });
    await bob.leave();
    const { id } = bob;
    expect(await take(ann, 6)).toEqual([
      { type: "joined", id: ann.id, room: "lobby" },
      { type: "master", id: ann.id },
      { type: "joined", id, room: "lobby" },
      { type: "message", from: id, text: "hi: all", channel: "stream" },
      { type: "message", from: id, text: "ordered", channel: "stream" },
      { type: "left", id },
    ]);
    expect([ann.room, bob.room]).toEqual(["lobby", undefined]);
  });

  test("sends to a group of its own", async () => {
    const listener = await listen();
    const [ann, bob] = [await connect(listener, "ann"), await connect(listener, "bob")];
    ann.defineGroup("g", [bob.id as number]);
    ann.sendToGroup("g", "psst");
    expect(await take(bob, 1)).toEqual([{ type: "message", from: ann.id, text: "psst", channel: "stream" }]);
  });

  test("joining the room it is in, and leaving none, are done at once", async () => {
    const listener = await listen();
    const ann = await connect(listener, "ann");
    await ann.leave();
    await ann.join("lobby");
    await ann.join("lobby");
  });

  test("a refusal rejects what was asked, with its code", async () => {
    const listener = await listen();
    const [ann, bob] = [await connect(listener, "ann"), await connect(listener, "bob")];
    await ann.join("den", "secret");
    await expect(bob.join("den")).rejects.toMatchObject({ name: "ColonRefusal", code: "wrong_password" });
    await expect(bob.join("a,b")).rejects.toMatchObject({ code: "invalid_name" });
    await expect(bob.login("again")).rejects.toMatchObject({ code: "already_logged_in" });
  });

  test("an error about a message comes as an event", async () => {
    const listener = await listen();
    const ann = await connect(listener, "ann");
    ann.send("hi");
    expect(await take(ann, 1)).toMatchObject([{ type: "error", code: "not_in_room" }]);
  });

  test("a message with a line end is refused before it is sent", async () => {
    const listener = await listen();
    const ann = await connect(listener, "ann");
    expect(() => ann.send("a\nb")).toThrow("line end");
  });

  test("a name with a colon is refused before it is sent: the rest would be the password", async () => {
    const ann = await connectColonRelay({ url: `tcp://127.0.0.1:${(await listen()).port}` });
    onTestFinished(() => ann.close());
    await expect(ann.login("a:b")).rejects.toThrow("a name cannot hold a colon");
  });

  test("a lost connection rejects what is asked and ends iteration", async () => {
    const listener = await listen();
    const ann = await connect(listener, "ann");
    const asked = ann.join("lobby").then(() => ann.rooms());
    await ann.join("lobby");
    await asked;
    ann.close();
    for await (const _ of ann);
    await expect(ann.rooms()).rejects.toThrow("the connection is closed");
  });

  test("connecting to nobody rejects with the system's code", async () => {
    const listener = await listen();
    listener.close();
    await expect(connectColonRelay({ url: `tcp://127.0.0.1:${listener.port}` })).rejects.toMatchObject({
      code: "ECONNREFUSED",
    });
  });
});
