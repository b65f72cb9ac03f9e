import { once } from "node:events";
import { connect } from "node:net";
import { toHex } from "@wireyard/framing/testing";
import { memoryBackplane } from "@wireyard/session";
import { describe, expect, it } from "vitest";
import { encodeLegacyStatus, LEGACY_QUIET_MS } from "../src/index.ts";
import { hex, makeServer, serving } from "./harness.ts";
import { HANDSHAKE, PING } from "./vectors.ts";

/** The text of a kick packet, which has to be one exactly. */
function textOf(kick: string): string {
  const bytes = Buffer.from(kick, "hex");
  expect(bytes[0]).toBe(0xff);
  expect(bytes.readUInt16BE(1)).toBe((bytes.length - 3) / 2);
  return Buffer.from(bytes.subarray(3)).swap16().toString("utf16le");
}

const version = { name: "Wireyard", protocol: -1 };
const SHORT = "A Wireyard server§1§10000";
const LONG = "§1\0-1\0Wireyard\0A Wireyard server\u00001\u000010000";

describe("a legacy ping", () => {
  it.each([
    ["fe", SHORT],
    ["fe01", LONG],
    ["fe01fa", LONG],
  ])(
    "%s is answered when nothing more has come for 300 ms, and closed [VARINT-7.1] [VARINT-7.2]",
    async (bytes, text) => {
      const server = makeServer();
      const client = server.connect();
      expect(await client.send(bytes)).toBe("");
      await server.pass(250);
      expect(await client.take()).toBe("");
      await server.pass(100);
      expect(textOf(await client.take())).toBe(text);
      expect(client.closed).toBe(true);
      expect(server.hub.sessionCount).toBe(0);
      await server.pass(60_000);
      expect(server.problems).toEqual([]);
    },
  );

  it("is answered with the counts of all nodes [VARINT-5.3] [VARINT-7.2]", async () => {
    const backplane = memoryBackplane();
    const [one, two] = [makeServer({}, {}, backplane), makeServer({}, {}, backplane)];
    two.connect();
    const client = one.connect();
    await client.send("fe");
    await one.pass(LEGACY_QUIET_MS + 50);
    expect(textOf(await client.take())).toBe("A Wireyard server§2§20000");
  });

  it("is answered at once where its sender has ended its sending [VARINT-7.1]", async () => {
    await serving(async (port) => {
      const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
      const started = performance.now();
      let kick = "";
      socket.on("data", (chunk: Buffer) => {
        kick += chunk.toString("hex");
      });
      socket.end(Uint8Array.of(0xfe, 0x01));
      await once(socket, "close");
      expect(textOf(kick)).toBe(LONG);
      expect(performance.now() - started).toBeLessThan(LEGACY_QUIET_MS);
    });
  });

  it("with the server's name is answered at once, wherever it is cut [VARINT-7.1]", async () => {
    const whole = "fe01fa000b004d0043007c00500069006e00670048006f007300740019";
    for (const cut of [2, 6, 10, 20, whole.length]) {
      const client = makeServer().connect();
      const answer = (await client.send(whole.slice(0, cut))) + (await client.send(whole.slice(cut)));
      expect(textOf(answer)).toBe(LONG);
      expect(client.closed).toBe(true);
    }
  });

  it("is none where the rest of a packet comes in time, a byte every 250 ms", async () => {
    const server = makeServer({ keepAliveMs: 0 });
    const client = server.connect();
    for (const byte of ["fe", "01", "fa"]) {
      expect(await client.send(byte)).toBe("");
      await server.pass(250);
    }
    expect(await client.send(`${"00".repeat(253)} ${HANDSHAKE} ${PING}`)).toBe(hex(PING));
    expect(client.closed).toBe(false);
  });

  it("is no matter of the time limit for packets", async () => {
    const server = makeServer({}, { frameTimeoutMs: 100 });
    const client = server.connect();
    await client.send("fe");
    await server.pass(150);
    expect(client.closed).toBe(true);
    expect(await client.take()).toBe("");
  });

  it("gets its answer before Pings that were held [VARINT-6.2]", async () => {
    const server = makeServer();
    const client = server.connect();
    server.service.pingAll(1n);
    await server.pass(400);
    await client.send("fe01");
    await server.pass(200);
    expect(await client.take()).toBe("");
    await server.pass(200);
    expect(textOf(await client.take())).toBe(LONG);
  });
});

// [VARINT-7.2]
describe("the answer", () => {
  it("has the bytes of the rule", () => {
    const kick = encodeLegacyStatus("short", { version, description: "é", online: 1, max: 2 });
    expect(toHex(kick)).toBe(hex("ff 0005", "00e9", "00a7 0031", "00a7 0032"));
  });

  it("has no § in the short description, nor control characters in any", () => {
    const status = { version: { name: "a\0b", protocol: 47 }, description: "§cA\n§lb\0§", online: 1, max: 2 };
    expect(textOf(toHex(encodeLegacyStatus("short", status)))).toBe("A b §1§2");
    expect(textOf(toHex(encodeLegacyStatus("long", status)))).toBe(
      "§1\u000047\0a b\0§cA §lb §\u00001\u00002",
    );
  });

  it("has at most 256 code units, and no half of a character", () => {
    for (const form of ["short", "long"] as const) {
      for (const description of ["a".repeat(1_000), "🚀".repeat(500), `a${"🚀".repeat(500)}`]) {
        const status = { version: { name: "🚀".repeat(500), protocol: -(2 ** 31) }, description };
        const text = textOf(toHex(encodeLegacyStatus(form, { ...status, online: 10_000, max: 10_000 })));
        expect(text.length).toBeLessThanOrEqual(256);
        expect(text.length).toBeGreaterThan(250);
        expect(text).not.toMatch(/[\ud800-\udbff](?![\udc00-\udfff])/);
        expect(text.endsWith(form === "short" ? "§10000§10000" : "\u000010000\u000010000")).toBe(true);
      }
    }
  });
});
