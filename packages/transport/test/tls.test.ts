import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { makeDevCertificate } from "../../../apps/server/src/dev-certificate.ts";
import {
  type Link,
  listenTls,
  type StreamService,
  type TlsListener,
  type TlsListenOptions,
} from "../src/index.ts";
import { bytes, echo, quiet, serviceOf } from "./web-sockets.ts";

const [first, second] = [makeDevCertificate(["localhost"]), makeDevCertificate(["localhost"])];
const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;
const folder = mkdtempSync(join(tmpdir(), "wireyard-tls-"));
afterAll(() => rmSync(folder, { recursive: true }));
const listeners: TlsListener[] = [];
const sockets: Socket[] = [];

afterEach(() => {
  for (const listener of listeners.splice(0)) listener.close();
  for (const socket of sockets.splice(0)) socket.destroy();
});

async function listen(service: StreamService, options: Partial<TlsListenOptions> = {}): Promise<TlsListener> {
  const listener = await listenTls(service, { ...first, port: 0, ...options });
  listeners.push(listener);
  return listener;
}

async function client(listener: TlsListener, options: { ca?: string } = {}): Promise<TLSSocket> {
  const ca = options.ca ?? first.cert;
  const socket = connectTls({ port: listener.port, host: "127.0.0.1", servername: "localhost", ca });
  sockets.push(socket);
  await once(socket, "secureConnect");
  return socket;
}

/** A connection that has not said anything yet. */
async function raw(listener: TlsListener): Promise<Socket> {
  const socket = createConnection({ port: listener.port, host: "127.0.0.1" });
  sockets.push(socket);
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

async function say(socket: Socket, text: string): Promise<string> {
  socket.write(text);
  const [answer] = (await once(socket, "data")) as [Buffer];
  return answer.toString();
}

describe("a TLS listener", () => {
  test("gives back bytes to a client that trusts its certificate, in TLS 1.3", async () => {
    let link: Link | undefined;
    const listener = await listen(
      serviceOf((accepted) => {
        link = accepted;
        echo.accept(accepted);
      }),
    );
    const socket = await client(listener);
    expect(socket.getProtocol()).toBe("TLSv1.3");
    expect(await say(socket, "hello")).toBe("hello");
    expect(link).toMatchObject({
      transport: "tls",
      remoteAddress: "127.0.0.1",
      remotePort: socket.localPort,
    });
  });

  test("brings five million bytes there and back, and ends behind them", async () => {
    const listener = await listen(echo, { maxQueuedBytes: 10_000_000 });
    const socket = await client(listener);
    const sent = Buffer.alloc(5_000_000).map((_, i) => i % 251);
    const received: Buffer[] = [];
    socket.on("data", (data: Buffer) => received.push(data));
    socket.end(sent);
    await once(socket, "end");
    expect(Buffer.concat(received).equals(sent)).toBe(true);
  });

  test("speaks no TLS older than 1.2", async () => {
    const listener = await listen(echo);
    for (const [version, works] of [
      ["TLSv1.2", true],
      ["TLSv1.1", false],
    ] as const) {
      const socket = connectTls({
        port: listener.port,
        host: "127.0.0.1",
        ca: first.cert,
        servername: "localhost",
        minVersion: "TLSv1",
        maxVersion: version,
        ciphers: "DEFAULT@SECLEVEL=0",
      });
      sockets.push(socket);
      const done = once(socket, "secureConnect").then(
        () => true,
        () => false,
      );
      expect(await done).toBe(works);
    }
  });

  test("shows another certificate after a reload, and drops nobody", async () => {
    const listener = await listen(echo);
    const before = await client(listener);
    listener.reload(second);
    expect(await say(before, "still here")).toBe("still here");
    const after = await client(listener, { ca: second.cert });
    expect(await say(after, "new")).toBe("new");
    await expect(client(listener, { ca: first.cert })).rejects.toMatchObject({ code: /SELF_SIGNED/ });
  });

  test("keeps its certificate where the new one cannot be used", async () => {
    const listener = await listen(echo);
    expect(() => listener.reload({ cert: first.cert, key: second.key })).toThrow(/key values mismatch/);
    expect(() => listener.reload({ cert: "no PEM", key: second.key })).toThrow();
    expect(await say(await client(listener), "hello")).toBe("hello");
  });

  test("closes a handshake at its deadline, though bytes of it drip in", async () => {
    const accepted: Link[] = [];
    const listener = await listen(
      serviceOf((link) => accepted.push(link)),
      { handshakeTimeoutMs: 200 },
    );
    const [silent, dripping] = [await raw(listener), await raw(listener)];
    const started = performance.now();
    // The head of a record of 512 bytes, and then a byte at a time.
    dripping.write(Uint8Array.of(22, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3));
    const drip = setInterval(() => dripping.write(Uint8Array.of(1)), 20);
    // Not `once` of node:events: to what drips in late the answer may be a reset, which is an end too.
    const gone = (socket: Socket): Promise<void> =>
      new Promise((resolve) => socket.once("close", () => resolve()));
    await Promise.all([gone(silent), gone(dripping)]);
    clearInterval(drip);
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(accepted).toEqual([]);
  });

  test("closes what speaks no TLS, and serves others", async () => {
    const listener = await listen(echo);
    const plain = await raw(listener);
    plain.write("0:ann:pw\n");
    plain.resume();
    await once(plain, "close");
    expect(await say(await client(listener), "hello")).toBe("hello");
  });

  test("asks before a handshake, with how many of that address have begun", async () => {
    const asked: number[] = [];
    const admits = (address: string, waiting: number): boolean => {
      expect(address).toBe("127.0.0.1");
      asked.push(waiting);
      return waiting < 2;
    };
    const listener = await listen(echo, { admits });
    const [one, , third] = [await raw(listener), await raw(listener), await raw(listener)];
    third.resume();
    await once(third, "close");
    expect(asked).toEqual([0, 1, 2]);
    const gone = once(one, "close");
    one.destroy();
    await gone;
    // Whose handshake is done waits no more.
    const served = async (): Promise<string> => say(await client(listener), "hello");
    await expect.poll(() => served().catch(() => "refused")).toBe("hello");
    expect(await served()).toBe("hello");
    expect(asked.slice(-2)).toEqual([1, 1]);
  });

  test("counts those who have begun by the part of an address that it is told to count by", async () => {
    const asked: [string, number][] = [];
    const keys = ["one", "another", "one", "another"];
    const listener = await listen(echo, {
      admits: (address, waiting) => asked.push([address, waiting]) > 0,
      addressKey: () => keys.shift() ?? "",
    });
    for (const one of [await raw(listener), await raw(listener), await raw(listener), await raw(listener)])
      expect(one.destroyed).toBe(false);
    await expect.poll(() => asked.map(([, waiting]) => waiting)).toEqual([0, 0, 1, 1]);
    expect(new Set(asked.map(([address]) => address))).toEqual(new Set(["127.0.0.1"]));
  });

  test("has the oldest of 1,000 handshakes make room for one more", async () => {
    const listener = await listen(echo);
    const oldest = await raw(listener);
    const closed = once(oldest.resume(), "close");
    const others: Socket[] = [];
    for (let i = 0; i < 999; i++) others.push((await raw(listener)).resume());
    expect(oldest.destroyed).toBe(false);
    expect(await say(await client(listener), "hello")).toBe("hello");
    await closed;
    expect(others.every(({ destroyed }) => !destroyed)).toBe(true);
  }, 20_000);

  test("closes handshakes when it closes, cuts links that do not go, and counts them", async () => {
    const links: Link[] = [];
    const listener = await listen(
      serviceOf((link) => {
        links.push(link);
        link.open(quiet);
      }),
    );
    const [handshaking, stays] = [await raw(listener), await client(listener)];
    stays.on("error", () => {});
    await expect.poll(() => links.length).toBe(1);
    const closed = once(handshaking.resume(), "close");
    listener.close();
    await closed;
    expect(await listener.gone(50)).toBe(1);
  });

  test("tells a peer that resets as closed, once", async () => {
    let told: (reason: string) => void = () => {};
    const closed = new Promise<string>((resolve) => {
      told = resolve;
    });
    const listener = await listen(
      serviceOf((link) => {
        link.open({ ...quiet, closed: told });
        link.write(bytes("welcome"));
      }),
    );
    const socket = await raw(listener);
    const secure = connectTls({ socket, servername: "localhost", ca: first.cert }).on("error", () => {});
    await once(secure, "data");
    socket.resetAndDestroy();
    expect(await closed).toBe("error");
  });

  test("refuses a key of another certificate", async () => {
    await expect(listen(echo, { key: second.key })).rejects.toThrow(/key values mismatch/);
  });
});

// The tool that anybody tries a TLS port with.
test.skipIf(!hasOpenssl)("openssl s_client is verified, and answered", async () => {
  const listener = await listen(
    serviceOf((link) => {
      link.open({ ...quiet, data: (chunk) => link.write(chunk.slice()), ended: () => link.end() });
      link.write(bytes("welcome\n"));
    }),
  );
  const args = ["s_client", "-quiet", "-no_ign_eof", "-verify_return_error", "-verify_hostname", "localhost"];
  const file = join(folder, "ca.pem");
  writeFileSync(file, first.cert);
  const child = spawn("openssl", [...args, "-CAfile", file, "-connect", `127.0.0.1:${listener.port}`]);
  let out = "";
  child.stdout.on("data", (data: Buffer) => {
    out += data;
    // It ends with its input, and would not wait for the answer.
    if (out === "welcome\n") child.stdin.write("hello\n");
    if (out.endsWith("hello\n")) child.stdin.end();
  });
  const [code] = await once(child, "close");
  expect([out, code]).toEqual(["welcome\nhello\n", 0]);
});
