import { setImmediate as turn } from "node:timers/promises";
import { createHub } from "@wireyard/session";
import { type Link, memoryLinks } from "@wireyard/transport";
import { expect, onTestFinished, test, vi } from "vitest";
import { JsonPacketClient } from "../src/client.ts";
import { createEncryptKeys } from "../src/index.ts";
import { jsonPacket } from "../src/server.ts";
import { withAnn } from "./people.ts";

test("a handshake that still waits for its keys when its link is lost does not go on over the next link", async () => {
  const server = jsonPacket(createHub({ ...(await withAnn()) }), { encryptKeys: await createEncryptKeys() });
  let make = (): void => {};
  const asked = new Promise<void>((resolve) => {
    make = resolve;
  });
  const generate = crypto.subtle.generateKey.bind(crypto.subtle);
  const spy = vi.spyOn(crypto.subtle, "generateKey").mockImplementation((async (
    ...args: Parameters<typeof generate>
  ) => {
    await asked;
    return generate(...args);
  }) as typeof generate);
  onTestFinished(() => spy.mockRestore());

  let wire = "";
  let tries = 0;
  const connect = async (): Promise<Link> => {
    tries++;
    const [here, there] = memoryLinks({
      cut(bytes) {
        wire += new TextDecoder().decode(bytes);
        return [bytes];
      },
    });
    server.accept(here);
    return there;
  };
  const [first, other] = memoryLinks();
  other.open({ data() {}, ended: () => other.end(), drained() {}, closed() {} });
  const client = new JsonPacketClient(first, { encryption: "required", reconnect: { minMs: 1 }, connect });
  onTestFinished(() => client.close());
  const events = client[Symbol.asyncIterator]();
  const shaken = expect(client.handShake()).rejects.toThrow("the connection was lost before the answer");
  await expect.poll(() => spy.mock.calls.length).toBe(1);
  other.destroy();
  expect((await events.next()).value).toMatchObject({ type: "lost" });
  await expect.poll(() => tries).toBe(1);
  for (let i = 0; i < 6; i++) await turn();
  make();
  await shaken;
  expect((await events.next()).value).toEqual({ type: "back" });
  expect([tries, client.encrypted, wire.match(/"status":"continue"/g)?.length]).toEqual([1, true, 1]);
});
