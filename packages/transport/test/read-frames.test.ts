import { setImmediate as turn } from "node:timers/promises";
import { decodeText, encodeText, LineDecoder } from "@wireyard/framing";
import { expect, test } from "vitest";
import { type Link, memoryLinks, readFrames } from "../src/index.ts";

/** A link that is read line by line, the other end of it, and what is told. */
function stage(receive: (line: string, link: Link) => void | Promise<void>): { far: Link; told: string[] } {
  const [near, far] = memoryLinks();
  const told: string[] = [];
  const line = {
    fail: (error: unknown) => void told.push(`failed: ${(error as Error).message}`),
    closed: (_: Link, reason: string) => void told.push(`closed: ${reason}`),
  };
  readFrames(near, line, new LineDecoder({ maxLineBytes: 8 }), (frame) => {
    const text = decodeText(frame) as string;
    told.push(text);
    return receive(text, near);
  });
  far.open({ data() {}, ended: () => far.end(), drained() {}, closed() {} });
  return { far, told };
}

/** Lets what was written travel. */
async function settle(): Promise<void> {
  for (let i = 0; i < 6; i++) await turn();
}

test("frames come one by one, and the end of the other side ends the link", async () => {
  const { far, told } = stage(() => {});
  far.write(encodeText("one\ntw"));
  await settle();
  far.write(encodeText("o\n"));
  far.end();
  await settle();
  expect(told).toEqual(["one", "two", "closed: ended"]);
});

test("no frame comes while a promise of the one before is not settled", async () => {
  let go = (): void => {};
  const { far, told } = stage((line) => {
    if (line === "one") return new Promise((resolve) => (go = resolve));
  });
  far.write(encodeText("one\ntwo\n"));
  await settle();
  far.write(encodeText("three\n"));
  await settle();
  expect(told).toEqual(["one"]);
  go();
  await settle();
  expect(told).toEqual(["one", "two", "three"]);
});

test("no frame comes while the other side does not read", async () => {
  const { far, told } = stage((_, link) => link.write(new Uint8Array(300_000)));
  far.pause();
  far.write(encodeText("one\ntwo\n"));
  await settle();
  expect(told).toEqual(["one"]);
  far.resume();
  await settle();
  expect(told).toEqual(["one", "two"]);
});

test.each([
  ["a frame that is broken", "one\nmuch too long\nthree\n", "failed: a line is longer than 8 bytes"],
  ["what throws", "one\nthrow\nthree\n", "throw"],
  ["what rejects", "one\nreject\nthree\n", "reject"],
])("%s fails behind what came before, and nothing comes after it", async (_, text, end) => {
  const { far, told } = stage((line) => {
    if (line === "throw") throw new Error("thrown");
    if (line === "reject") return Promise.reject(new Error("rejected"));
  });
  far.write(encodeText(text));
  far.write(encodeText("more\n"));
  await settle();
  expect(told.slice(0, 2)).toEqual(["one", end]);
  expect(told.at(-1)).toMatch(/^failed: /);
});
