import { connectJsonPacket } from "@wireyard/json-packet/client";
import { expect, it, onTestFinished } from "vitest";
import { loadConfig } from "../src/config/load.ts";
import { startServer } from "../src/server.ts";
import { ANY_PORTS } from "./processes.ts";
import { Client } from "./sockets.ts";

/** Starts a server with this `protocols.json-packet.encryption`; gives the port. */
async function start(encryption: string): Promise<number> {
  const free = ANY_PORTS.filter((arg) => arg !== "--set");
  const settings = [...free, "accounts=sqlite::memory:", `protocols.json-packet.encryption=${encryption}`];
  const server = await startServer(loadConfig({ env: {}, settings }).config);
  onTestFinished(() => server.close());
  return server.ports["json-packet"]?.tcp ?? 0;
}

it("encrypts JSON packets as it is configured", async () => {
  const plain = '{"action":"handShake"}';
  for (const [encryption, answer, encrypted] of [
    ["off", '"uuid"', false],
    ["optional", '"uuid"', true],
    ["required", '"bad_encryption"', true],
  ] as const) {
    const port = await start(encryption);
    const netcat = new Client(port);
    netcat.send(plain);
    expect(await netcat.receive(/\n/)).toContain(answer);
    const client = await connectJsonPacket({ url: `tcp://127.0.0.1:${port}`, encryption: "optional" });
    expect([client.encrypted, await client.isAlive()]).toEqual([encrypted, true]);
    client.close();
  }
});
