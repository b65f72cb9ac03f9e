import type { AddressInfo } from "node:net";
import { createServer } from "node:tls";
import { expect, onTestFinished, test } from "vitest";
import { makeDevCertificate } from "../../../apps/server/src/dev-certificate.ts";
import { redisBackplane } from "../src/index.ts";

const pair = makeDevCertificate(["127.0.0.1"], { days: 1 });

/** A server that takes TLS alone, gives each command this answer, and tells the commands. */
async function tlsServer(answer: (command: string) => string, commands: string[] = []): Promise<number> {
  const server = createServer(pair, (socket) => {
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      commands.push(bytes.toString());
      socket.write(answer(bytes.toString()));
    });
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

test("with sentinels TLS is for them and for the master that they tell of", async () => {
  const master: string[] = [];
  const masterPort = await tlsServer(() => "-ERR enough is seen\r\n", master);
  const sentinels: string[] = [];
  const place = ["127.0.0.1", `${masterPort}`].map((text) => `$${text.length}\r\n${text}\r\n`).join("");
  const port = await tlsServer(
    (command) => (/get-master-addr/.test(command) ? `*2\r\n${place}` : "*0\r\n"),
    sentinels,
  );
  const backplane = redisBackplane({
    sentinels: { name: "main", addresses: [{ host: "127.0.0.1", port }] },
    connection: { password: "hunter2", tls: { ca: pair.cert } },
    report: () => {},
  });
  const node = backplane.open(() => {});
  onTestFinished(() => node.close());
  await expect(node.check()).rejects.toThrow();
  expect(sentinels.join("")).toContain("get-master-addr-by-name");
  expect(master.join("")).toContain("hunter2");
});
