import type { BackplaneEvent } from "@wireyard/session";
import { expect, test, vi } from "vitest";
import { FollowedRoom } from "../src/room.ts";
import type { OrderedMember } from "../src/wire.ts";

const member = (id: number): OrderedMember => ({ id, name: `user ${id}`, order: id });
const post = (id: number, seq: number): Parameters<FollowedRoom["receive"]>[0] => {
  const said = {
    from: member(id),
    toSender: true,
    channel: "stream",
    body: new Uint8Array(1),
  } as const;
  return { made: 1, seq, type: "post", post: { node: 2, echo: false, post: said } };
};

/** A room of node 1 with member 1, who is here, and 2; what it tells the hub comes as short words. */
function liveRoom(): { room: FollowedRoom; told: string[] } {
  const told: string[] = [];
  const room = new FollowedRoom("lobby", 0, {
    number: 1,
    emit: (event) => told.push(words(event)),
    leaves: () => true,
    joins() {},
    broken() {},
  });
  const members = [member(1), member(2)];
  room.here.add(1);
  room.start(1, 2, members, "live", { type: "joined", room: "lobby", member: member(1), members });
  told.length = 0;
  return { room, told };
}

function words(event: BackplaneEvent): string {
  const ids = "members" in event ? ` [${event.members.map(({ id }) => id).join(" ")}]` : "";
  if (event.type === "post") return `post ${event.post.from.id}`;
  return "member" in event ? `${event.type} ${event.member.id}${ids}` : `${event.type}${ids}`;
}

test("who speaks while the members are held back is told to have joined first, once", () => {
  const { room, told } = liveRoom();
  room.read();
  room.start(1, 5, [member(1), member(3), member(4)], "holding");
  room.receive(post(4, 6));
  room.receive(post(4, 7));
  expect(told).toEqual(["joined 4 [1 2 4]", "post 4", "post 4"]);
  room.show();
  expect(told.at(-1)).toBe("members [1 3 4]");
});

test("a leave from here while the members are held back does not tell of others by the way", () => {
  const { room, told } = liveRoom();
  room.here.add(2);
  room.read();
  room.start(1, 5, [member(1), member(2), member(3)], "holding");
  room.removeHere(2);
  room.show();
  expect(told).toEqual(["left 2 [1]", "members [1 3]"]);
});

test("whether an event was heard is known when it came, when it was missed, and when the connection is lost", async () => {
  const { room } = liveRoom();
  expect(room.reached(1, 2)).toBe(true);
  const heard = [3, 4, 5].map((seq) => room.reached(1, seq));
  room.receive(post(2, 3));
  room.receive(post(2, 5));
  const late = room.reached(1, 6);
  room.start(1, 5, [member(1), member(2)], "holding");
  room.receive(post(2, 6));
  const known = vi.fn();
  const all = Promise.all([...heard.slice(1), late]).finally(known);
  expect(await heard[0]).toBe(true);
  expect(known).not.toHaveBeenCalled();
  // The hub is told who is there before anybody acts on what was missed.
  room.show();
  expect(await all).toEqual([false, false, true]);
  const never = room.reached(1, 7);
  room.abandon();
  expect(await never).toBe(false);
});
