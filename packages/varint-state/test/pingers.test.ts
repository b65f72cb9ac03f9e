import { once } from "node:events";
import type { AddressInfo, Server } from "node:net";
import { createHub, memoryAccounts } from "@wireyard/session";
import { type Listener, listenTcp } from "@wireyard/transport";
import { createServer, ping } from "minecraft-protocol";
import { status } from "minecraft-server-util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { connectVarintState, fetchStatus } from "../src/client.ts";
import { varintState } from "../src/server.ts";

// Programs of others that read the status of Minecraft servers, as they are. [VARINT-5.1]
describe("the pinger", () => {
  let listener: Listener;
  beforeEach(async () => {
    const hub = createHub({ accounts: memoryAccounts(), limits: { maxConnections: 20 } });
    const service = varintState(hub, {
      version: { name: "Wireyard 1", protocol: 47 },
      description: "Grüße 🚀",
    });
    listener = await listenTcp(service, { port: 0 });
  });
  afterEach(() => listener.close());

  it("minecraft-server-util reads the status and measures", async () => {
    const seen = await status("127.0.0.1", listener.port, { enableSRV: false });
    expect(seen).toMatchObject({
      version: { name: "Wireyard 1", protocol: 47 },
      players: { online: 1, max: 20, sample: [] },
      motd: { clean: "Grüße 🚀" },
      favicon: null,
    });
    expect(seen.roundTripLatency).toBeGreaterThanOrEqual(0);
  });

  it("minecraft-protocol reads the status and measures", async () => {
    const seen = await ping({ host: "127.0.0.1", port: listener.port });
    expect(seen).toMatchObject({
      version: { name: "Wireyard 1", protocol: 47 },
      players: { online: 1, max: 20, sample: [] },
      clients: { online: 1, max: 20 },
      description: { text: "Grüße 🚀" },
    });
    expect((seen as { latency: number }).latency).toBeGreaterThanOrEqual(0);
  });
});

// Not a program of ours either: it does what Minecraft's own servers do, closing after its Pong among it.
describe("the status of a Minecraft server", () => {
  it("is read by fetchStatus", async () => {
    const server = createServer({
      host: "127.0.0.1",
      port: 0,
      "online-mode": false,
      motd: "A §6Minecraft server",
    });
    const { socketServer } = server as unknown as { socketServer: Server };
    await once(server, "listening");
    try {
      const url = `tcp://127.0.0.1:${(socketServer.address() as AddressInfo).port}`;
      const { status: seen, latencyMs } = await fetchStatus({ url });
      expect(seen).toMatchObject({
        version: { name: expect.any(String), protocol: expect.any(Number) },
        players: { max: 20, online: 0, sample: [] },
        description: { text: "A §6Minecraft server" },
      });
      expect(latencyMs).toBeGreaterThan(0);

      const client = await connectVarintState({ url });
      expect((await client.status()).players.max).toBe(20);
      expect(await client.ping(-1n)).toBeGreaterThan(0);
      await expect(client.ping()).rejects.toThrow("the connection is closed");
    } finally {
      server.close();
    }
  });
});
