import { memoryLinks } from "@wireyard/transport";
import { expect, test } from "vitest";
import { JsonPacketClient } from "../src/client.ts";
import type { Connection, StandardSchema } from "../src/server.ts";
import { heard, settle, yard } from "./people.ts";

interface Point {
  x: number;
  y: number;
}

/** A validator as libraries make them: numbers may come as text. */
const point: StandardSchema<unknown, Point> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate(value) {
      const { x, y } = (value ?? {}) as Record<string, unknown>;
      if (typeof x !== "number") return { issues: [{ message: "should be a number", path: [{ key: "x" }] }] };
      if (typeof y !== "number") return { issues: [{ message: "should be a number", path: ["y"] }] };
      return { value: { x, y: y * 2 } };
    },
  },
};
const laterPoint: StandardSchema<unknown, Point> = {
  "~standard": {
    ...point["~standard"],
    validate: async (value) => point["~standard"].validate(value),
  },
};

test.each([
  ["at once", point],
  ["later", laterPoint],
])("[JSON-5.8] a handler gets the data that its schema gives %s, with their type", async (_when, schema) => {
  const { server, person } = yard();
  // `x` and `y` are numbers to the compiler: nothing is cast.
  server.bindAction("move", ({ x, y }) => x + y, { schema });
  const bob = await person();
  bob.send("move", '{"x":1,"y":2}');
  bob.send("PING", "1");
  expect(await heard(bob)).toEqual([
    ["move", 5],
    ["PONG", 1],
  ]);
});

test.each([
  ["at once", point],
  ["later", laterPoint],
])(
  "[JSON-5.8] data that a schema refuses %s are answered missing_field, which names the place",
  async (_when, schema) => {
    const calls: unknown[] = [];
    const { server, person, reports } = yard();
    server.bindAction("move", (data) => void calls.push(data), { schema });
    const bob = await person();
    for (const data of ["null", '{"x":1}']) bob.send("move", data);
    await settle();
    expect(bob.packets().map(({ data }) => data)).toEqual([
      { code: "missing_field", message: "data.x: should be a number" },
      { code: "missing_field", message: "data.y: should be a number" },
    ]);
    expect([calls, reports, bob.closed]).toEqual([[], [], false]);
  },
);

test("[JSON-5.6] a validator that fails is answered unhandled, and long words of one are cut", async () => {
  const { server, person, reports } = yard();
  const schema = (validate: StandardSchema["~standard"]["validate"]): { schema: StandardSchema } => ({
    schema: { "~standard": { version: 1, vendor: "test", validate } },
  });
  server.bindAction(
    "throws",
    () => 1,
    schema(() => {
      throw new Error("inner");
    }),
  );
  server.bindAction(
    "long",
    () => 1,
    schema(() => ({ issues: [{ message: "x".repeat(10_000) }] })),
  );
  const bob = await person();
  bob.send("throws");
  bob.send("long");
  await settle();
  const [first, second] = bob.packets();
  expect(first?.data).toMatchObject({ code: "unhandled" });
  expect(second?.data).toMatchObject({ message: expect.stringMatching(/^data: x{194}$/) });
  expect(reports).toEqual(['the JSON packet action "throws" failed: inner']);
});

test("[JSON-5.7] what is bound to * gets every action that nobody is bound to, and answers by its name", async () => {
  const { server, person } = yard({ actions: { mine: () => "mine" } });
  server.bindAction("*", (data, _connection, { action }) => [action, data]);
  const bob = await person();
  for (const action of ["mine", "dance", "*", "PING"]) bob.send(action, "1");
  bob.say('{"action":"error"}{"action":"sing"}');
  bob.say('{"action":"sing","data":1,"packet-created":1,"token":null}');
  expect(await heard(bob)).toEqual([
    ["mine", "mine"],
    ["dance", ["dance", 1]],
    ["*", ["*", 1]],
    ["PONG", 1],
    ["error", "missing_field"],
    ["error", "bad_token"],
  ]);
});

test("a handler that is bound once gives way, with its first packet, to what was bound before", async () => {
  const { server, person } = yard();
  server.bindAction("PING", () => "first", { once: true });
  server.bindAction("hello", () => "first", { once: true });
  server.bindAction("hello", () => "second", { once: true });
  const bob = await person();
  for (const action of ["PING", "PING", "hello", "hello", "hello"]) bob.send(action, "1");
  expect(await heard(bob)).toEqual([
    ["PING", "first"],
    ["PONG", 1],
    ["hello", "second"],
    ["hello", "first"],
    ["error", "unknown_action"],
  ]);
});

test("a handler that is bound once stays for data that its schema refuses, and is called once for two at a time", async () => {
  const { server, person } = yard();
  server.bindAction("move", ({ x }) => x, { once: true, schema: laterPoint });
  const [ann, bob] = [await person(), await person()];
  ann.send("move", "{}");
  expect(await heard(ann)).toEqual([["error", "missing_field"]]);
  ann.send("move", '{"x":1,"y":1}');
  bob.send("move", '{"x":2,"y":1}');
  expect([await heard(ann), await heard(bob)]).toEqual([[["move", 1]], [["error", "unknown_action"]]]);
});

test("a handler that was bound while one waited for its once stays bound", async () => {
  const { server, person } = yard();
  server.bindAction("move", () => server.bindAction("move", () => "new"), { once: true });
  const bob = await person();
  bob.send("move");
  bob.send("move");
  expect(await heard(bob)).toEqual([["move", "new"]]);
});

test("what cannot be bound is refused on both sides, with what would be right", () => {
  const { server } = yard();
  const client = new JsonPacketClient(memoryLinks()[0]);
  const handler = (_data: unknown, _connection: Connection | JsonPacketClient): void => {};
  for (const side of [server, client]) {
    for (const name of ["handShake", "encrypted", "error"]) {
      expect(() => side.bindAction(name, handler)).toThrow(`the action ${name} is the protocol's own`);
    }
    const schema = { parse() {} } as unknown as StandardSchema;
    expect(() => side.bindAction("x", handler, { schema })).toThrow("is no Standard Schema of version 1");
  }
});

test("a client binds in the same ways", async () => {
  const { server } = yard();
  const [here, there] = memoryLinks();
  const problems: string[] = [];
  server.accept(here);
  const client = new JsonPacketClient(there, {
    report: (problem, error) => problems.push(`${problem} ${error}`),
  });
  const seen: unknown[] = [];
  client.bindAction("move", ({ x, y }) => void seen.push(x + y), { schema: point });
  client.bindAction("news", (data) => void seen.push(["once", data]), { once: true });
  client.bindAction("*", (data, _client, { action }) => void seen.push([action, data]));
  await client.handShake();
  for (const [name, data] of [
    ["move", { x: 1, y: 2 }],
    ["move", {}],
    ["news", 1],
    ["news", 2],
    ["PING", 3],
  ] as const) {
    server.broadcast(server.createPacket(name, data));
  }
  await client.ping();
  expect(seen).toEqual([5, ["once", 1], ["news", 2]]);
  expect(problems).toEqual(['the handler of "move" failed DeclinedError: data.x: should be a number']);
});
