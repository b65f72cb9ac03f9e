import type { BackplaneEvent, Member } from "@wireyard/session";
import { expect, test } from "vitest";
import { noCounts } from "../src/counters.ts";
import { Membership } from "../src/membership.ts";
import type { Reply, Uplink } from "../src/uplink.ts";

const ann: Member = { id: 1, name: "ann" };

/** An engine that answers every join; what rooms tell does not come of itself. */
function membership(): { members: Membership; told: string[] } {
  const told: string[] = [];
  let current = "";
  const uplink = {
    number: 1,
    buckets: 1,
    leaseMs: 10_000,
    isOpen: true,
    open: async () => {},
    settled: async () => {},
    bucketOf: () => 0,
    subscribe: async () => {},
    unsubscribe() {},
    async send(_bucket: number, _script: string, [id, name, room]: unknown[]): Promise<Reply> {
      const left = current;
      current = String(room);
      return ["joined", 1, 1, left, 1, 2, "", String(id), "1", String(name)];
    },
  } as unknown as Uplink;
  const emit = (event: BackplaneEvent): void =>
    void told.push(`${event.type} ${"room" in event && event.room}`);
  return { members: new Membership(uplink, noCounts(), "test", emit), told };
}

test("a move whose two rooms are told apart from each other is told whole, or not at all", async () => {
  const { members, told } = membership();
  expect(await members.join(ann, "one", "")).toBe(true);
  expect(told.splice(0)).toEqual(["joined one"]);
  const moved = members.join(ann, "two", "");
  // The engine has moved it, and has said so; then the connection breaks before room one tells of it.
  await new Promise((resolve) => setTimeout(resolve, 10));
  members.lost();
  await expect(moved).rejects.toMatchObject({ code: "unavailable" });
  expect(told).toEqual([]);
  expect([members.room("one")?.here.has(ann.id), members.room("two")]).toEqual([true, undefined]);
});

test("a move is told as a leave, then as a join", async () => {
  const { members, told } = membership();
  await members.join(ann, "one", "");
  const moved = members.join(ann, "two", "");
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(told).toEqual(["joined one"]);
  members.room("one")?.receive({ made: 1, seq: 2, type: "left", id: ann.id });
  expect(await moved).toBe(true);
  expect(told).toEqual(["joined one", "left one", "joined two"]);
});
