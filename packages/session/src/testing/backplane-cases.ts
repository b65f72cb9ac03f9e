import type { Backplane, BackplaneEvent, BackplaneNode, Member } from "../backplane.ts";
import { type Case, same } from "./case.ts";

/** A node under test, with what it received as short words. */
interface Watched {
  node: BackplaneNode;
  /** `joined lobby 2 [1 2]`: the event, the room, who, and everybody in it afterwards. */
  seen: string[];
  /** Resolves when `seen` holds `count` events. */
  until(count: number): Promise<void>;
}

const WAIT_MS = 10_000;
const body = new Uint8Array([104, 105]);

/**
 * What every back plane must do.
 *
 * @param make a fresh back plane that no other case shares, and what ends it
 */
export function backplaneCases(
  make: () => Promise<{ backplane: Backplane; close(): Promise<void> }>,
): Case[] {
  const cases: Case[] = [];
  const add = (name: string, run: (open: () => Watched) => Promise<void>): void => {
    cases.push({
      name,
      async run() {
        const { backplane, close } = await make();
        const opened: Watched[] = [];
        try {
          await run(() => {
            const watched = watch(backplane);
            opened.push(watched);
            return watched;
          });
        } finally {
          for (const { node } of opened) await node.close();
          await close();
        }
      },
    });
  };

  add("a room is made by joining, and its members are told in join order", async (open) => {
    const a = open();
    same(await a.node.join(member(1), "lobby", ""), true, "join");
    await a.node.join(member(2), "lobby", "");
    await a.until(2);
    same(a.seen, ["joined lobby 1 [1]", "joined lobby 2 [1 2]"], "events");
    same(await a.node.rooms(""), [{ name: "lobby", members: 2, private: false }], "rooms");
  });

  add("the one who has been there longest comes first after the first has left", async (open) => {
    const a = open();
    for (const id of [1, 2, 3]) await a.node.join(member(id), "lobby", "");
    await a.node.leave(member(1));
    await a.until(4);
    same(a.seen[3], "left lobby 1 [2 3]", "event");
  });

  add("an empty room is gone, and may be made anew with another password", async (open) => {
    const a = open();
    await a.node.join(member(1), "den", "old");
    await a.node.leave(member(1));
    same(await a.node.allRooms(), [], "rooms");
    same(await a.node.join(member(2), "den", ""), true, "join");
  });

  add("joining another room leaves the first, in that order", async (open) => {
    const a = open();
    await a.node.join(member(1), "one", "");
    await a.node.join(member(1), "two", "");
    await a.until(3);
    same(a.seen, ["joined one 1 [1]", "left one 1 []", "joined two 1 [1]"], "events");
  });

  add("joining the room one is in changes nothing", async (open) => {
    const a = open();
    await a.node.join(member(1), "one", "");
    same(await a.node.join(member(1), "one", "other"), true, "join");
    await a.node.leave(member(1));
    await a.until(2);
    same(a.seen, ["joined one 1 [1]", "left one 1 []"], "events");
  });

  add("a wrong password is refused and changes nothing", async (open) => {
    const a = open();
    await a.node.join(member(1), "den", "secret");
    await a.node.join(member(2), "hall", "");
    same(await a.node.join(member(2), "den", "guess"), false, "with a guess");
    same(await a.node.join(member(2), "den", ""), false, "without one");
    same(
      (await a.node.allRooms()).map((room) => room.members),
      [1, 1],
      "counts",
    );
    same(await a.node.join(member(2), "den", "secret"), true, "with the password");
  });

  add("a password given for a public room is ignored", async (open) => {
    const a = open();
    await a.node.join(member(1), "hall", "");
    same(await a.node.join(member(2), "hall", "whatever"), true, "join");
    same(await a.node.rooms("whatever"), [{ name: "hall", members: 2, private: false }], "rooms");
  });

  add("private rooms are listed to those who know the password alone", async (open) => {
    const a = open();
    await a.node.join(member(1), "hall", "");
    await a.node.join(member(2), "den", "secret");
    await a.node.join(member(3), "vault", "other");
    same(
      (await a.node.rooms("")).map((room) => room.name),
      ["hall"],
      "without",
    );
    same(
      (await a.node.rooms("secret")).map((room) => room.name),
      ["hall", "den"],
      "with",
    );
    same((await a.node.allRooms()).length, 3, "all");
  });

  add("leaving without being in a room does nothing", async (open) => {
    const a = open();
    await a.node.leave(member(1));
    await a.node.join(member(2), "hall", "");
    await a.until(1);
    same(a.seen, ["joined hall 2 [2]"], "events");
  });

  add("nodes with members in a room are told of each other's, others are not", async (open) => {
    const [a, b, c] = [open(), open(), open()];
    await a.node.join(member(1), "lobby", "");
    await a.until(1);
    await b.node.join(member(2), "lobby", "");
    await Promise.all([a.until(2), b.until(1)]);
    await b.node.leave(member(2));
    await Promise.all([a.until(3), b.until(2)]);
    same(a.seen, ["joined lobby 1 [1]", "joined lobby 2 [1 2]", "left lobby 2 [1]"], "at a");
    same(b.seen, ["joined lobby 2 [1 2]", "left lobby 2 [1]"], "at b");
    same(c.seen, [], "at c");
  });

  add("a post goes to the other nodes, and with echo to its own too", async (open) => {
    const [a, b] = [open(), open()];
    await a.node.join(member(1), "lobby", "");
    await b.node.join(member(2), "lobby", "");
    await Promise.all([a.until(2), b.until(1)]);
    await a.node.post("lobby", { from: member(1), toSender: true, channel: "stream", body }, false);
    await b.until(2);
    await a.node.post("lobby", { from: member(1), toSender: false, channel: "datagram", body }, true);
    await Promise.all([a.until(3), b.until(3)]);
    same(a.seen[2], "post lobby 1 false datagram hi", "at a");
    same(b.seen.slice(1), ["post lobby 1 true stream hi", "post lobby 1 false datagram hi"], "at b");
  });

  add("posts with echo come in one order at all nodes", async (open) => {
    const [a, b] = [open(), open()];
    await a.node.join(member(1), "lobby", "");
    await b.node.join(member(2), "lobby", "");
    await Promise.all([a.until(2), b.until(1)]);
    const posts = [];
    for (let i = 0; i < 50; i++) {
      const text = new TextEncoder().encode(String(i));
      posts.push(
        a.node.post("lobby", { from: member(1), toSender: true, channel: "stream", body: text }, true),
      );
      posts.push(
        b.node.post("lobby", { from: member(2), toSender: true, channel: "stream", body: text }, true),
      );
    }
    await Promise.all(posts);
    await Promise.all([a.until(102), b.until(101)]);
    same(a.seen.slice(2), b.seen.slice(1), "order");
    same(new Set(a.seen.slice(2)).size, 100, "each once");
  });

  add("a post to a user reaches the other nodes that follow it", async (open) => {
    const [a, b, c] = [open(), open(), open()];
    await a.node.follow("ann");
    await b.node.follow("ann");
    await c.node.follow("ann");
    await c.node.unfollow("ann");
    await a.node.postToUser("ann", { from: "bob", fields: [body, new Uint8Array(0)] });
    await b.until(1);
    same(b.seen, ["user-post ann bob hi,"], "at b");
    same([a.seen, c.seen], [[], []], "at a and c");
  });

  add("a closed node's members have left", async (open) => {
    const [a, b] = [open(), open()];
    await a.node.join(member(1), "lobby", "");
    await b.node.join(member(2), "lobby", "");
    await b.until(1);
    await a.node.close();
    await b.until(2);
    same(b.seen, ["joined lobby 2 [1 2]", "left lobby 1 [2]"], "events");
  });

  return cases;
}

function member(id: number): Member {
  return { id, name: `user ${id}` };
}

function watch(backplane: Backplane): Watched {
  const seen: string[] = [];
  let waiters: { count: number; resolve(): void }[] = [];
  const node = backplane.open((event) => {
    seen.push(words(event));
    for (const waiter of waiters.filter(({ count }) => seen.length >= count)) waiter.resolve();
    waiters = waiters.filter(({ count }) => seen.length < count);
  });
  return {
    node,
    seen,
    until: (count) =>
      new Promise((resolve, reject) => {
        if (seen.length >= count) {
          resolve();
          return;
        }
        const timer = setTimeout(() => {
          reject(new Error(`${count} events expected, seen: ${seen.join(" | ")}`));
        }, WAIT_MS);
        waiters.push({
          count,
          resolve() {
            clearTimeout(timer);
            resolve();
          },
        });
      }),
  };
}

function words(event: BackplaneEvent): string {
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  switch (event.type) {
    case "post": {
      const { from, toSender, channel, body: said } = event.post;
      return `post ${event.room} ${from.id} ${toSender} ${channel} ${text(said)}`;
    }
    case "user-post":
      return `user-post ${event.user} ${event.post.from} ${event.post.fields.map(text).join(",")}`;
    default:
      return `${event.type} ${event.room} ${event.member.id} [${event.members.map(({ id }) => id).join(" ")}]`;
  }
}
