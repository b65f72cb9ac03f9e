import { describe, expect, test } from "vitest";
import { messageEvent } from "../src/events.ts";
import {
  accountNameProblem,
  addressKey,
  encodeOnce,
  MAX_NAME_LENGTH,
  nameKey,
  nameProblem,
  plainAddress,
  WindowCounter,
} from "../src/index.ts";

describe("names", () => {
  test.each(["a", "a b", "é", "日本", "a-b", "😀", "x".repeat(MAX_NAME_LENGTH)])(
    "%j may be a name",
    (name) => {
      expect(nameProblem(name, ":,")).toBeUndefined();
    },
  );

  test.each([
    ["", "empty"],
    ["a\0", "U+0000"],
    ["a\u001b[31m", "U+001B"],
    ["a\u007f", "U+007F"],
    ["a\u0085", "U+0085"],
    ["a\u200d", "U+200D"],
    ["a\u202e", "U+202E"],
    ["\ufeffa", "U+FEFF"],
    ["a:b", '":"'],
    ["a,b", '","'],
    ["x".repeat(MAX_NAME_LENGTH + 1), "at most"],
  ])("%j may not, and is told why", (name, why) => {
    expect(nameProblem(name, ":,")).toContain(why);
  });

  test.each([
    ["Ann", "ann"],
    ["ＡＮＮ", "ann"],
    ["ﬁne", "fine"],
  ])("%s and %s are one user", (a, b) => expect(nameKey(a)).toBe(nameKey(b)));

  test.each([
    ["an", "name_too_short"],
    ["", "name_too_short"],
    ["a b c", "invalid_name"],
    ["änn", "invalid_name"],
    ["x".repeat(33), "invalid_name"],
  ])("an account cannot be called %j", (name, code) => {
    expect(accountNameProblem(name)?.code).toBe(code);
  });

  test.each(["ann", "A_b-9", "x".repeat(32)])("an account can be called %s", (name) => {
    expect(accountNameProblem(name)).toBeUndefined();
  });
});

describe("addresses", () => {
  test.each([
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:0"],
    ["2001:db8:1:2ff:3:4:5:6", "2001:db8:1:2"],
    ["2001:db8::1", "2001:db8:0:0"],
    ["::1", "0:0:0:0"],
    ["fe80::1%eth0", "fe80:0:0:0"],
  ])("%s counts as %s", (address, key) => expect(addressKey(address)).toBe(key));

  test("an IPv4 address shown by a socket for both families is plain", () => {
    expect(plainAddress("::FFFF:192.0.2.1")).toBe("192.0.2.1");
    expect(plainAddress("::1")).toBe("::1");
  });
});

describe("a window counter", () => {
  test("counts up to its limit in each window", () => {
    const counter = new WindowCounter({ windowMs: 1_000 });
    expect([1, 2, 3].map(() => counter.take("a", 2, 0))).toEqual([true, true, false]);
    expect(counter.take("b", 2, 0)).toBe(true);
    expect(counter.take("a", 2, 1_000)).toBe(true);
  });

  test("gives back", () => {
    const counter = new WindowCounter({ windowMs: 1_000 });
    counter.take("a", 1, 0);
    counter.giveBack("a");
    expect(counter.take("a", 1, 0)).toBe(true);
  });

  test("holds a bounded number of keys, forgetting the oldest", () => {
    const counter = new WindowCounter({ windowMs: 1_000, maxKeys: 2 });
    for (const key of ["a", "b", "c"]) counter.take(key, 1, 0);
    expect(counter.take("c", 1, 0)).toBe(false);
    expect(counter.take("a", 1, 0)).toBe(true);
  });
});

test("an event is encoded once for each form, whoever asks first", () => {
  const calls: string[] = [];
  const forms = ["a", "b", "c"].map((name) => () => {
    calls.push(name);
    return new Uint8Array(1);
  });
  const event = messageEvent({ id: 1, name: "" }, "stream", new Uint8Array(0));
  const first = forms.map((form) => encodeOnce(event, form));
  const again = forms.map((form) => encodeOnce(event, form));
  expect(calls).toEqual(["a", "b", "c"]);
  for (const [i, bytes] of first.entries()) expect(again[i]).toBe(bytes);
});
