import type { TalkName } from "./talks.ts";

export type PeerName =
  | "wireyard"
  | "limit"
  | "redis"
  | "nats"
  | "mosquitto"
  | "ws"
  | "socket.io"
  | "aedes"
  | "minecraft-protocol"
  /** Wireyard from another clone: `pnpm bench --against`. */
  | "other"
  | NodesName;

/** Servers of several nodes, and of one with what it takes to have more: `pnpm bench:nodes`. */
export type NodesName =
  | "wireyard-1"
  | "wireyard-2"
  | "wireyard-4"
  | "socket.io-1"
  | "socket.io-2"
  | "socket.io-2-streams";

/** One kind of work, and how each peer is asked for it. */
export interface Scenario {
  readonly id: string;
  readonly title: string;
  readonly kind: "relay" | "ask" | "idle";
  /** Relay: `rooms` of `members`, `window` messages of `size` bytes in flight in each, or `rate` a second in all. */
  readonly rooms?: number;
  readonly members?: number;
  readonly window?: number;
  readonly size?: number;
  readonly rate?: number;
  /** Who gets a message; peers that know only "all" are asked for that. */
  readonly way?: "all" | "others" | "ordered";
  /** On several nodes: all members of a room on one of them, in place of taking turns. */
  readonly isTogether?: boolean;
  /** Relay: further connections that log in and wait. */
  readonly bystanders?: number;
  /** Ask: `depth` requests in flight on each of `connections`. Idle: that many wait. */
  readonly connections?: number;
  readonly depth?: number;
  /** Peers that this is not asked of are left out. */
  readonly talks: Partial<Record<PeerName, TalkName>>;
  /** Part of `pnpm bench --quick`. */
  readonly isQuick?: boolean;
  /** The line of the growth chart that this is a step of, and which. */
  readonly growth?: { readonly line: GrowthLine; readonly step: number };
}

export type GrowthLine = "members" | "rooms" | "idle";

const OURS = { wireyard: "colon", limit: "colon" } as const satisfies Scenario["talks"];

const RELAYS = {
  ...OURS,
  redis: "redis",
  nats: "nats",
  mosquitto: "mqtt",
  ws: "ws",
  "socket.io": "socket.io",
  aedes: "mqtt",
} as const satisfies Scenario["talks"];

const BROKERS = { ...OURS, redis: "redis", nats: "nats" } as const satisfies Scenario["talks"];

type Relay = { rooms?: number; members?: number; window?: number; size?: number } & Pick<
  Scenario,
  "way" | "isTogether" | "talks" | "isQuick" | "rate" | "growth" | "bystanders"
>;

const WAY_NAMES = { all: "", others: ", to the others", ordered: ", ordered" };

/** A room of ten, 16 messages of 64 bytes in flight, but for what `shape` says. */
export function relay(id: string, shape: Relay): Scenario {
  const all = { rooms: 1, members: 10, window: 16, size: 64, way: "all", ...shape } as const;
  const load = all.rate === undefined ? `W ${all.window}` : `${all.rate} messages/s`;
  const bytes = all.size === 64 ? "" : `, ${all.size} B`;
  const waiting = all.bystanders ? `, ${all.bystanders} idle` : "";
  const where = all.isTogether ? ", each room on one node" : "";
  const title = `${all.rooms} × ${all.members}, ${load}${bytes}${WAY_NAMES[all.way]}${waiting}${where}`;
  return { id, title, kind: "relay", ...all };
}

function ask(what: string, depth: number, talks: Scenario["talks"], isQuick = false): Scenario {
  return {
    id: `${what}-d${depth}`,
    title: `${what}, depth ${depth}`,
    kind: "ask",
    connections: 50,
    depth,
    talks,
    isQuick,
  };
}

function idle(connections: number): Scenario {
  return {
    id: `idle-${connections}`,
    title: `${connections} idle`,
    kind: "idle",
    connections,
    talks: RELAYS,
  };
}

function growth(line: GrowthLine, step: number, shape: Omit<Relay, "talks">): Scenario {
  return relay(`growth-${line}-${step}`, { ...shape, talks: OURS, growth: { line, step } });
}

const COMMA = { wireyard: "comma", limit: "comma", redis: "redis-ping", nats: "nats-ping" } as const;
const VARINT = {
  wireyard: "varint",
  limit: "varint",
  redis: "redis-ping",
  nats: "nats-ping",
  "minecraft-protocol": "varint",
} as const;
const JSON_PING = { wireyard: "json", limit: "comma", "socket.io": "socket.io-ack" } as const;
const WEBSOCKET = { wireyard: "colon-websocket", limit: "colon", ws: "ws" } as const;

/** Everything that `pnpm bench` measures. */
export const SCENARIOS: readonly Scenario[] = [
  relay("relay-1x10", { talks: RELAYS, isQuick: true }),
  relay("relay-1x10-1k", { size: 1024, talks: RELAYS }),
  relay("relay-1x100", { members: 100, talks: RELAYS }),
  relay("relay-1x1000", { members: 1000, talks: RELAYS }),
  relay("relay-1x10-others", { way: "others", talks: OURS, isQuick: true }),
  relay("relay-1x10-ordered", { way: "ordered", talks: OURS }),
  relay("relay-100x10", { rooms: 100, window: 4, talks: RELAYS, isQuick: true }),
  relay("relay-100x10-others", { rooms: 100, window: 4, way: "others", talks: BROKERS }),
  relay("relay-100x10-ordered", { rooms: 100, window: 4, way: "ordered", talks: BROKERS }),
  relay("relay-500x2", { rooms: 500, members: 2, window: 2, talks: RELAYS }),
  relay("solo-400x10", { rooms: 400, window: 1, talks: RELAYS }),
  relay("solo-2000x2", { rooms: 2000, members: 2, window: 1, talks: RELAYS }),
  ask("comma", 16, COMMA, true),
  ask("varint", 16, VARINT),
  ask("comma", 1, COMMA),
  ask("varint", 1, VARINT, true),
  ask("json", 16, JSON_PING, true),
  ask("json", 1, JSON_PING),
  relay("websocket-1x10", { talks: WEBSOCKET }),
  relay("websocket-100x10", { rooms: 100, window: 4, talks: WEBSOCKET }),
  relay("udp-1x10", { talks: { wireyard: "colon-udp", limit: "colon-udp" }, isQuick: true }),
  relay("rate-2000", { rate: 2000, talks: RELAYS }),
  idle(1000),
  idle(10_000),
  ...[2, 10, 100, 1000].map((members) => growth("members", members, { members })),
  ...[1, 10, 100, 500, 2000].map((rooms) => growth("rooms", rooms, { rooms, members: 2, window: 2 })),
  ...[100, 1000, 10_000].map((bystanders) => growth("idle", bystanders, { bystanders })),
];
