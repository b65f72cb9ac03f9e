import { execFileSync } from "node:child_process";
import { runInNewContext } from "node:vm";
import { connectJsonPacket, type JsonPacketClient } from "@wireyard/json-packet/client";
import { describe, expect, it, onTestFinished } from "vitest";
import { banner } from "../src/banner.ts";
import { loadConfig } from "../src/config/load.ts";
import { startServer } from "../src/server.ts";
import { ANY_PORTS } from "./processes.ts";
import { Client } from "./sockets.ts";

const ANSWERS: Record<string, RegExp> = {
  "colon-relay": /^0:(\d+)\n2:\1:lobby\n4:\1\n3:\1:hello\n$/,
  "comma-command": /^\0\0\0.\0error,nonfatal,not_logged_in/s,
  "varint-state": /\{"version":.*\}$/s,
  "json-packet": /^\{"action":"handShake","data":\{"status":"success","uuid":"[^"]+","remoteToken":.*\n$/,
};

describe("the banner", () => {
  it("has a line for each protocol that does what it says when it is pasted", async () => {
    const settings = ANY_PORTS.filter((arg) => arg !== "--set");
    const { config } = loadConfig({
      env: {},
      settings: [...settings, "accounts=sqlite::memory:", "host=0.0.0.0"],
    });
    const server = await startServer(config);
    onTestFinished(() => server.close());
    const text = banner(server);
    for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(80);

    const pasted = [...text.matchAll(/^([a-z-]+), TCP .*\n {2}(.*) \| nc -q1 127\.0\.0\.1 (\d+)$/gm)];
    expect(pasted.map(([, name]) => name)).toEqual(Object.keys(ANSWERS));
    for (const [, name = "", command = "", port] of pasted) {
      const client = new Client(Number(port));
      client.send(execFileSync("sh", ["-c", command]));
      await client.receive(ANSWERS[name] as RegExp);
    }
  });

  it("has what an encrypting client connects with where JSON packets must be encrypted", async () => {
    const settings = ANY_PORTS.filter((arg) => arg !== "--set");
    const required = ["accounts=sqlite::memory:", "protocols.json-packet.encryption=required"];
    const server = await startServer(loadConfig({ env: {}, settings: [...settings, ...required] }).config);
    onTestFinished(() => server.close());
    const text = banner(server);
    for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
    expect(text).not.toContain("handShake");
    const [pasted = ""] = /connectJsonPacket\(\{[^}]+\}\)/.exec(text) ?? [];
    const client: JsonPacketClient = await runInNewContext(pasted, { connectJsonPacket });
    expect([client.encrypted, await client.isAlive()]).toEqual([true, true]);
    client.close();
  });
});
