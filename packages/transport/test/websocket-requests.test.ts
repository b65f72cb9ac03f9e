import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { PassThrough } from "node:stream";
import { describe, expect, onTestFinished, test } from "vitest";
import { sameOrigin, type WebSocketOptions } from "../src/websocket.ts";
import { closeFrame, echo, frame, framesOf, nextLink, UPGRADE, WebPort } from "./web-sockets.ts";

async function open(service = echo, options: Partial<WebSocketOptions> = {}): Promise<WebPort> {
  const web = await WebPort.open(service, options);
  onTestFinished(() => web.close());
  return web;
}

const without = (name: string): string[] => UPGRADE.filter((header) => !header.startsWith(name));

describe("the request for a WebSocket", () => {
  test("is answered with the key's digest, without extension or subprotocol", async () => {
    const offers = ["Sec-WebSocket-Extensions: permessage-deflate", "Sec-WebSocket-Protocol: chat"];
    const { head } = await (await open()).request([...UPGRADE, ...offers], "/ws/echo?x=1");
    expect(head.split("\r\n")).toEqual([
      "HTTP/1.1 101 Switching Protocols",
      "Upgrade: websocket",
      "Connection: Upgrade",
      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
      "",
      "",
    ]);
  });

  test.each([
    ["/ws/other", UPGRADE, "404 Not Found"],
    ["/ws/echo/", UPGRADE, "404 Not Found"],
    ["/constructor", UPGRADE, "404 Not Found"],
    ["/ws/echo", without("Sec-WebSocket-Key"), "400 Bad Request"],
    ["/ws/echo", [...without("Sec-WebSocket-Key"), "Sec-WebSocket-Key: short"], "400 Bad Request"],
    ["/ws/echo", [...without("Sec-WebSocket-Version"), "Sec-WebSocket-Version: 12"], "400 Bad Request"],
    ["/ws/echo", [...without("Upgrade"), "Upgrade: h2c"], "400 Bad Request"],
    ["/ws/echo", [...UPGRADE, "Origin: http://elsewhere"], "403 Forbidden"],
  ])("to %s with %j is answered %s", async (path, headers, status) => {
    const web = await open(echo, { allows: sameOrigin() });
    const { head, socket } = await web.request(headers, path);
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status}\r\n`));
    await once(socket.resume(), "end");
  });

  test("is judged by its Origin", () => {
    const allows = sameOrigin(["https://app.example"]);
    const from = (origin: string | undefined): boolean =>
      allows({ headers: { host: "here:8080", ...(origin !== undefined && { origin }) } } as never);
    const origins = [
      undefined,
      "http://here:8080",
      "https://app.example",
      "http://here",
      "http://app.example",
      "null",
    ];
    expect(origins.map(from)).toEqual([true, true, true, false, false, false]);
  });

  test("may have frames right behind it", async () => {
    const web = await open();
    const behind = Buffer.concat([frame(2, "early"), closeFrame(1000)]);
    const { socket } = await web.request(UPGRADE, "/ws/echo", behind);
    const sent: Buffer[] = [];
    for await (const chunk of socket) sent.push(chunk as Buffer);
    expect(framesOf(Buffer.concat(sent)).map(({ payload }) => payload.toString("latin1"))).toEqual([
      "early",
      "\x03\xe8",
    ]);
  });

  test("is told once it has become one, and not where it is refused", async () => {
    const accepted: (number | undefined)[] = [];
    const web = await open(echo, { accepted: ({ remotePort }) => accepted.push(remotePort) });
    for (const [path, headers] of [
      ["/ws/other", UPGRADE],
      ["/ws/echo", without("Sec-WebSocket-Key")],
    ] as const)
      await web.request(headers, path);
    const { socket } = await web.request();
    expect(accepted).toEqual([socket.localPort]);
  });

  test.each([
    ["by us", "/ws/other", UPGRADE],
    ["by ws", "/ws/echo", without("Sec-WebSocket-Key")],
  ])("that is refused %s is closed, though its answer cannot leave", async (_, path, headers) => {
    const web = await open();
    web.server.on("request", (_request, response) => response.end(Buffer.alloc(16_000_000)));
    const client = createConnection({ port: web.port, host: "127.0.0.1" });
    const [served] = (await once(web.server, "connection")) as [Socket];
    client.on("error", () => {});
    client.pause();
    // In one chunk: behind an answer that does not leave, Node would not read on.
    const requests = ["GET / HTTP/1.1\r\nHost: here", `GET ${path} HTTP/1.1\r\n${headers.join("\r\n")}`];
    client.write(requests.map((request) => `${request}\r\n\r\n`).join(""));
    // Node's own limits end with the request for an upgrade.
    await once(web.server, "upgrade");
    const ended = once(web.server, "close");
    web.server.close();
    await once(served, "close");
    await ended;
    client.destroy();
  });

  test("is closed where Node gives no socket for it, as 26 does not while a body is to come", async () => {
    const web = await open();
    const stream = new PassThrough();
    web.server.emit("upgrade", { url: "/ws/echo", headers: {} }, stream, Buffer.alloc(0));
    expect(stream.destroyed).toBe(true);
  });

  test("is answered 503 once the server closes; links that are open stay until they are cut", async () => {
    const { service, link } = nextLink();
    const web = await open(service);
    await web.request();
    expect(await link).toMatchObject({ transport: "websocket", remoteAddress: "127.0.0.1" });
    web.sockets.close();
    expect((await web.request()).head).toMatch(/^HTTP\/1.1 503 /);
    expect(await web.sockets.gone(50)).toBe(1);
    expect(await web.sockets.gone(50)).toBe(0);
  });
});
