import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CATEGORIES, type Case } from "./rfc6455.ts";
import { echo, type Frame, WebPort } from "./web-sockets.ts";

const plain = (text: string | Uint8Array): string => Buffer.from(text as string).toString("hex");

/** What came back, as a case tells it. */
function told(frames: readonly Frame[]): { echoed: string; pongs: string[]; closed: unknown } {
  const close = frames.at(-1);
  expect(frames.map(({ opcode }) => opcode).indexOf(8)).toBe(frames.length - 1);
  return {
    echoed: frames
      .filter(({ opcode }) => opcode === 2)
      .map(({ payload }) => plain(payload))
      .join(""),
    pongs: frames.filter(({ opcode }) => opcode === 10).map(({ payload }) => plain(payload)),
    closed: close?.payload.length === 0 ? "none" : close?.payload.readUInt16BE(0),
  };
}

const wanted = ({ echoed = "", pongs = [], closed }: Case): unknown => ({
  echoed: plain(echoed),
  pongs: pongs.map(plain),
  closed,
});

describe.each([true, false])("RFC 6455, direct: %s", (direct) => {
  let web: WebPort;
  beforeAll(async () => {
    web = await WebPort.open(echo, { direct });
  });
  afterAll(() => web.close());

  describe.each(Object.entries(CATEGORIES))("%s", (_name, cases) => {
    test.each(cases)("$name", async (one) => {
      const all = Buffer.concat(one.frames);
      expect(told(await web.converse([all]))).toEqual(wanted(one));
      expect(told(await web.converse(one.frames))).toEqual(wanted(one));
      if (all.length > 2_000) return;
      const dribbled = Array.from(all, (_, i) => all.subarray(i, i + 1));
      expect(told(await web.converse(dribbled))).toEqual(wanted(one));
    });
  });
});
