import { type AccountStore, createHub, type Hub, memoryAccounts } from "@wireyard/session";
import { type Listener, listenTcp } from "@wireyard/transport";
import { expect, onTestFinished, test } from "vitest";
import { type CommaClient, type CommaEvent, connectCommaCommand } from "../src/client.ts";
import { commaCommand } from "../src/server.ts";

async function withAnn(): Promise<AccountStore> {
  const accounts = memoryAccounts({ iterations: 1 });
  await accounts.register("ann", "secret");
  return accounts;
}

async function serve(accounts: AccountStore, port = 0): Promise<{ hub: Hub; listener: Listener }> {
  const hub = createHub({ accounts });
  const listener = await listenTcp(commaCommand(hub), { port });
  onTestFinished(() => listener.close());
  return { hub, listener };
}

async function connect({ port }: Listener): Promise<CommaClient> {
  const client = await connectCommaCommand({ url: `tcp://127.0.0.1:${port}`, reconnect: true });
  onTestFinished(() => client.close());
  return client;
}

/** Ends a server as a killed process does. */
async function kill(listener: Listener): Promise<void> {
  listener.close();
  await listener.gone(0);
}

async function next(events: AsyncIterator<CommaEvent>): Promise<CommaEvent> {
  return (await events.next()).value;
}

test("a client is back with its login, and asks what waited, when its server is started again", async () => {
  const accounts = await withAnn();
  const first = await serve(accounts);
  const client = await connect(first.listener);
  const events = client[Symbol.asyncIterator]();
  await client.login("ann", "secret");
  const stopped = first.listener.port;
  await kill(first.listener);
  expect(await next(events)).toMatchObject({ type: "lost" });
  const waiting = client.send("ann", "note", "while away");
  const { hub } = await serve(accounts, stopped);
  expect(await next(events)).toEqual({ type: "back" });
  await waiting;
  expect(await next(events)).toEqual({ type: "send", from: "ann", fields: ["note", "while away"] });
  expect(await client.whoami()).toBe("ann");
  expect(hub.sessionCount).toBe(1);
});

test("a client whose server ends the connection for good reason comes back, and its request is told why", async () => {
  const { listener } = await serve(await withAnn());
  const client = await connect(listener);
  const events = client[Symbol.asyncIterator]();
  await expect(client.request("x".repeat(10_000))).rejects.toMatchObject({ code: "request_too_long" });
  expect(await next(events)).toMatchObject({ type: "error", fatal: true, code: "request_too_long" });
  expect(await next(events)).toMatchObject({ type: "lost" });
  expect(await next(events)).toEqual({ type: "back" });
  await client.nop();
});

test("a client whose password is not the right one any more ends with the server's word for it", async () => {
  const { listener } = await serve(await withAnn());
  const client = await connect(listener);
  const events = client[Symbol.asyncIterator]();
  await client.login("ann", "secret");
  await kill(listener);
  expect(await next(events)).toMatchObject({ type: "lost" });
  await serve(memoryAccounts({ iterations: 1 }), listener.port);
  await expect(events.next()).rejects.toMatchObject({
    name: "CommaRefusal",
    code: "wrong_user_or_password",
  });
  await expect(client.nop()).rejects.toMatchObject({ code: "wrong_user_or_password" });
});
