import { LineDecoder, ProtocolError } from "@wireyard/framing";
import { describe, expect, test } from "vitest";
import { type Link, memoryLinks, pump } from "../src/index.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (chunk: Uint8Array): string => new TextDecoder().decode(chunk);

/** Resolves when the immediates and microtasks queued so far have run. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A pumped server side, and the client's end of the link. */
function setUp(handle: (line: string, link: Link) => void | Promise<void>): {
  client: Link;
  received: string[];
  log: string[];
} {
  const [server, client] = memoryLinks();
  const received: string[] = [];
  const log: string[] = [];
  pump(server, new LineDecoder({ maxLineBytes: 10 }), {
    event: (line) => handle(text(line), server),
    settled: (partial, events) => log.push(`settled ${partial} ${events}`),
    ended: () => log.push("ended"),
    failed: (error) =>
      log.push(`failed ${error instanceof ProtocolError ? error.code : (error as Error).message}`),
    closed: (reason) => log.push(`closed ${reason}`),
  });
  client.open({
    data: (chunk) => received.push(text(chunk)),
    ended: () => received.push("<end>"),
    drained() {},
    closed: () => received.push("<closed>"),
  });
  return { client, received, log };
}

describe("the pump", () => {
  test("hands on one event at a time, and answers of one tick leave together", async () => {
    const { client, received, log } = setUp((line, link) => link.write(bytes(`<${line}>`)));
    client.write(bytes("a\nb\nc"));
    await turn();
    await turn();
    expect(received).toEqual(["<a><b>"]);
    expect(log).toEqual(["settled true 2"]);
  });

  test("tells that the peer has ended its sending, when all of it was worked off", async () => {
    const { client, log } = setUp(() => {});
    client.write(bytes("a\nb"));
    client.end();
    await turn();
    await turn();
    expect(log).toEqual(["settled true 1", "ended", "closed ended"]);
  });

  test("waits for a handler's promise before the next event", async () => {
    const order: string[] = [];
    const release: (() => void)[] = [];
    const { client } = setUp((line) => {
      order.push(line);
      if (line === "wait") return new Promise((resolve) => release.push(resolve));
    });
    client.write(bytes("a\nwait\nb\n"));
    await turn();
    client.write(bytes("c\n"));
    await turn();
    await turn();
    expect(order).toEqual(["a", "wait"]);
    release[0]?.();
    await turn();
    expect(order).toEqual(["a", "wait", "b", "c"]);
  });

  test("tells good events before a broken one, and none behind it", async () => {
    const order: string[] = [];
    const { client, log } = setUp((line) => void order.push(line));
    client.write(bytes("good\nmuch too long a line\nafter\n"));
    client.write(bytes("more\n"));
    await turn();
    await turn();
    expect(order).toEqual(["good"]);
    expect(log).toEqual(["failed too_long"]);
  });

  test("tells a handler that throws, and one that rejects, as failed", async () => {
    const thrown = setUp(() => {
      throw new Error("thrown");
    });
    const rejected = setUp(() => Promise.reject(new Error("rejected")));
    for (const { client } of [thrown, rejected]) client.write(bytes("a\nb\n"));
    await turn();
    await turn();
    expect(thrown.log).toEqual(["failed thrown"]);
    expect(rejected.log).toEqual(["settled false 1", "failed rejected"]);
  });

  test("answers what came before the other side's end, then ends", async () => {
    const release: (() => void)[] = [];
    const { client, received, log } = setUp(async (line, link) => {
      await new Promise<void>((resolve) => release.push(resolve));
      link.write(bytes(line));
    });
    client.write(bytes("last\n"));
    client.end();
    await turn();
    await turn();
    release[0]?.();
    await turn();
    await turn();
    // The memory link's end closes both ways; what matters is that the request was handled and the pump ended.
    expect(received.at(-1)).toBe("<closed>");
    expect(log.at(-1)).toBe("closed ended");
  });

  test("stops handling a peer's requests while it does not read the answers", async () => {
    let handled = 0;
    const { client, received } = setUp((_, link) => {
      handled++;
      link.write(new Uint8Array(100_000));
    });
    client.pause();
    client.write(bytes("a\n".repeat(10)));
    await turn();
    await turn();
    expect(handled).toBe(3);
    client.resume();
    for (let i = 0; i < 20 && received.length < 4; i++) await turn();
    expect(handled).toBe(10);
  });
});
