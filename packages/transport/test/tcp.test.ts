import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { connect, connectTcp, type Link, type Listener, listenTcp } from "../src/index.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const listeners: Listener[] = [];
const sockets: Socket[] = [];

afterEach(() => {
  for (const listener of listeners.splice(0)) listener.close();
  for (const socket of sockets.splice(0)) socket.destroy();
});

async function listenAs(
  direct: boolean,
  accept: (link: Link) => void,
  maxQueuedBytes?: number,
): Promise<Listener> {
  const listener = await listenTcp(
    { accept, tick() {} },
    { port: 0, direct, ...(maxQueuedBytes !== undefined && { maxQueuedBytes }) },
  );
  listeners.push(listener);
  return listener;
}

async function raw(listener: Listener): Promise<Socket> {
  const socket = createConnection({ port: listener.port, host: "127.0.0.1", allowHalfOpen: true });
  sockets.push(socket);
  await once(socket, "connect");
  return socket;
}

const quiet = { data() {}, ended() {}, drained() {}, closed() {} };

async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

describe.each([true, false])("a TCP link, direct: %s", (direct) => {
  test("sends in order what several links were given, shared or not", async () => {
    const links: Link[] = [];
    let both: () => void = () => {};
    const ready = new Promise<void>((resolve) => {
      both = resolve;
    });
    const listener = await listenAs(direct, (link) => {
      link.open(quiet);
      if (links.push(link) === 2) both();
    });
    const clients = [await raw(listener), await raw(listener)];
    await ready;
    const [a, b] = links as [Link, Link];
    const [x, y, z] = ["x", "y", "z"].map(bytes) as [Uint8Array, Uint8Array, Uint8Array];
    for (const link of [a, b]) link.write(x);
    a.write(y);
    for (const link of [a, b]) link.write(z);
    b.write(y);
    for (const link of [a, b]) link.end();
    const seen = await Promise.all(clients.map(readAll));
    expect(seen.map(String).sort()).toEqual(["xyz", "xzy"]);
  });

  test("is not read on in a tick that has much to write, and misses nothing", async () => {
    const sent = Buffer.alloc(1_048_576, "x");
    const much = new Uint8Array(5_000_000);
    let [received, inTick, mostInTick] = [0, 0, 0];
    const listener = await listenAs(
      direct,
      (link) =>
        link.open({
          ...quiet,
          data(chunk) {
            received += chunk.length;
            mostInTick = Math.max(mostInTick, ++inTick);
            if (inTick === 1)
              setImmediate(() => {
                inTick = 0;
              });
            link.write(much);
          },
          ended: () => link.end(),
        }),
      Number.MAX_SAFE_INTEGER,
    );
    const client = await raw(listener);
    client.end(sent);
    let answered = 0;
    for await (const chunk of client) answered += (chunk as Buffer).length;
    expect(received).toBe(sent.length);
    expect(answered % much.length).toBe(0);
    expect(mostInTick).toBeLessThan(3);
  });

  test("ends only when its last words are out, though the peer's are unread", async () => {
    const listener = await listenAs(direct, (link) => {
      link.open({
        ...quiet,
        data() {
          link.write(bytes("refused"));
          link.end();
        },
      });
    });
    const client = await raw(listener);
    client.write(Buffer.alloc(1_000_000));
    expect(String(await readAll(client))).toBe("refused");
  });

  test("cuts a reader whose queue passes the cap, and tells why", async () => {
    const reason = new Promise((resolve) => {
      listenAs(
        direct,
        (link) => {
          link.open({ ...quiet, closed: resolve });
          const chunk = new Uint8Array(1_000_000);
          const more = setInterval(() => link.write(chunk), 1);
          setTimeout(() => clearInterval(more), 5_000).unref();
        },
        2_000_000,
      ).then(async (listener) => {
        const client = await raw(listener);
        client.on("error", () => {});
        client.pause();
      });
    });
    expect(await reason).toBe("slow_reader");
  });

  test("tells a half-closed peer as ended, and can still answer", async () => {
    const listener = await listenAs(direct, (link) => {
      link.open({
        ...quiet,
        ended() {
          link.write(bytes("bye"));
          link.end();
        },
      });
    });
    const client = await raw(listener);
    client.end();
    expect(String(await readAll(client))).toBe("bye");
  });

  test("tells a reset peer as closed, once", async () => {
    let closed = 0;
    const gone = new Promise<void>((resolve) => {
      listenAs(direct, (link) => {
        link.open({
          ...quiet,
          closed() {
            closed++;
            resolve();
          },
        });
      }).then(async (listener) => (await raw(listener)).resetAndDestroy());
    });
    await gone;
    expect(closed).toBe(1);
  });

  test("reads no more while it is paused, and goes on where it was", async () => {
    const seen: string[] = [];
    let paused: () => void = () => {};
    const first = new Promise<void>((resolve) => {
      paused = resolve;
    });
    let link: Link | undefined;
    const ended = new Promise<void>((resolve) => {
      listenAs(direct, (accepted) => {
        link = accepted;
        accepted.open({
          ...quiet,
          data(chunk) {
            seen.push(String(Buffer.from(chunk)));
            accepted.pause();
            paused();
          },
          ended() {
            accepted.end();
            resolve();
          },
        });
      }).then(async (listener) => {
        const client = await raw(listener);
        client.write("one");
        await first;
        client.end("two");
        await new Promise((after) => setImmediate(after));
        expect(seen).toEqual(["one"]);
        link?.resume();
      });
    });
    await first;
    while (seen.length < 2) await new Promise((after) => setImmediate(after));
    link?.resume();
    await ended;
    expect(seen.join("")).toBe("onetwo");
  });

  test("brings a large answer to a slow reader whole, and tells the paused owner when it has left", async () => {
    const large = new Uint8Array(5_000_000).map((_, i) => i);
    let drained = 0;
    const listener = await listenAs(
      direct,
      (link) => {
        const goOn = (): void => {
          drained++;
          link.resume();
        };
        link.open({ ...quiet, drained: goOn, ended: () => link.end() });
        link.pause();
        link.write(large.subarray(0, 3_000_000));
        setImmediate(() => setImmediate(() => link.write(large.subarray(3_000_000))));
      },
      10_000_000,
    );
    const client = await raw(listener);
    let bytes = 0;
    client.on("data", (data: Buffer) => {
      for (const byte of data) if (byte !== (bytes++ & 255)) client.destroy(new Error("a wrong byte"));
      if (bytes === large.length) client.end();
    });
    await once(client, "close");
    expect(bytes).toBe(large.length);
    expect(drained).toBeGreaterThan(0);
  });

  test("a closed listener lets its links go, and cuts those that do not", async () => {
    const listener = await listenAs(direct, (link) => link.open({ ...quiet, ended: () => link.end() }));
    const [goes, stays] = [await raw(listener), await raw(listener)];
    // Both are accepted once the second is answered: connecting is in order.
    await new Promise((after) => setImmediate(after));
    listener.close();
    goes.end();
    stays.on("error", () => {});
    expect(await listener.gone(200)).toBe(1);
    expect(await listener.gone(200)).toBe(0);
  });

  test("a port in use is an error with its code", async () => {
    const listener = await listenAs(direct, () => {});
    await expect(listenTcp({ accept() {}, tick() {} }, { port: listener.port })).rejects.toMatchObject({
      code: "EADDRINUSE",
    });
  });
});

describe("connecting", () => {
  test("by URL reaches a listener", async () => {
    const accepted: Link[] = [];
    const listener = await listenAs(true, (link) => {
      accepted.push(link);
      link.open(quiet);
      link.end();
    });
    const link = await connect({ url: `tcp://127.0.0.1:${listener.port}` });
    await new Promise<void>((resolve) =>
      link.open({ ...quiet, ended: () => link.end(), closed: () => resolve() }),
    );
    expect(link.remotePort).toBe(listener.port);
  });

  test("to nobody is an error with its code", async () => {
    const listener = await listenAs(true, () => {});
    listener.close();
    await expect(connectTcp({ host: "127.0.0.1", port: listener.port })).rejects.toMatchObject({
      code: "ECONNREFUSED",
    });
  });

  test.each(["http://localhost:1", "tcp://localhost", "localhost:3290"])(
    "%s is refused with what would do",
    async (url) => {
      await expect(connect({ url })).rejects.toThrow("tcp://host:port");
    },
  );

  test("an aborted signal ends it with its reason", async () => {
    await expect(
      connect({ url: "tcp://127.0.0.1:1", signal: AbortSignal.abort(new Error("changed my mind")) }),
    ).rejects.toThrow("changed my mind");
  });
});
