import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { fromHex } from "@wireyard/framing/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeServerMessage } from "../src/index.ts";
import { echo, hex, serving } from "./harness.ts";
import { HANDSHAKE, PING, REQUEST } from "./vectors.ts";

const json =
  '{"version":{"name":"Wireyard","protocol":-1},"players":{"max":10000,"online":1,"sample":[]},"clients":{"max":10000,"online":1},"description":{"text":"A Wireyard server"}}';
const RESPONSE = Buffer.from(encodeServerMessage({ type: "response", json })).toString("hex");

async function open(port: number): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port, noDelay: true, allowHalfOpen: true });
  await once(socket, "connect");
  return socket;
}

/** Sends `chunks`, each in its own write, ends, and gives all that comes back, in hex. */
async function converse(port: number, chunks: readonly Uint8Array[]): Promise<string> {
  const socket = await open(port);
  let received = "";
  socket.on("data", (chunk: Buffer) => {
    received += chunk.toString("hex");
  });
  const closed = once(socket, "close");
  for (const chunk of chunks) await new Promise((resolve) => socket.write(chunk, resolve));
  socket.end();
  await closed;
  return received;
}

/** Reads one packet of hex from a socket each time it is asked, as much as one `recv` gives. */
async function recv(socket: Socket): Promise<string> {
  const [chunk] = (await once(socket, "data")) as [Buffer];
  return chunk.toString("hex");
}

describe("a conversation over TCP", () => {
  const sent = fromHex(
    [HANDSHAKE, REQUEST, PING, PING, HANDSHAKE, PING, PING, "037f0102", REQUEST, "00"].join(""),
  );
  const expected = RESPONSE + hex(PING) + hex(PING, PING) + RESPONSE;

  // [VARINT-1.1] [VARINT-3.5]
  it("gives the same bytes sent whole, byte by byte and in random cuts", async () => {
    await serving(async (port) => {
      expect(await converse(port, [sent])).toBe(expected);
      expect(
        await converse(
          port,
          Array.from(sent, (_, i) => sent.slice(i, i + 1)),
        ),
      ).toBe(expected);
      await fc.assert(
        fc.asyncProperty(fc.uniqueArray(fc.nat(sent.length), { maxLength: 8 }), async (cuts) => {
          const places = [0, ...cuts.sort((a, b) => a - b), sent.length];
          const chunks = places.slice(1).map((end, i) => sent.slice(places[i], end));
          expect(await converse(port, chunks)).toBe(expected);
        }),
        { seed: 23_456, numRuns: 20 },
      );
    });
  });

  it("goes on for others where one does not read, who is cut [VARINT-1.13]", async () => {
    await serving(
      async (port, service) => {
        const [stuck, other] = [await open(port), await open(port)];
        stuck.write(fromHex(HANDSHAKE + REQUEST + PING));
        stuck.pause();
        stuck.on("error", () => {});
        other.write(fromHex(HANDSHAKE));
        // Done with both questions, it is back in state 0, where the server pings.
        await expect.poll(() => service.pingAll(1n)).toBe(1);
        while ([...service.sessions()].length === 2) {
          for (let i = 0; i < 2_000; i++) service.pingAll(1n);
          other.write(fromHex(PING));
          await once(other, "data");
        }
        expect([...service.sessions()].map(({ state }) => state)).toEqual(["status_pinged"]);
        stuck.destroy();
        other.destroy();
      },
      { keepAliveMs: 0 },
    );
  });

  // [VARINT-1.11]
  it.each(["GET / HTTP/1.1\r\nHost: x\r\n\r\n", "POST / HTTP/1.1\r\n\r\n", "OPTIONS * HTTP/1.1\r\n\r\n"])(
    "closes without a byte at HTTP: %j",
    async (text) => {
      await serving(async (port) => {
        const socket = await open(port);
        let received = 0;
        socket.on("data", (chunk: Buffer) => {
          received += chunk.length;
        });
        const ended = once(socket, "end");
        socket.write(text);
        await ended;
        socket.destroy();
        expect(received).toBe(0);
      });
    },
  );

  it("of bad bytes closes, and another goes on [VARINT-1.8]", async () => {
    await serving(async (port) => {
      const good = await open(port);
      good.write(fromHex(HANDSHAKE));
      for (const bad of ["fbffffff0f", "8080808008", "808080808001", "00", "ffffffff07"]) {
        expect(await converse(port, [fromHex(bad)])).toBe("");
      }
      good.write(fromHex(PING));
      expect(await recv(good)).toBe(hex(PING));
      good.destroy();
    });
  });
});

// The curses client of python-server: connects and says nothing, answers the server's Pings, and when its user asks
// sends each packet in its own segment; one recv is one packet to it, so it waits for each answer.
describe("the original client", () => {
  it("is left alone, pinged when its first 500 ms are over, and served", async () => {
    await serving(async (port, service) => {
      const socket = await open(port);
      const connected = performance.now();
      while ([...service.sessions()].length === 0) await new Promise((resolve) => setImmediate(resolve));
      expect(service.pingAll(1n)).toBe(1);
      const ping = await recv(socket);
      expect(performance.now() - connected).toBeGreaterThanOrEqual(450);
      expect(ping).toBe(echo(1n));
      socket.write(fromHex(ping));

      service.pingAll(-1n);
      expect(await recv(socket)).toBe(echo(-1n));
      socket.write(fromHex(echo(-1n)));

      for (let round = 0; round < 2; round++) {
        socket.write(fromHex(HANDSHAKE));
        socket.write(fromHex(REQUEST));
        expect(await recv(socket)).toBe(RESPONSE);
        socket.write(fromHex(PING));
        expect(await recv(socket)).toBe(hex(PING));
      }

      const [session] = service.sessions();
      expect(session).toMatchObject({ state: "default" });
      expect(session?.latencyMs).toBeGreaterThan(0);
      service.pingAll(2n);
      expect(await recv(socket)).toBe(echo(2n));
      socket.destroy();
    });
  });
});
