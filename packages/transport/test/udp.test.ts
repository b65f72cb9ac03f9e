import { createSocket } from "node:dgram";
import { once } from "node:events";
import { expect, test } from "vitest";
import { connectUdp, type DatagramSocket, listenUdp } from "../src/index.ts";

test("a datagram is answered, and one whose handler throws does not stop the socket", async () => {
  const failures: unknown[] = [];
  let socket: DatagramSocket | undefined;
  const bound = await listenUdp(
    {
      bound: (own) => {
        socket = own;
      },
      datagram(bytes, address, port) {
        if (bytes.length === 0) throw new Error("empty");
        socket?.send(bytes.slice().reverse(), address, port);
      },
      tick() {},
      failed: (error) => failures.push((error as Error).message),
    },
    { port: 0 },
  );
  const client = createSocket("udp4");
  try {
    client.send("", bound.port, "127.0.0.1");
    client.send("abc", bound.port, "127.0.0.1");
    const [answer] = await once(client, "message");
    expect(String(answer)).toBe("cba");
    expect(failures).toEqual(["empty"]);
  } finally {
    client.close();
    bound.close();
  }
});

test("a port in use is an error with its code", async () => {
  const service = { bound() {}, datagram() {}, tick() {}, failed() {} };
  const first = await listenUdp(service, { port: 0 });
  try {
    await expect(listenUdp(service, { port: first.port })).rejects.toMatchObject({ code: "EADDRINUSE" });
  } finally {
    first.close();
  }
});

test("a host name is looked up", async () => {
  const service = { bound() {}, datagram() {}, tick() {}, failed() {} };
  const bound = await listenUdp(service, { host: "localhost", port: 0 });
  expect(bound.port).toBeGreaterThan(0);
  bound.close();
});

test("a datagram link sends to its address, hears it alone, and goes on where its handler throws", async () => {
  const senders: number[] = [];
  const failures: unknown[] = [];
  const stranger = createSocket("udp4");
  let socket: DatagramSocket | undefined;
  const bound = await listenUdp(
    {
      bound: (own) => {
        socket = own;
      },
      datagram(bytes, address, port) {
        senders.push(port);
        // A stranger's first: had it been heard, it would come before the answer.
        stranger.send("stranger", port, address, () => socket?.send(bytes.slice(), address, port));
      },
      tick() {},
      failed: (error) => failures.push(error),
    },
    { port: 0 },
  );
  let heard: (text: string) => void = () => {};
  const link = await connectUdp(
    { address: "127.0.0.1", port: bound.port },
    {
      datagram(bytes) {
        heard(new TextDecoder().decode(bytes));
        if (bytes.length === 1) throw new Error("one byte");
      },
      failed: (error) => failures.push((error as Error).message),
    },
  );
  const exchange = (text: string): Promise<string> =>
    new Promise((resolve) => {
      heard = resolve;
      link.send(new TextEncoder().encode(text));
    });
  try {
    expect(await exchange("a")).toBe("a");
    expect(await exchange("abc")).toBe("abc");
    expect(new Set(senders).size).toBe(1);
    expect(failures).toEqual(["one byte"]);
  } finally {
    link.close();
    link.close();
    link.send(new Uint8Array(1));
    stranger.close();
    bound.close();
  }
});

test("a datagram link tells that nobody is there, and that an address cannot be had", async () => {
  const service = { bound() {}, datagram() {}, tick() {}, failed() {} };
  const { port, close } = await listenUdp(service, { port: 0 });
  close();
  let failed: (error: unknown) => void = () => {};
  const failure = new Promise<unknown>((resolve) => {
    failed = resolve;
  });
  const handlers = { datagram() {}, failed };
  const link = await connectUdp({ address: "127.0.0.1", port }, handlers);
  link.send(new Uint8Array(1));
  expect(await failure).toMatchObject({ code: "ECONNREFUSED" });
  link.close();
  await expect(connectUdp({ address: "255.255.255.255", port }, handlers)).rejects.toMatchObject({
    code: "EACCES",
  });
});
