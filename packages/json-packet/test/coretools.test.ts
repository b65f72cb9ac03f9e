import { createInterface } from "node:readline";
import { PassThrough } from "node:stream";
import { memoryLinks } from "@wireyard/transport";
import { describe, expect, test } from "vitest";
import { JsonPacketClient } from "../src/client.ts";
import { type CoretoolsOptions, coretools } from "../src/coretools.ts";
import { ann, heard, type Person, settle, withAnn, yard } from "./people.ts";

/** Runs lines, each when the one before is done; gives what they wrote. */
async function lines(
  target: Parameters<typeof coretools>[0],
  inputs: readonly string[],
  options: Partial<CoretoolsOptions> = {},
): Promise<string[]> {
  const written: string[] = [];
  const tools = coretools(target, { write: (line) => written.push(line), ...options });
  for (const input of inputs) await tools.run(input);
  return written;
}

/** Answers the next `PING`. */
async function answerPing(person: Person): Promise<void> {
  await person.until(1);
  expect(person.take()).toEqual([["PING", null]]);
  person.send("PONG");
}

describe("coretools of a server", () => {
  test("help lists every command, and what is none is told", async () => {
    const { server } = yard();
    const help = await lines(server, ["help"]);
    expect(help.map((line) => line.split(/ {2,}/)[0])).toEqual([
      "list [all]",
      "ping [client]",
      "send <action> [json]",
      "disconnect <client>",
      "stop",
      "help",
    ]);
    expect(await lines(server, ["", "  ", "dance now", "toString", "constructor"])).toEqual([
      "there is no command dance; help lists them",
      "there is no command toString; help lists them",
      "there is no command constructor; help lists them",
    ]);
  });

  test("list all shows the sessions of every protocol and node", async () => {
    const { server, hub, person } = yard({}, await withAnn());
    await person(ann);
    const peer = { deliver() {}, expired() {}, close() {} };
    const other = hub.open({ protocol: "other", remoteAddress: "192.0.2.9", peer });
    hub.enter(other, "bob");
    const [head, ...rows] = (await lines(server, ["list all"])).map((line) => line.split(/ +/));
    expect(head).toEqual(["client", "user", "address", "protocol", "node"]);
    expect(rows.map((columns) => columns.slice(1))).toEqual([
      ["ann", "192.0.2.1", "json-packet", "1"],
      ["bob", "192.0.2.9", "other", "1"],
    ]);
    expect(await lines(server, ["list none"])).toEqual(["list: say list, or list all"]);
  });

  test("list shows who is connected, and no token", async () => {
    const { server, person } = yard({}, await withAnn());
    const [known, unknown] = [await person(ann), await person()];
    const [first, second] = [...server.clients.values()].map(({ session }) => session);
    const [head, ...rows] = (await lines(server, ["list"])).map((line) => line.split(/ +/));
    expect(head).toEqual(["client", "user", "address", "since", "encrypted"]);
    const since = expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/);
    expect(rows).toEqual([
      [String(first?.id), "ann", "192.0.2.1", since, "no"],
      [String(second?.id), "-", "192.0.2.1", since, "no"],
    ]);
    const everything = (
      await lines(server, ["help", "list", `disconnect ${first?.id}`, "send x 1", "stop"])
    ).join();
    for (const { token } of [known, unknown]) expect(everything).not.toContain(token);
  });

  test("ping measures each client, or one; a client that is gone is told of", async () => {
    const { server, person } = yard();
    const [bob, eve] = [await person(), await person()];
    const ids = [...server.clients.values()].map(({ session }) => session.id);
    const all = lines(server, ["ping"]);
    await Promise.all([answerPing(bob), answerPing(eve)]);
    expect((await all).map((line) => line.replace(/\d+\.\d ms/, "TIME"))).toEqual(
      ids.map((id) => `${id}: TIME`),
    );
    const one = lines(server, [`ping ${ids[1]}`]);
    await eve.until(1);
    expect(bob.lines).toEqual([]);
    eve.link.destroy();
    expect(await one).toEqual([`${ids[1]}: the client is gone`]);
    expect(await lines(server, ["ping 1"])).toEqual(["ping: there is no client 1; list shows them"]);
  });

  test("send says a packet to everybody, and tells what is wrong with its data", async () => {
    const { server, person } = yard();
    const [bob, eve] = [await person(), await person()];
    expect(
      await lines(server, [
        'send news {"a": [1, 2]}',
        "send hello",
        "send",
        "send news hello",
        'send x {"__proto__":1}',
      ]),
    ).toEqual([
      "sent to 2",
      "sent to 2",
      "send: name an action, and data as JSON where it needs some",
      "send: the data are no JSON: hello; text needs quotes",
      expect.stringMatching(/^send: the data of a packet "x" cannot be sent: .*__proto__/),
    ]);
    for (const one of [bob, eve]) {
      expect(await heard(one)).toEqual([
        ["news", { a: [1, 2] }],
        ["hello", null],
      ]);
    }
  });

  test("disconnect closes one client, stop all of them and then the rest", async () => {
    const { server, person } = yard();
    const [bob, eve] = [await person(), await person()];
    const [first] = [...server.clients.values()].map(({ session }) => session.id);
    expect(await lines(server, ["disconnect", `disconnect ${first}`, "disconnect 7"])).toEqual([
      "disconnect: name a client by its number; list shows them",
      `${first} is disconnected`,
      "disconnect: there is no client 7; list shows them",
    ]);
    expect(await heard(bob)).toEqual([["disconnect", "disconnected by the operator"]]);
    let stopped = false;
    const stop = (): void => {
      stopped = true;
    };
    expect(await lines(server, ["stop"], { stop })).toEqual(["stopped; 1 disconnected"]);
    expect(await heard(eve)).toEqual([["disconnect", "the server stops"]]);
    expect([stopped, server.clients.size, bob.closed, eve.closed]).toEqual([true, 0, true, true]);
  });

  test("nothing that a client sent reaches the terminal as more than text", async () => {
    const { server } = yard();
    expect(await lines(server, ["\u001b[2Jx", "send x \u001b[2J"])).toEqual([
      "there is no command ?[2Jx; help lists them",
      "send: the data are no JSON: ?[2J; text needs quotes",
    ]);
  });
});

test("coretools of a client list, ping, send, disconnect and stop", async () => {
  const seen: unknown[] = [];
  const { server } = yard({ actions: { note: (data) => void seen.push(data) } });
  const connect = async (): Promise<JsonPacketClient> => {
    const [here, there] = memoryLinks({ remoteAddress: "192.0.2.7" });
    server.accept(here);
    const client = new JsonPacketClient(there);
    await client.handShake();
    return client;
  };
  const client = await connect();
  const written = await lines(client, ["list", "ping", "send note [1]", "disconnect"]);
  await settle();
  expect(written.map((line) => line.replace(/since \S+/, "since TIME").replace(/[\d.]+ ms/, "TIME"))).toEqual(
    ["connected: 192.0.2.7 since TIME", "TIME", "sent", "disconnected"],
  );
  expect(seen).toEqual([[1]]);
  expect(await lines(client, ["list", "ping"])).toEqual([
    expect.stringMatching(/^no longer connected: /),
    expect.stringMatching(/^ping: the connection is closed/),
  ]);
  let stopped = false;
  const stop = (): void => {
    stopped = true;
  };
  expect(await lines(await connect(), ["stop"], { stop })).toEqual(["disconnected"]);
  await settle();
  expect([stopped, server.clients.size]).toEqual([true, 0]);
});

test("coretools take their lines from a terminal, in their order", async () => {
  const { server, person } = yard();
  const bob = await person();
  const input = new PassThrough();
  const written: string[] = [];
  const tools = coretools(server, { write: (line) => written.push(line) });
  const done = (async () => {
    for await (const line of createInterface({ input })) await tools.run(line);
  })();
  input.end("send a 1\nping\nsend b 2\nstop\n");
  await bob.until(2);
  bob.send("PONG");
  await done;
  expect(written.map((line) => line.replace(/^.* ms$/, "TIME"))).toEqual([
    "sent to 1",
    "TIME",
    "sent to 1",
    "stopped; 1 disconnected",
  ]);
});
