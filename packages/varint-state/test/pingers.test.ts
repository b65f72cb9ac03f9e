import { once } from "node:events";
import type { AddressInfo, Server } from "node:net";
import { createClient, createServer, ping } from "minecraft-protocol";
import { status, statusFE, statusFE01 } from "minecraft-server-util";
import { describe, expect, it } from "vitest";
import { connectVarintState, fetchStatus } from "../src/client.ts";
import { serving } from "./harness.ts";

/** Runs `use` with a server that is described as in all tests here. */
function servingAsTold(use: (port: number) => Promise<void>): Promise<void> {
  const told = { version: { name: "Wireyard 1", protocol: 47 }, description: "Grüße 🚀" };
  return serving(use, told, { maxConnections: 20 });
}

// Programs of others that read the status of Minecraft servers, as they are. [VARINT-5.1]
describe("the pinger", () => {
  it("minecraft-server-util reads the status and measures", async () => {
    await servingAsTold(async (port) => {
      const seen = await status("127.0.0.1", port, { enableSRV: false });
      expect(seen).toMatchObject({
        version: { name: "Wireyard 1", protocol: 47 },
        players: { online: 1, max: 20, sample: [] },
        motd: { clean: "Grüße 🚀" },
        favicon: null,
      });
      expect(seen.roundTripLatency).toBeGreaterThanOrEqual(0);
    });
  });

  it("minecraft-protocol reads the status and measures", async () => {
    await servingAsTold(async (port) => {
      const seen = await ping({ host: "127.0.0.1", port });
      expect(seen).toMatchObject({
        version: { name: "Wireyard 1", protocol: 47 },
        players: { online: 1, max: 20, sample: [] },
        clients: { online: 1, max: 20 },
        description: { text: "Grüße 🚀" },
      });
      expect((seen as { latency: number }).latency).toBeGreaterThanOrEqual(0);
    });
  });
});

// [VARINT-7.1] [VARINT-7.2] What Minecraft sent before 1.4, and before 1.6. Its statusFE01FA cannot write a port above
// 32767, where free ports are: what it writes is a vector.
describe("the legacy pinger of minecraft-server-util", () => {
  const seen = {
    players: { online: 1, max: 20 },
    motd: { clean: "Grüße 🚀" },
    protocolVersion: 47,
    version: "Wireyard 1",
  };
  it.each([
    ["FE", statusFE, { players: seen.players, motd: "Grüße 🚀" }],
    ["FE 01", statusFE01, seen],
  ] as const)("reads the answer to %s", async (_, ask, expected) => {
    await servingAsTold(async (port) => {
      expect(await ask("127.0.0.1", port, { enableSRV: false })).toMatchObject(expected);
    });
  });
});

// [VARINT-3.7]
it("the player that minecraft-protocol is reads why it cannot log in", async () => {
  await servingAsTold(async (port) => {
    const player = createClient({
      host: "127.0.0.1",
      port,
      username: "ann",
      version: "1.20.4",
      hideErrors: true,
    });
    const reason = await new Promise((resolve) => {
      player.on("disconnect", (packet: { reason: string }) => resolve(packet.reason));
    });
    expect(String(reason)).toContain("there is no game to join here");
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
