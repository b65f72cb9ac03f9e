import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connectColonRelay } from "../packages/colon-relay/src/client.ts";
import { connectCommaCommand } from "../packages/comma-command/src/client.ts";
import { connectJsonPacket } from "../packages/json-packet/src/client.ts";
import { connectVarintState } from "../packages/varint-state/src/client.ts";

/** Takes connections, and says nothing. */
const server = createServer();
let port = 0;

beforeAll(async () => {
  await once(server.listen(0, "127.0.0.1"), "listening");
  port = (server.address() as AddressInfo).port;
});
afterAll(() => server.close());

describe.each([connectColonRelay, connectCommaCommand, connectJsonPacket, connectVarintState])(
  "$name to a server that says nothing",
  (connect) => {
    test.each(["tls", "ws"])("over %s rejects after its time limit, and leaves no socket", async (scheme) => {
      const accepted = once(server, "connection") as Promise<[Socket]>;
      const connecting = connect({ url: `${scheme}://127.0.0.1:${port}/`, timeoutMs: 500 });
      await expect(connecting).rejects.toThrow("no connection within 500 ms");
      const [socket] = await accepted;
      socket.on("error", () => {});
      if (!socket.resume().closed) await once(socket, "close");
      expect(socket.closed).toBe(true);
    });

    test("ends with the reason of its signal before that", async () => {
      const enough = new Error("enough");
      const stop = new AbortController();
      const accepted = once(server, "connection") as Promise<[Socket]>;
      const connecting = connect({ url: `tls://127.0.0.1:${port}`, signal: stop.signal });
      const ended = expect(connecting).rejects.toBe(enough);
      await accepted;
      stop.abort(enough);
      await ended;
    });
  },
);
