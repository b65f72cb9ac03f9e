import {
  type Backplane,
  type BackplaneEvent,
  type BackplaneNode,
  type Member,
  nodeOfId,
} from "@wireyard/session";
import type { Invariant } from "./checker.ts";
import type { Sabotage } from "./world.ts";

type Post = Extract<BackplaneEvent, { type: "post" }>;
/** Passes events on, or does not, or others. One for each node. */
type Meddler = (
  pass: (event: BackplaneEvent) => void,
  isHere: (member: Member) => boolean,
) => (event: BackplaneEvent) => void;

/** Each breaks one thing now and then, and names the invariant that must notice. */
export const SABOTAGES: Readonly<Record<string, { what: Sabotage; noticed: Invariant }>> = {
  "a message is dropped": {
    what: meddle((pass) => everyPost(20, pass, () => {})),
    noticed: "no message is lost on a healthy way",
  },
  "a message is delivered twice": {
    what: meddle((pass) =>
      everyPost(20, pass, (post) => {
        pass(post);
        pass(post);
      }),
    ),
    noticed: "no message comes twice",
  },
  "two messages of one sender change places": {
    what: meddle((pass) => swap(pass, (a, b) => a.post.from.id === b.post.from.id)),
    noticed: "a sender's messages stay in order",
  },
  "two ordered messages change places at one node": {
    what: meddle((pass) =>
      swap(pass, (a, b) => a.post.from.id !== b.post.from.id && isOrdered(a) && isOrdered(b)),
    ),
    noticed: "ordered messages have one order",
  },
  "a move of the master is forgotten": {
    what: meddle((pass) => (event) => {
      if (event.type !== "left" || event.members.length < 2) pass(event);
      else
        pass({
          ...event,
          members: [...event.members.slice(1), event.members[0] as (typeof event.members)[0]],
        });
    }),
    noticed: "one master, who is a member",
  },
  "a leave on another node is not told": {
    what: meddle((pass, isHere) => (event) => {
      if (event.type !== "left" || isHere(event.member)) pass(event);
    }),
    noticed: "who comes was away, and who leaves was here",
  },
  "a join on another node is told twice": {
    what: meddle((pass, isHere) => (event) => {
      pass(event);
      if (event.type === "joined" && !isHere(event.member)) pass(event);
    }),
    noticed: "who comes was away, and who leaves was here",
  },
  "a node forgets a leave of its own": {
    what: meddle((pass, isHere) => (event) => {
      if (event.type !== "left" || !isHere(event.member)) pass(event);
    }),
    noticed: "counts are members",
  },
  "the members of a dead node are kept": {
    what: { scripts: (scripts) => ({ ...scripts, sweep: "return 0" }) },
    noticed: "no ghost past its lease",
  },
  "a leave does not reach the engine": {
    what: { scripts: (scripts) => ({ ...scripts, leave: "return {'none'}" }) },
    noticed: "no ghost past its lease",
  },
  "a room's count is one too many": {
    what: {
      scripts: (scripts) => replaced(scripts, "rooms", "call('ZCARD', T .. ':m:' .. found[i])", "$ + 1"),
    },
    noticed: "counts are members",
  },
};

function meddle(meddler: Meddler): Sabotage {
  return {
    backplane: (backplane: Backplane): Backplane => ({
      open(receive, sessions) {
        const isHere = (member: Member): boolean => nodeOfId(member.id) === node.number;
        const node: BackplaneNode = backplane.open(meddler(receive, isHere), sessions);
        return node;
      },
    }),
  };
}

function everyPost(
  count: number,
  pass: (event: BackplaneEvent) => void,
  instead: (post: Post) => void,
): typeof pass {
  let posts = 0;
  return (event) => {
    if (event.type === "post" && ++posts % count === 0) instead(event);
    else pass(event);
  };
}

const WAIT_MS = 50;

/** Lets a post wait a little for the next event: where that fits it, they change places. */
function swap(pass: (event: BackplaneEvent) => void, fits: (a: Post, b: Post) => boolean): typeof pass {
  let held: Post | undefined;
  return (event) => {
    const first = held;
    held = undefined;
    if (first === undefined) {
      if (event.type !== "post") {
        pass(event);
        return;
      }
      const waiting = copied(event);
      held = waiting;
      setTimeout(() => {
        if (held !== waiting) return;
        held = undefined;
        pass(waiting);
      }, WAIT_MS);
      return;
    }
    const isSwapped = event.type === "post" && event.room === first.room && fits(first, event);
    for (const each of isSwapped ? [event, first] : [first, event]) pass(each);
  };
}

/** A post's body is lent for the call. */
function copied(event: Post): Post {
  return { ...event, post: { ...event.post, body: event.post.body.slice() } };
}

function isOrdered({ post }: Post): boolean {
  return new TextDecoder().decode(post.body).endsWith("ordered");
}

function replaced(
  scripts: Record<string, string>,
  name: string,
  text: string,
  by: string,
): Record<string, string> {
  const script = scripts[name] as string;
  if (!script.includes(text)) throw new Error(`the script ${name} does not hold ${text} any more`);
  return { ...scripts, [name]: script.replace(text, by.replace("$", text)) };
}
