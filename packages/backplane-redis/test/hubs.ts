import {
  createHub,
  type Hub,
  type HubEvent,
  type MaybePromise,
  memoryAccounts,
  type Session,
} from "@wireyard/session";
import { type RedisBackplane, type RedisBackplaneOptions, redisBackplane } from "../src/index.ts";

/** A hub on a back plane of its own, as a node is. */
export interface TestNode {
  readonly hub: Hub;
  readonly backplane: RedisBackplane;
}

/** Somebody whose events are kept as short words: `joined lobby ann`, `message ann hi`. */
export interface Person {
  readonly session: Session;
  readonly node: TestNode;
  readonly name: string;
  seen: string[];
  /** What it sees as the members of its room, from what it was told alone. */
  readonly present: Set<string>;
  master: string | undefined;
}

/** What a node reports of outages, in the tests that make some. */
export const reports: string[] = [];
const accounts = memoryAccounts({ iterations: 1 });

export async function openNode(options: RedisBackplaneOptions): Promise<TestNode> {
  const report = (problem: string): unknown => reports.push(problem);
  const backplane = redisBackplane({ report, ...options });
  const limits = { connectionsPerIp: 10_000, connectionRatePerIp: 10_000 };
  const hub = createHub({ accounts, backplane, limits, report });
  await hub.check();
  return { hub, backplane };
}

export async function closeNode({ hub }: TestNode): Promise<void> {
  for (const session of [...hub.sessions()]) hub.close(session);
  await hub.shutdown();
}

export async function isAway({ hub }: TestNode): Promise<boolean> {
  return hub.check().then(
    () => false,
    () => true,
  );
}

/** @param hears what is told of messages, in place of keeping them */
export function person(node: TestNode, name: string, hears?: (text: string) => void): Person {
  const deliver = (event: HubEvent): void => {
    switch (event.type) {
      case "message":
        if (hears !== undefined) hears(text(event.body));
        else someone.seen.push(`message ${event.from.name} ${text(event.body)}`);
        return;
      case "command":
        someone.seen.push(`command ${event.from} ${event.fields.map(text).join(" ")}`);
        return;
      default:
        someone.seen.push(`${event.type} ${event.room} ${event.member.name}`);
        watchPresence(someone, event.type, event.member.name);
    }
  };
  const peer = { deliver, expired() {}, close() {} };
  const session = node.hub.open({ protocol: "test", remoteAddress: "192.0.2.1", peer });
  node.hub.enter(session, name);
  const someone: Person = { session, node, name, seen: [], present: new Set(), master: undefined };
  return someone;
}

function watchPresence(someone: Person, type: "joined" | "left" | "master", name: string): void {
  const { present } = someone;
  if (type === "master") someone.master = name;
  else if (type === "joined") {
    if (present.has(name)) throw new Error(`${someone.name} was told twice that ${name} joined`);
    present.add(name);
  } else {
    if (!present.delete(name))
      throw new Error(`${someone.name} was told that ${name} left, who was not there`);
    if (name === someone.name) present.clear();
  }
}

export function say(
  someone: Person,
  words: string,
  options: { ordered?: boolean; toSender?: boolean } = {},
): MaybePromise<void> {
  return someone.node.hub.post(someone.session, encoder.encode(words), {
    toSender: true,
    ordered: false,
    channel: "stream",
    ...options,
  });
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function text(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}
