import { describe, expect, it, onTestFinished, vi } from "vitest";
import { HttpConnections } from "../src/web/connections.ts";
import { Client } from "./sockets.ts";
import { startWebServer } from "./web-server.ts";

describe("the mounts", () => {
  const UPGRADE = {
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
  };

  it("speak the protocols over WebSocket, without the admin token, and are no HTTP connections", async () => {
    const server = await startWebServer();
    const sockets = Array.from(
      { length: 70 },
      () => new WebSocket(`ws://127.0.0.1:${server.port}/ws/colon-relay`),
    );
    onTestFinished(() => {
      for (const socket of sockets) socket.close();
    });
    await Promise.all(sockets.map((socket) => new Promise((open) => socket.addEventListener("open", open))));
    const [socket] = sockets as [WebSocket];
    const answer = new Promise((resolve) => socket.addEventListener("message", resolve));
    socket.send("0:ann:pw\n");
    await answer;
    const { rows } = await server.api("/api/sessions?user=ann");
    expect(rows).toMatchObject([{ protocol: "colon-relay", transport: "websocket", address: "127.0.0.1" }]);
    expect((await server.ask("/healthz")).status).toBe(200);
  });

  it("pass over offers of another protocol, and what asks for a WebSocket with a body", async () => {
    const { ask, port } = await startWebServer();
    const h2c = {
      connection: "Upgrade, HTTP2-Settings",
      upgrade: "h2c",
      "http2-settings": "AAMAAABkAAQAAP__",
    };
    expect(await ask("/healthz", { headers: h2c })).toMatchObject({ status: 200, body: "alive\n" });
    expect((await ask("/ws/colon-relay", { headers: h2c })).status).toBe(426);
    const head = Object.entries({ host: "127.0.0.1", ...UPGRADE }).map(
      ([name, value]) => `${name}: ${value}`,
    );
    // The body is still to come: that is when Node 26 has no socket to give.
    for (const header of ["content-length: 5", "transfer-encoding: chunked"]) {
      const client = new Client(port);
      client.send(`GET /ws/colon-relay HTTP/1.1\r\n${[...head, header].join("\r\n")}\r\n\r\n`);
      expect(await client.receive(/for WebSockets\n/)).toMatch(/^HTTP\/1\.1 426 /);
    }
    expect((await ask("/healthz")).status).toBe(200);
  });

  it("leave the connections of HTTP when they are accepted; what is refused is one of these until it is closed", async () => {
    const { ask, port } = await startWebServer();
    const { leave } = HttpConnections.prototype;
    let leftAlive = 0;
    const left = vi.spyOn(HttpConnections.prototype, "leave").mockImplementation(function (
      this: HttpConnections,
      socket,
    ) {
      if (!socket.destroyed) leftAlive++;
      leave.call(this, socket);
    });
    onTestFinished(() => left.mockRestore());
    expect((await ask("/ws/none", { headers: UPGRADE })).status).toBe(404);
    expect(leftAlive).toBe(0);
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws/colon-relay`);
    onTestFinished(() => socket.close());
    await new Promise((open) => socket.addEventListener("open", open));
    expect(leftAlive).toBe(1);
  });

  it("are refused to pages of others, and to other names", async () => {
    const { ask, port } = await startWebServer();
    const status = async (headers: Record<string, string>) =>
      (await ask("/ws/colon-relay", { headers: { ...UPGRADE, ...headers } })).status;
    expect(await status({ origin: "http://evil.example" })).toBe(403);
    expect(await status({ host: "evil.example", origin: "http://evil.example" })).toBe(403);
    expect(await status({ host: `evil.example:${port}` })).toBe(403);
    expect((await ask("/ws/none", { headers: UPGRADE })).status).toBe(404);
  });
});
