import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { fromHex } from "@wireyard/framing/testing";
import { afterEach, describe, expect, test } from "vitest";
import { serving, tcpPort } from "./server.ts";

const KEEP_ALIVE_MS = 100;

/**
 * What the curses client of *python-server* does with bytes, written anew from what is known of it: each `recv` is taken
 * for one packet, and what stands behind that packet in it is lost.
 */
class CursesClient {
  state: 0 | 1 = 0;
  readonly answered: string[] = [];
  /** Payloads of the server's Pings in state 0. */
  readonly pinged: bigint[] = [];
  readonly socket: Socket;
  private payload = 0n;
  private left: ("response" | "pong")[] = [];

  constructor(port: number) {
    this.socket = connect({ port, host: "127.0.0.1", noDelay: true });
    this.socket.on("data", (data) => this.recv(data));
  }

  /** The command `ping [payload]`: all it asks goes out at once. */
  ping(payload: bigint): void {
    this.state = 1;
    this.payload = payload;
    this.left = ["response", "pong"];
    this.socket.write(fromHex("0f 00 2f 09 6c6f63616c686f7374 5ba0 01"));
    this.socket.write(fromHex("01 00"));
    this.socket.write(long(payload));
  }

  private recv(data: Buffer): void {
    const { value: length, end } = varInt(data, 0);
    const packet = data.subarray(end, end + length);
    const fields = packet.subarray(1);
    if (this.state === 0) {
      // A Request needs no action; a Ping is sent back.
      if (packet[0] !== 1) return;
      this.pinged.push(fields.readBigInt64BE());
      this.socket.write(long(fields.readBigInt64BE()));
      return;
    }
    if (packet[0] === 0) {
      const { value: size, end: start } = varInt(fields, 0);
      const status = JSON.parse(fields.toString("utf8", start, start + size)) as {
        clients: { max: number };
      };
      this.got("response", `room for ${status.clients.max}`);
    } else if (fields.readBigInt64BE() === this.payload) this.got("pong", `pong ${this.payload}`);
  }

  private got(what: "response" | "pong", text: string): void {
    this.answered.push(text);
    this.left = this.left.filter((other) => other !== what);
    if (this.left.length === 0) this.state = 0;
  }
}

function long(payload: bigint): Buffer {
  const packet = Buffer.from([9, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
  packet.writeBigInt64BE(payload, 2);
  return packet;
}

function varInt(bytes: Uint8Array, at: number): { value: number; end: number } {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++] ?? 0;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return { value, end: at };
  }
}

// [VARINT-6.6] One packet a read is what the gap is for.
describe("the curses client of python-server", () => {
  const ports = serving(
    "protocols.varint-state.packetGapMs=20",
    `protocols.varint-state.keepAliveMs=${KEEP_ALIVE_MS}`,
  );
  const clients: CursesClient[] = [];

  async function client(): Promise<CursesClient> {
    const made = new CursesClient(tcpPort(ports(), "varint-state"));
    clients.push(made);
    await once(made.socket, "connect");
    return made;
  }

  afterEach(() => {
    for (const { socket } of clients.splice(0)) socket.destroy();
  });

  test("asks for the status and pings, again and again on one connection", async () => {
    const one = await client();
    for (const payload of [1n, -1n, 2n ** 63n - 1n, -(2n ** 63n)]) {
      one.ping(payload);
      await expect.poll(() => one.answered).toEqual(["room for 10000", `pong ${payload}`]);
      expect(one.state).toBe(0);
      one.answered.length = 0;
    }
  });

  // [VARINT-6.2] [VARINT-6.4]
  test("answers the server's pings, and is not cut for as long as it does", async () => {
    const one = await client();
    await expect.poll(() => one.pinged.length, { timeout: 5_000 }).toBeGreaterThan(7);
    one.ping(7n);
    await expect.poll(() => one.answered).toEqual(["room for 10000", "pong 7"]);
    expect(one.socket.destroyed).toBe(false);
  });

  // [VARINT-6.4]
  test("is cut when it answers no more", async () => {
    const one = await client();
    one.socket.removeAllListeners("data").resume();
    await once(one.socket, "close");
  });
});
