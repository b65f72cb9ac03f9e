import { decodeText, encodeText, LineDecoder } from "@wireyard/framing";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Link, readFrames } from "../src/index.ts";
import { type ClientSocket, openWebSocket } from "../src/websocket-client.ts";

/** A WebSocket that does what the test says. */
class FakeSocket implements ClientSocket {
  binaryType = "blob";
  bufferedAmount = 0;
  readonly sent: string[] = [];
  /** The code it was closed with; `none` for without. */
  closedWith: number | "none" | undefined;
  private readonly listeners: [string, (event: object) => void][] = [];

  send(bytes: Uint8Array): void {
    this.sent.push(decodeText(bytes) as string);
  }

  close(code?: number): void {
    this.closedWith ??= code ?? "none";
  }

  addEventListener(type: string, listener: (event: object) => void): void {
    this.listeners.push([type, listener]);
  }

  emit(type: string, event: object = {}): void {
    for (const [wanted, listener] of this.listeners) if (wanted === type) listener(event);
  }

  hear(text: string): void {
    this.emit("message", { data: encodeText(text).slice().buffer });
  }
}

/** An open link, and what its owner is told. */
async function opened(): Promise<{ link: Link; socket: FakeSocket; told: string[] }> {
  const socket = new FakeSocket();
  const opening = openWebSocket(new URL("ws://[::1]:80/x"), () => socket, undefined);
  socket.emit("open");
  const link = await opening;
  const told: string[] = [];
  link.open({
    data: (chunk) => told.push(decodeText(chunk) as string),
    ended: () => told.push("ended"),
    drained: () => told.push("drained"),
    closed: (reason) => told.push(`closed: ${reason}`),
  });
  return { link, socket, told };
}

/** Lets a tick end. */
async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
});
afterEach(() => {
  vi.useRealTimers();
});

test("what is written in a tick is one message, in arrays, and where the link ends comes before its close", async () => {
  const { link, socket, told } = await opened();
  expect([socket.binaryType, link.remoteAddress, link.remotePort]).toEqual(["arraybuffer", "::1", 80]);
  link.write(encodeText("one "));
  link.write(encodeText("two"));
  expect(link.queuedBytes).toBe(7);
  await settle();
  link.write(encodeText("three"));
  link.end();
  link.write(encodeText("four"));
  await settle();
  expect([socket.sent, socket.closedWith]).toEqual([["one two", "three"], 1000]);
  socket.emit("close", { wasClean: true });
  await settle();
  expect([told, vi.getTimerCount()]).toEqual([["closed: ended"], 0]);
});

test("messages of text mean their UTF-8", async () => {
  const { socket, told } = await opened();
  socket.emit("message", { data: "é" });
  expect(told).toEqual(["é"]);
});

test("what comes while nobody reads is held, up to a limit", async () => {
  const { link, socket, told } = await opened();
  link.pause();
  socket.hear("one");
  socket.hear("two");
  expect(told).toEqual([]);
  link.resume();
  expect(told).toEqual(["one", "two"]);
  link.pause();
  for (let i = 0; i < 5; i++) socket.emit("message", { data: new ArrayBuffer(1_048_576) });
  await settle();
  expect(told.slice(2)).toEqual(["closed: slow_reader"]);
  expect(socket.closedWith).toBe("none");
});

test("what comes while frames are worked off one by one is held, up to the same limit", async () => {
  const socket = new FakeSocket();
  const opening = openWebSocket(new URL("ws://localhost/x"), () => socket, undefined);
  socket.emit("open");
  const told: string[] = [];
  let go = (): void => {};
  const line = { fail: () => told.push("failed"), closed: (_: Link, reason: string) => told.push(reason) };
  readFrames(await opening, line, new LineDecoder({ maxLineBytes: 600_000 }), () => {
    told.push("line");
    return new Promise((resolve) => {
      go = resolve;
    });
  });
  const lines = `${"x".repeat(524_287)}\n`.repeat(2);
  for (let i = 1; i <= 4; i++) {
    socket.hear(lines);
    await settle();
    go();
    await settle();
  }
  expect(told).toEqual(["line", "line", "line", "line", "line"]);
  for (let i = 0; i < 4; i++) socket.hear(lines);
  await settle();
  expect(told.slice(5)).toEqual(["slow_reader"]);
});

test("the end comes behind what is held; a socket that failed has none", async () => {
  const clean = await opened();
  clean.link.pause();
  clean.socket.hear("last");
  clean.socket.emit("close", { wasClean: true });
  await settle();
  expect(clean.told).toEqual([]);
  clean.link.resume();
  clean.link.end();
  await settle();
  expect(clean.told).toEqual(["last", "ended", "closed: ended"]);
  const failed = await opened();
  failed.socket.emit("close", { wasClean: false });
  await settle();
  expect(failed.told).toEqual(["closed: error"]);
});

test("who waits for what was sent to leave is told, though a WebSocket does not tell", async () => {
  const { link, socket, told } = await opened();
  link.write(encodeText("much"));
  socket.bufferedAmount = 4;
  await settle();
  link.pause();
  vi.advanceTimersByTime(1_000);
  expect(told).toEqual([]);
  socket.bufferedAmount = 0;
  vi.advanceTimersByTime(20);
  expect([told, vi.getTimerCount()]).toEqual([["drained"], 0]);
});

test("a server that does not read is left", async () => {
  const { link, socket, told } = await opened();
  link.write(encodeText("x"));
  socket.bufferedAmount = 1_048_577;
  await settle();
  expect([told, socket.closedWith]).toEqual([["closed: slow_reader"], "none"]);
});

test("a server that does not close is left after 2 s", async () => {
  const { link, told } = await opened();
  link.end();
  await settle();
  vi.advanceTimersByTime(2_000);
  await settle();
  expect(told).toEqual(["closed: ended"]);
});
