import { createHub, memoryAccounts } from "@wireyard/session";
import { type Link, listenTcp, memoryLinks } from "@wireyard/transport";
import { expect, onTestFinished, test } from "vitest";
import { CommaClient, CommaRefusal, connectCommaCommand } from "../src/client.ts";
import { encodeFields } from "../src/index.ts";
import { type CommaCommandOptions, commaCommand } from "../src/server.ts";
import { frame, RawClient } from "./harness.ts";

/** A client and the service it talks to. */
function client(options: CommaCommandOptions = {}): CommaClient {
  const hub = createHub({ accounts: memoryAccounts({ iterations: 1 }), report() {} });
  const [near, far] = memoryLinks();
  commaCommand(hub, options).accept(far);
  return new CommaClient(near);
}

/** A client whose server the test plays itself. */
function clientOf(timeoutMs?: number): { client: CommaClient; server: RawClient; link: Link } {
  const [near, far] = memoryLinks();
  const server = new RawClient(far);
  return { client: new CommaClient(near, timeoutMs === undefined ? {} : { timeoutMs }), server, link: far };
}

async function refusalOf(promise: Promise<unknown>): Promise<CommaRefusal> {
  const error = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (error instanceof CommaRefusal) return error;
  throw new Error("not refused", { cause: error });
}

test("two clients register, log in and send to each other over TCP", async () => {
  const hub = createHub({ accounts: memoryAccounts({ iterations: 1 }) });
  const listener = await listenTcp(commaCommand(hub), { port: 0 });
  onTestFinished(() => listener.close());
  const url = `tcp://127.0.0.1:${listener.port}`;
  const [ann, bob] = await Promise.all([connectCommaCommand({ url }), connectCommaCommand({ url })]);
  for (const [client, user] of [
    [ann, "ann"],
    [bob, "bob"],
  ] as const) {
    await client.register(user, `${user}'s, secret\\`);
    await client.login(user, `${user}'s, secret\\`);
    expect(await client.whoami()).toBe(user);
  }
  await ann.send("bob", "text", "hello, bob", "\\", "");
  await bob.send("ann", "text", "😀");
  const [annEvents, bobEvents] = [ann[Symbol.asyncIterator](), bob[Symbol.asyncIterator]()];
  expect((await bobEvents.next()).value).toEqual({
    type: "send",
    from: "ann",
    fields: ["text", "hello, bob", "\\", ""],
  });
  expect((await annEvents.next()).value).toEqual({ type: "send", from: "bob", fields: ["text", "😀"] });
  ann.close();
  bob.close();
  expect((await annEvents.next()).done).toBe(true);
});

test("what the server refuses rejects with its code and text", async () => {
  const ann = client();
  await ann.register("ann", "secret");
  const refusal = await refusalOf(ann.login("ann", "wrong"));
  expect([refusal.code, refusal.message]).toEqual([
    "wrong_user_or_password",
    "the user does not exist or the password is wrong",
  ]);
  expect((await refusalOf(ann.whoami())).code).toBe("not_logged_in");
  expect((await refusalOf(ann.request("nothing"))).code).toBe("command_not_found");
  expect((await refusalOf(ann.register("ann", "x"))).code).toBe("invalid_name");
});

test("any command can be requested, and gives the values of its reply", async () => {
  const ann = client({
    commands: [
      { name: "echo", check: () => true, handler: (args) => [...args] },
      { name: "quiet", check: () => true, handler() {} },
    ],
  });
  expect(await ann.request("echo", "a,b", "\\", "")).toEqual(["a,b", "\\", ""]);
  expect(await ann.request("echo")).toEqual([]);
  expect(await ann.request("quiet")).toEqual(["ok"]);
  await ann.nop();
  expect(await ann.help("whoami")).toEqual(["whoami"]);
  expect(await ann.help()).toContain("send,<user>,<command>,…");
  expect((await refusalOf(ann.help("foo"))).code).toBe("command_not_found");
});

test("requests that wait together get their own answers", async () => {
  const ann = client({ commands: [{ name: "echo", check: () => true, handler: async (args) => [...args] }] });
  const numbers = Array.from({ length: 50 }, (_, i) => String(i));
  expect(await Promise.all(numbers.map((number) => ann.request("echo", number)))).toEqual(
    numbers.map((number) => [number]),
  );
});

test("answers are told apart by their IDs, whatever comes between them and in whatever order", async () => {
  const { client, server } = clientOf();
  const [first, second] = [client.request("a"), client.request("b")];
  expect(await server.next(2)).toEqual(["req,1,a", "req,2,b"]);
  server.say("ok", "send,bob,x", "req,2,second", "req,7,nobody asked", "req,1,error,nonfatal,syntax,first");
  expect(await second).toEqual(["second"]);
  expect((await refusalOf(first)).code).toBe("syntax");
  const events = client[Symbol.asyncIterator]();
  expect((await events.next()).value).toEqual({ type: "send", from: "bob", fields: ["x"] });
});

test("a fatal error refuses what waits, is iterated over, and ends the iteration", async () => {
  const { client, server } = clientOf();
  const waiting = refusalOf(client.nop());
  await server.next(1);
  server.say("error,fatal,request_too_long,too much");
  server.end();
  expect((await waiting).code).toBe("request_too_long");
  const events = [];
  for await (const event of client) events.push(event);
  expect(events).toEqual([{ type: "error", fatal: true, code: "request_too_long", text: "too much" }]);
  expect((await refusalOf(client.nop())).code).toBe("request_too_long");
});

test("an error that answers no request is iterated over, and the connection lives", async () => {
  const { client, server } = clientOf();
  server.say("error,nonfatal,syntax,what");
  const events = client[Symbol.asyncIterator]();
  expect((await events.next()).value).toEqual({ type: "error", fatal: false, code: "syntax", text: "what" });
  const waiting = client.nop();
  await server.next(1);
  server.say("req,1");
  await waiting;
});

test("a server that breaks the wire is left, and what waits is told why", async () => {
  const { client, server } = clientOf();
  const waiting = client.nop();
  server.write(frame(Uint8Array.of(0xff)));
  await expect(waiting).rejects.toMatchObject({ code: "syntax" });
  await server.closed;
});

test("a request that gets no answer rejects after its time, and a late answer is dropped", async () => {
  const { client, server } = clientOf(20);
  await expect(client.request("slow")).rejects.toThrow("no answer to slow (req 1) within 20 ms");
  server.say("req,1,late", "req,1,error,nonfatal,timeout,late", "send,bob,x");
  const events = client[Symbol.asyncIterator]();
  expect((await events.next()).value).toEqual({ type: "send", from: "bob", fields: ["x"] });
});

test("what waits when the connection goes rejects, and so does what is asked afterwards", async () => {
  const { client, server } = clientOf();
  const waiting = client.nop();
  await server.next(1);
  server.end();
  await expect(waiting).rejects.toThrow("the connection is closed");
  await expect(client.nop()).rejects.toThrow("the connection is closed");
});

test("a client says fields in their one escaped form", async () => {
  const { client, server } = clientOf();
  void client.send("bob", "text", "a,b\\").catch(() => {});
  await server.next(1);
  expect(server.bytes).toEqual(encodeFields(["req", "1", "send", "bob", "text", "a,b\\"]));
  server.end();
  await server.closed;
});

test("connecting to a port that nobody listens on rejects with the code of it", async () => {
  const hub = createHub({ accounts: memoryAccounts({ iterations: 1 }) });
  const listener = await listenTcp(commaCommand(hub), { port: 0 });
  listener.close();
  await expect(connectCommaCommand({ url: `tcp://127.0.0.1:${listener.port}` })).rejects.toMatchObject({
    code: "ECONNREFUSED",
  });
});
