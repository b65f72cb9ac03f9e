import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { serving, tcpPort } from "./server.ts";

interface Packet {
  action: string;
  data: unknown;
  "packet-created": number;
  token: string | null;
}

/**
 * What the *pnetwork* client does with bytes, written anew from what is known of it: bare JSON out, with nothing between
 * two packets, as Python writes it; each `recv` is taken for one packet, and two in one are an error.
 */
class PnetworkClient {
  token: string | null = null;
  remoteToken: string | undefined;
  readonly socket: Socket;
  private readonly packets: Packet[] = [];
  private waiting: ((packet: Packet) => void) | undefined;

  constructor(port: number) {
    this.socket = connect({ port, host: "127.0.0.1" });
    this.socket.on("data", (data) => {
      const packet = JSON.parse(data.toString()) as Packet;
      const told = this.waiting;
      this.waiting = undefined;
      if (told === undefined) this.packets.push(packet);
      else told(packet);
    });
  }

  send(action: string, data: unknown): void {
    const created = `${Math.floor(Date.now() / 1_000)}.4921875`;
    this.socket.write(
      `{"action": ${python(action)}, "data": ${python(data)}, "packet-created": ${created}, "token": ${python(this.token)}}`,
    );
  }

  async receive(): Promise<Packet> {
    const packet =
      this.packets.shift() ??
      (await new Promise<Packet>((resolve) => {
        this.waiting = resolve;
      }));
    if (packet.action === "handShake") {
      const data = packet.data as { uuid: string; remoteToken: string };
      this.token = data.uuid;
      this.remoteToken = data.remoteToken;
    }
    return packet;
  }
}

/** JSON as Python's `json.dumps` writes it: a blank behind `,` and `:`, and ASCII alone. */
function python(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(python).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value).map(([name, member]) => `${python(name)}: ${python(member)}`);
    return `{${members.join(", ")}}`;
  }
  const escaped = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(value).replace(/[^\x20-\x7e]/g, escaped);
}

describe("the pnetwork client", () => {
  const ports = serving();
  const sockets: Socket[] = [];

  async function client(): Promise<PnetworkClient> {
    const made = new PnetworkClient(tcpPort(ports(), "json-packet"));
    sockets.push(made.socket);
    await once(made.socket, "connect");
    return made;
  }

  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
  });

  const SUCCESS = {
    action: "handShake",
    data: { status: "success", uuid: expect.any(String), remoteToken: expect.any(String) },
    "packet-created": expect.any(Number),
    token: expect.any(String),
  };

  // [JSON-3.1] [JSON-3.2]
  test.each([null, {}, "hello", { name: "Grüße 🚀" }])("shakes hands with the data %j", async (data) => {
    const one = await client();
    one.send("handShake", data);
    const answer = await one.receive();
    expect(answer).toEqual(SUCCESS);
    expect([answer.token, one.remoteToken]).toEqual([one.remoteToken, answer.token]);
  });

  // [JSON-3.3]
  test("that waits for the server to speak first hears it after 500 ms, and is registered", async () => {
    const one = await client();
    const started = performance.now();
    expect(await one.receive()).toEqual(SUCCESS);
    expect(performance.now() - started).toBeGreaterThan(400);
    one.send("isAlive", true);
    expect(await one.receive()).toMatchObject({ action: "isAlive", data: true });
  });

  // [JSON-5.1] [JSON-5.2]
  test("sends packets of every kind of data and gets them back", async () => {
    const one = await client();
    one.send("handShake", {});
    await one.receive();
    for (const data of [
      null,
      0,
      -1.5,
      "a\nb\u2028🚀",
      [1, [2, {}]],
      { example: "this", nested: { more: [] } },
    ]) {
      one.send("PING", data);
      expect(await one.receive()).toMatchObject({ action: "PONG", data });
    }
  });

  // [JSON-1.1]
  test("may send two packets with nothing between them, which arrive as one", async () => {
    const one = await client();
    one.socket.cork();
    one.send("handShake", {});
    one.socket.write('{"action": "error"}{"action": "error"}');
    one.socket.uncork();
    expect(await one.receive()).toEqual(SUCCESS);
    one.send("PING", 1);
    expect(await one.receive()).toMatchObject({ action: "PONG", data: 1 });
  });

  // [JSON-2.4] [JSON-5.6]
  test("is told what is wrong in a packet, and goes on", async () => {
    const one = await client();
    one.send("handShake", {});
    await one.receive();
    one.send("auth", { username: "ann" });
    expect(await one.receive()).toMatchObject({ action: "error", data: { code: "unknown_action" } });
    const { token } = one;
    one.token = "00000000-0000-4000-8000-000000000000";
    one.send("PING", 1);
    expect(await one.receive()).toMatchObject({ action: "error", data: { code: "bad_token" } });
    one.token = token;
    one.send("PING", 2);
    expect(await one.receive()).toMatchObject({ action: "PONG", data: 2 });
  });

  // [JSON-5.3]
  test("says goodbye", async () => {
    const one = await client();
    one.send("handShake", {});
    await one.receive();
    one.send("disconnect", "bye");
    await once(one.socket, "close");
  });
});
