import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { decodeText, encodeText, ProtocolError } from "@wireyard/framing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeDevCertificate } from "../../../apps/server/src/dev-certificate.ts";
import { connect as connectInBrowser, connectUdp as connectUdpInBrowser } from "../src/browser.ts";
import { type ConnectOptions, connect, type Link, listenTcp, listenTls } from "../src/index.ts";
import { acceptWebSockets } from "../src/websocket.ts";
import { echo } from "./web-sockets.ts";

const certificate = makeDevCertificate(["localhost"]);
const ca = certificate.cert;
const pin = new X509Certificate(ca).fingerprint256;
const urls = { tcp: "", tls: "", ws: "", wss: "" };
const closing: (() => void)[] = [];

beforeAll(async () => {
  const [tcp, tls] = [await listenTcp(echo, { port: 0 }), await listenTls(echo, { port: 0, ...certificate })];
  closing.push(
    () => tcp.close(),
    () => tls.close(),
  );
  urls.tcp = `tcp://localhost:${tcp.port}`;
  urls.tls = `tls://localhost:${tls.port}`;
  for (const [scheme, server] of [
    ["ws", createServer()],
    ["wss", createTlsServer(certificate)],
  ] as const) {
    const sockets = await acceptWebSockets(server, { mounts: { "/echo": echo }, allows: () => true });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    urls[scheme] = `${scheme}://localhost:${(server.address() as AddressInfo).port}/echo`;
    closing.push(() => {
      sockets.close();
      server.close();
    });
  }
});

afterAll(() => {
  for (const close of closing) close();
});

/** Says something, and hears it; then closes. Gives what was heard, and the reason of the closing. */
async function talk(link: Link): Promise<string[]> {
  let heard = "";
  return new Promise((resolve) => {
    link.open({
      data(chunk) {
        heard += decodeText(chunk);
        if (heard.length === 5) link.end();
      },
      ended: () => link.end(),
      drained() {},
      closed: (reason) => resolve([link.transport, heard, reason]),
    });
    link.write(encodeText("hel"));
    const rest = encodeText("llo");
    link.copy(rest, 1, 3);
  });
}

describe("a link", () => {
  test.each<[string, keyof typeof urls, string, Omit<ConnectOptions, "url">]>([
    ["over TCP", "tcp", "tcp", {}],
    ["over TLS, of a server whose authority is named", "tls", "tls", { tls: { ca } }],
    ["over TLS, of a server whose certificate is pinned", "tls", "tls", { tls: { pin } }],
    ["over WebSocket", "ws", "websocket", {}],
    ["over WebSocket with TLS, of an authority that is named", "wss", "websocket", { tls: { ca } }],
    ["over WebSocket with TLS, pinned", "wss", "websocket", { tls: { pin } }],
  ])("%s says, hears and ends", async (_, scheme, transport, options) => {
    expect(await talk(await connect({ url: urls[scheme], ...options }))).toEqual([
      transport,
      "hello",
      "ended",
    ]);
  });

  test("in a browser is over WebSocket, and over nothing else", async () => {
    expect(await talk(await connectInBrowser({ url: urls.ws }))).toEqual(["websocket", "hello", "ended"]);
    for (const url of [urls.tcp, urls.tls]) {
      await expect(connectInBrowser({ url })).rejects.toThrow(
        "is not served here; use ws://host:port/path or wss://host:port/path",
      );
    }
    await expect(connectInBrowser({ url: urls.wss, tls: { pin } })).rejects.toThrow(TypeError);
    await expect(connectUdpInBrowser()).rejects.toThrow("browsers have no UDP");
  });
});

describe("connecting", () => {
  test.each(["tls", "wss"] as const)("over %s refuses a server that nobody vouches for", async (scheme) => {
    await expect(connect({ url: urls[scheme] })).rejects.toThrow();
    await expect(connect({ url: urls[scheme], tls: { servername: "elsewhere", ca } })).rejects.toMatchObject({
      code: "ERR_TLS_CERT_ALTNAME_INVALID",
    });
    const other = pin.replace(/^../, pin.startsWith("00") ? "01" : "00");
    // By its class a client that comes back knows that to try again is of no use.
    const refused = connect({ url: urls[scheme], tls: { pin: other } });
    await expect(refused).rejects.toBeInstanceOf(ProtocolError);
    await expect(refused).rejects.toMatchObject({ code: "bad_pin" });
    await expect(connect({ url: urls[scheme], tls: { pin: "abc" } })).rejects.toThrow("64 hex digits");
  });

  test.each(["tcp", "tls", "ws"] as const)("over %s to nobody tells Node's code", async (scheme) => {
    const nobody = await listenTcp(echo, { port: 0 });
    nobody.close();
    await expect(connect({ url: `${scheme}://127.0.0.1:${nobody.port}` })).rejects.toMatchObject({
      code: "ECONNREFUSED",
    });
  });

  test.each(["tcp", "tls", "ws"] as const)("over %s ends with the reason of its signal", async (scheme) => {
    const enough = new Error("enough");
    const options = { url: urls[scheme], tls: { ca } };
    await expect(connect({ ...options, signal: AbortSignal.abort(enough) })).rejects.toBe(enough);
    const stop = new AbortController();
    const connecting = connect({ ...options, signal: stop.signal });
    setTimeout(() => stop.abort(enough));
    await expect(connecting.then((link) => talk(link).then(() => Promise.reject(enough)))).rejects.toBe(
      enough,
    );
  });

  test.each([
    ["http://localhost:1", "http:// is not served here; use tcp://host:port or tls://host:port or ws://"],
    ["tcp://localhost", "names no port; use tcp://host:port"],
    ["localhost:3290", "is not served"],
    ["nowhere", "Invalid URL"],
  ])("to %s says what would be right", async (url, told) => {
    await expect(connect({ url })).rejects.toThrow(told);
  });

  test("to a path that is not served is refused", async () => {
    await expect(connect({ url: urls.ws.replace("/echo", "/nothing") })).rejects.toThrow(
      "no WebSocket could be opened to",
    );
  });
});
