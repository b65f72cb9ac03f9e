import { createHub, memoryAccounts } from "@wireyard/session";
import { type Listener, listenTcp } from "@wireyard/transport";
import { expect, it, onTestFinished } from "vitest";
import { connectVarintState } from "../src/client.ts";
import { type VarintState, varintState } from "../src/server.ts";

async function serve(port = 0): Promise<{ listener: Listener; service: VarintState }> {
  const service = varintState(createHub({ accounts: memoryAccounts() }));
  const listener = await listenTcp(service, { port });
  onTestFinished(() => listener.close());
  return { listener, service };
}

it("a client is back when its server is started again: it shakes hands anew, and is pinged [VARINT-2.1]", async () => {
  const { listener } = await serve();
  const client = await connectVarintState({ url: `tcp://127.0.0.1:${listener.port}`, reconnect: true });
  onTestFinished(() => client.close());
  const events = client[Symbol.asyncIterator]();
  // Left within state 1: the new connection is in state 0.
  await client.status();
  listener.close();
  await listener.gone(0);
  expect(await events.next()).toMatchObject({ value: { type: "lost" } });
  const waiting = Promise.all([client.status(), client.ping(258n)]);
  const { service } = await serve(listener.port);
  expect(await events.next()).toEqual({ value: { type: "back" }, done: false });
  const [{ description }, latencyMs] = await waiting;
  expect(description.text).toBe("A Wireyard server");
  expect(latencyMs).toBeGreaterThan(0);
  service.pingAll(42n);
  expect(await events.next()).toEqual({ value: { type: "ping", payload: 42n }, done: false });
});
