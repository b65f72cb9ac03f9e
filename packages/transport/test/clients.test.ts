import { describe, expect, test } from "vitest";
import { EventQueue, Requests } from "../src/index.ts";

describe("an event queue", () => {
  test("gives what came before and after iteration began, and ends behind it", async () => {
    const queue = new EventQueue<number>();
    queue.push(1);
    const seen: number[] = [];
    const reading = (async () => {
      for await (const event of queue) seen.push(event);
    })();
    queue.push(2);
    queue.push(3);
    queue.end();
    await reading;
    expect(seen).toEqual([1, 2, 3]);
  });

  test("forgets the oldest where nobody iterates, and says so where somebody is too slow", () => {
    const queue = new EventQueue<number>(2);
    expect([1, 2, 3].map((event) => queue.push(event))).toEqual([true, true, true]);
    queue[Symbol.asyncIterator]();
    expect(queue.push(4)).toBe(false);
  });

  test("forgets the oldest again where all who iterated have left", async () => {
    const queue = new EventQueue<number>(2);
    queue.push(1);
    const staying = queue[Symbol.asyncIterator]();
    for await (const event of queue) {
      expect(event).toBe(1);
      break;
    }
    expect([2, 3, 4].map((event) => queue.push(event))).toEqual([true, true, false]);
    await staying.return?.();
    // Who leaves twice has left once.
    await staying.return?.();
    expect(queue.push(5)).toBe(true);
    const events = queue[Symbol.asyncIterator]();
    expect([await events.next(), await events.next()].map(({ value }) => value)).toEqual([3, 5]);
    expect([6, 7, 8].map((event) => queue.push(event))).toEqual([true, true, false]);
  });
});

describe("requests", () => {
  test("are answered in their order, each by its kind", async () => {
    const requests = new Requests<"a" | "b", number>(1_000);
    const answers = [requests.ask("a"), requests.ask("b"), requests.ask("a")];
    for (const [kind, answer] of [
      ["b", 2],
      ["a", 1],
      ["a", 3],
    ] as const) {
      expect(requests.answer((asked) => asked === kind, answer)).toBe(true);
    }
    expect(await Promise.all(answers)).toEqual([1, 2, 3]);
    expect(requests.answer(() => true, 4)).toBe(false);
  });

  test("are refused one at a time", async () => {
    const requests = new Requests<"a", number>(1_000);
    const first = requests.ask("a");
    const second = requests.ask("a");
    requests.refuse(() => true, new Error("no"));
    requests.answer(() => true, 1);
    await expect(first).rejects.toThrow("no");
    expect(await second).toBe(1);
  });

  test("without an answer end after their time", async () => {
    const requests = new Requests<"a", number>(1);
    await expect(requests.ask("a")).rejects.toThrow("no answer to a within 1 ms");
  });

  test("are refused all at once where their link is gone", async () => {
    const requests = new Requests<"a", number>(1_000);
    const asked = [requests.ask("a"), requests.ask("a")];
    requests.refuseAll(new Error("gone"));
    for (const answer of asked) await expect(answer).rejects.toThrow("gone");
    expect(requests.answer(() => true, 1)).toBe(false);
  });
});
