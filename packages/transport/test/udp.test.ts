import { createSocket } from "node:dgram";
import { once } from "node:events";
import { expect, test } from "vitest";
import { type DatagramSocket, listenUdp } from "../src/index.ts";

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
