import {
  type Backplane,
  type BackplaneEvent,
  type BackplaneNode,
  type Member,
  NAMES_TOLD,
  type SessionSummary,
} from "../backplane.ts";
import { idOf } from "../ids.ts";
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
  const add = (
    name: string,
    run: (open: (sessions?: () => SessionSummary[]) => Watched) => Promise<void>,
  ): void => {
    cases.push({
      name,
      async run() {
        const { backplane, close } = await make();
        const opened: Watched[] = [];
        try {
          await run((sessions) => {
            const watched = watch(backplane, sessions);
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

  add("a join is done when its events have been received, and so is a leave", async (open) => {
    const a = open();
    await a.node.join(member(1), "one", "");
    same(a.seen, ["joined one 1 [1]"], "after the join");
    await a.node.join(member(1), "two", "");
    same(a.seen.slice(1), ["left one 1 []", "joined two 1 [1]"], "after the move");
    await a.node.leave(member(1));
    same(a.seen.slice(3), ["left two 1 []"], "after the leave");
  });

  add("calls for one member that are not awaited take effect in their order", async (open) => {
    const [a, b] = [open(), open()];
    const calls = [
      a.node.join(member(1), "one", ""),
      a.node.leave(member(1)),
      a.node.join(member(1), "two", ""),
      a.node.join(member(1), "one", ""),
    ];
    same(await Promise.all(calls), [true, undefined, true, true], "results");
    same(await b.node.allRooms(), [{ name: "one", members: 1, private: false }], "rooms");
  });

  add("many who join a new room at once are one room, told alike everywhere", async (open) => {
    const [a, b] = [open(), open()];
    const joins = Array.from({ length: 20 }, (_, i) =>
      (i % 2 === 0 ? a : b).node.join(member(i + 1), "lobby", ""),
    );
    await Promise.all(joins);
    await a.node.join(member(21), "lobby", "");
    same((await b.node.rooms(""))[0]?.members, 21, "count");
    const last = ({ seen }: Watched): string | undefined => seen.at(-1);
    await eventually(async () => same(last(b), last(a), "the last event"));
    for (const { seen } of [a, b]) same(new Set(seen).size, seen.length, "each once");
  });

  add("rooms and counts are the same wherever one asks", async (open) => {
    const [a, b, c] = [open(), open(), open()];
    await a.node.join(member(1), "lobby", "");
    await b.node.join(member(2), "lobby", "");
    await b.node.join(member(3), "den", "secret");
    const public_ = [{ name: "lobby", members: 2, private: false }];
    for (const { node } of [a, b, c]) {
      same(await node.rooms(""), public_, "public");
      same(await node.rooms("secret"), [...public_, { name: "den", members: 1, private: true }], "with it");
    }
    same(await c.node.join(member(4), "den", "guess"), false, "a wrong password at another node");
  });

  add("a room that ended is made anew elsewhere, and heard from its beginning", async (open) => {
    const [a, b] = [open(), open()];
    for (let i = 0; i < 3; i++) {
      await a.node.join(member(1), "lobby", "");
      await a.node.leave(member(1));
      await b.node.join(member(2), "lobby", "");
      await b.node.leave(member(2));
    }
    same(a.seen.length, 6, "at a");
    same(b.seen.slice(-2), ["joined lobby 2 [2]", "left lobby 2 []"], "at b");
  });

  add("posts of one sender keep their order, with echo and without", async (open) => {
    const [a, b] = [open(), open()];
    await a.node.join(member(1), "lobby", "");
    await b.node.join(member(2), "lobby", "");
    const texts = Array.from({ length: 100 }, (_, i) => String(i));
    for (const [i, text] of texts.entries()) {
      const post = {
        from: member(1),
        toSender: true,
        channel: "stream",
        body: new TextEncoder().encode(text),
      } as const;
      void a.node.post("lobby", post, i % 3 === 0);
    }
    await b.until(101);
    same(
      b.seen.slice(1),
      texts.map((text) => `post lobby 1 true stream ${text}`),
      "at b",
    );
  });

  add("nodes have numbers of their own", async (open) => {
    const nodes = [open(), open(), open()];
    for (const { node } of nodes) await node.check();
    const numbers = nodes.map(({ node }) => node.number);
    same(new Set(numbers).size, 3, "different");
    same(
      numbers.every((number) => number >= 1 && number <= 1_023),
      true,
      "in range",
    );
  });

  add("a post to members goes to the nodes of their ids, and nowhere else", async (open) => {
    const [a, b, c] = [open(), open(), open()];
    for (const { node } of [a, b, c]) await node.check();
    const ids = { a: idOf(a.node.number, 1), b1: idOf(b.node.number, 1), b2: idOf(b.node.number, 2) };
    const post = { from: member(1), toSender: true, channel: "stream", body } as const;
    await a.node.postToMembers([ids.b1, ids.a, ids.b2, 77], post);
    await Promise.all([a.until(1), b.until(1)]);
    same(a.seen, [`member-post ${ids.a} 1 hi`], "at a");
    same(b.seen, [`member-post ${ids.b1},${ids.b2} 1 hi`], "at b");
    same(c.seen, [], "at c");
  });

  add("every node lists the sessions of all, each once", async (open) => {
    const [a, b] = [open(() => [session(1), session(2)]), open(() => [session(3)])];
    for (const { node } of [a, b]) await node.check();
    const listed = async ({ node }: Watched): Promise<string> => {
      const nodes = await node.nodes();
      return nodes
        .map(
          ({ self, sessions }) =>
            `${self} ${sessions
              .map(({ id }) => id)
              .sort()
              .join(",")}`,
        )
        .join(" | ");
    };
    await eventually(async () => same(await listed(a), "true 1,2 | false 3", "at a"));
    await eventually(async () => same(await listed(b), "true 3 | false 1,2", "at b"));
  });

  add("every node knows how many sessions the others have, and some of their names", async (open) => {
    const atA = [session(1, ""), session(2)];
    const many = Array.from({ length: NAMES_TOLD + 1 }, (_, i) => session(10 + i));
    const [a, b, c] = [open(() => atA), open(() => many), open()];
    for (const { node } of [a, b, c]) await node.check();
    const known = ({ node }: Watched): string => {
      const { nodes, sessions, names } = node.elsewhere;
      return `${nodes} ${sessions} ${names.length}`;
    };
    const total = `2 ${2 + many.length} ${1 + NAMES_TOLD}`;
    await eventually(async () => same(known(c), total, "at c"));
    same(c.node.elsewhere.names.includes("user 2"), true, "a name of a's");
    await eventually(async () => same(known(a), `2 ${many.length} ${NAMES_TOLD}`, "at a"));
    await eventually(async () => same(known(b), "2 2 1", "at b"));
    atA.splice(1, 1, session(3), session(4));
    await eventually(async () => same(known(b), "2 3 2", "at b, after a change"));
    await a.node.close();
    await eventually(async () => same(known(b), "1 0 0", "at b, without a"));
  });

  add("a closed node's rooms have the next eldest for their master", async (open) => {
    const [a, b, c] = [open(), open(), open()];
    await a.node.join(member(1), "lobby", "");
    await b.node.join(member(2), "lobby", "");
    await c.node.join(member(3), "lobby", "");
    await a.node.close();
    await Promise.all([b.until(3), c.until(2)]);
    same(b.seen[2], "left lobby 1 [2 3]", "at b");
    same(c.seen[1], "left lobby 1 [2 3]", "at c");
    same(await c.node.rooms(""), [{ name: "lobby", members: 2, private: false }], "count");
  });

  return cases;
}

/** Tries until it holds: what a node knows of others may be a moment old. */
async function eventually(holds: () => Promise<void>): Promise<void> {
  for (const end = Date.now() + WAIT_MS; ; ) {
    try {
      await holds();
      return;
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

function session(id: number, name = `user ${id}`): SessionSummary {
  return { id, protocol: "test", name, remoteAddress: "192.0.2.1", openedAt: 1 };
}

function member(id: number): Member {
  return { id, name: `user ${id}` };
}

function watch(backplane: Backplane, sessions?: () => SessionSummary[]): Watched {
  const seen: string[] = [];
  let waiters: { count: number; resolve(): void }[] = [];
  const node = backplane.open((event) => {
    seen.push(words(event));
    for (const waiter of waiters.filter(({ count }) => seen.length >= count)) waiter.resolve();
    waiters = waiters.filter(({ count }) => seen.length < count);
  }, sessions);
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
    case "member-post":
      return `member-post ${event.to.join(",")} ${event.post.from.id} ${text(event.post.body)}`;
    case "members":
      return `members ${event.room} [${event.members.map(({ id }) => id).join(" ")}]`;
    default:
      return `${event.type} ${event.room} ${event.member.id} [${event.members.map(({ id }) => id).join(" ")}]`;
  }
}
