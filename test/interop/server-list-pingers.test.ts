import { GameDig } from "gamedig";
import mcping from "mcping-js";
import { ping } from "minecraft-protocol";
import { status } from "minecraft-server-util";
import minecraftStatus from "minecraft-status";
import { lookup } from "minecraftstatuspinger";
import { describe, expect, test } from "vitest";
import { serving, tcpPort } from "./server.ts";

const HOST = "127.0.0.1";
const TIMEOUT_MS = 5_000;
const { MinecraftServerListPing } = minecraftStatus;

// Programs of others that show Minecraft servers in lists, as npm has them. [VARINT-5.1]
describe("the pinger", () => {
  const ports = serving(
    "protocols.varint-state.description=Grüße aus dem Hof",
    "protocols.varint-state.version={ name: Wireyard 1, protocol: 47 }",
    "limits.maxConnections=20",
  );
  const port = (): number => tcpPort(ports(), "varint-state");

  // Who has just asked may still be there.
  const online = expect.any(Number);
  const STATUS = {
    version: { name: "Wireyard 1", protocol: 47 },
    players: { online, max: 20, sample: [] },
    description: { text: "Grüße aus dem Hof" },
  };

  test("minecraft-server-util", async () => {
    const seen = await status(HOST, port(), { enableSRV: false, timeout: TIMEOUT_MS });
    const { version, players } = STATUS;
    expect(seen).toMatchObject({ version, players, motd: { clean: STATUS.description.text }, favicon: null });
    expect(seen.roundTripLatency).toBeGreaterThanOrEqual(0);
  });

  test("minecraft-protocol", async () => {
    expect(await ping({ host: HOST, port: port() })).toMatchObject({
      ...STATUS,
      latency: expect.any(Number),
    });
  });

  test("minecraftstatuspinger, with and without a ping", async () => {
    for (const withPing of [true, false]) {
      const seen = await lookup({ host: HOST, port: port(), timeout: TIMEOUT_MS, ping: withPing });
      expect(seen.status).toMatchObject(STATUS);
      expect(seen.latency).toEqual(withPing ? expect.any(Number) : null);
    }
  });

  test("minecraft-status", async () => {
    expect(await MinecraftServerListPing.ping(4, HOST, port(), TIMEOUT_MS)).toMatchObject(STATUS);
  });

  test("mcping-js", async () => {
    const seen = await new Promise((resolve, reject) => {
      new mcping.MinecraftServer(HOST, port()).ping(TIMEOUT_MS, 765, (error, answer) => {
        if (error === null) resolve(answer);
        else reject(error);
      });
    });
    expect(seen).toMatchObject(STATUS);
  });

  // The first asks over UDP as well, for the kinds of server that answer there, and takes whatever it gets.
  test.each(["minecraft", "protocol-minecraftvanilla"])("gamedig, asked for %s", async (type) => {
    const options = { type, host: HOST, port: port(), givenPortOnly: true, socketTimeout: 300 };
    expect(await GameDig.query(options)).toMatchObject({ maxplayers: 20, numplayers: online, players: [] });
  });

  // [VARINT-7.1] [VARINT-7.2] What Minecraft sent before 1.4, before 1.6, and with 1.6. This one never closes.
  test.each([
    ["1.3", () => MinecraftServerListPing.ping13(HOST, port(), TIMEOUT_MS), {}],
    ["1.5", () => MinecraftServerListPing.ping15(HOST, port(), TIMEOUT_MS), { version: STATUS.version }],
    ["1.6", () => MinecraftServerListPing.ping16(73, HOST, port(), TIMEOUT_MS), { version: STATUS.version }],
  ])("minecraft-status, as Minecraft %s", async (_, ask, version) => {
    const seen = await ask();
    expect(seen).toMatchObject({
      ...version,
      players: { online, max: 20 },
      description: STATUS.description.text,
    });
  });
});
