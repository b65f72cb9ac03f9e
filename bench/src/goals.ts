import type { Measure } from "./load.ts";
import { type GrowthLine, type PeerName, SCENARIOS } from "./scenarios.ts";

/** What a ratio to a peer must be. */
export type Bound = { readonly atLeast: number } | { readonly atMost: number };

/** One row of the goals: in each of its scenarios, our figure divided by a peer's figure of the same round. */
export interface Goal {
  readonly row: string;
  readonly scenarios: readonly string[];
  readonly measure: Measure;
  readonly against: Partial<Record<PeerName, Bound>>;
  /** What our figure itself must be. */
  readonly ourselves?: Bound;
}

const least = (atLeast: number): Bound => ({ atLeast });
const most = (atMost: number): Bound => ({ atMost });

function each(peers: readonly PeerName[], bound: Bound): Partial<Record<PeerName, Bound>> {
  return Object.fromEntries(peers.map((peer) => [peer, bound]));
}

const WORK = "per_cpu_second";

/** The goals, row by row: the one source for the table, the chart and the documentation. */
export const GOALS: readonly Goal[] = [
  {
    row: "fan-out, one room of 100–1000, W 16",
    scenarios: ["relay-1x100", "relay-1x1000"],
    measure: WORK,
    against: {
      limit: least(0.9),
      redis: least(1.1),
      nats: least(1.8),
      ...each(["mosquitto", "ws", "socket.io", "aedes"], least(10)),
    },
  },
  {
    row: "fan-out, one room of 10, W 16 (64 B, 1 KiB)",
    scenarios: ["relay-1x10", "relay-1x10-1k"],
    measure: WORK,
    against: {
      limit: least(0.9),
      redis: least(1),
      nats: least(1.7),
      ...each(["mosquitto", "ws", "socket.io", "aedes"], least(9)),
    },
  },
  {
    row: "the same to the others (3:0) and ordered (3:3)",
    scenarios: ["relay-1x10-others", "relay-1x10-ordered"],
    measure: WORK,
    against: { limit: least(0.9) },
  },
  {
    row: "many rooms",
    scenarios: ["relay-100x10", "relay-500x2", "relay-100x10-others", "relay-100x10-ordered"],
    measure: WORK,
    against: {
      limit: least(0.75),
      redis: least(1),
      nats: least(1.7),
      ...each(["mosquitto", "ws", "socket.io", "aedes"], least(2)),
    },
  },
  {
    row: "one message in flight per room",
    scenarios: ["solo-400x10", "solo-2000x2"],
    measure: WORK,
    against: {
      limit: least(0.85),
      redis: least(0.9),
      nats: least(1.3),
      ...each(["mosquitto", "ws"], least(1.1)),
      ...each(["socket.io", "aedes"], least(1.5)),
    },
  },
  {
    row: "comma and VarInt, depth 16",
    scenarios: ["comma-d16", "varint-d16"],
    measure: WORK,
    against: { limit: least(0.7), redis: least(1.2), nats: least(1.2), "minecraft-protocol": least(20) },
  },
  {
    row: "comma and VarInt, depth 1, 50 connections",
    scenarios: ["comma-d1", "varint-d1"],
    measure: WORK,
    against: { limit: least(0.75), redis: least(0.85), nats: least(1.1), "minecraft-protocol": least(4) },
  },
  {
    row: "JSON PING, depth 16 (limit: its comma figure)",
    scenarios: ["json-d16"],
    measure: WORK,
    against: { limit: least(0.3), "socket.io": least(4) },
  },
  { row: "JSON PING, depth 1", scenarios: ["json-d1"], measure: WORK, against: {} },
  {
    row: "WebSocket fan-out, one room (limit: over TCP)",
    scenarios: ["websocket-1x10"],
    measure: WORK,
    against: { limit: least(0.75), ws: least(10) },
  },
  {
    row: "WebSocket fan-out, many rooms (limit: over TCP)",
    scenarios: ["websocket-100x10"],
    measure: WORK,
    against: { limit: least(0.75), ws: least(3) },
  },
  { row: "UDP", scenarios: ["udp-1x10"], measure: WORK, against: { limit: least(0.6) } },
  {
    row: "latency at a fixed rate, p50",
    scenarios: ["rate-2000"],
    measure: "p50_us",
    against: {
      limit: most(1.15),
      redis: most(1.1),
      ...each(["nats", "mosquitto", "ws", "socket.io", "aedes"], most(1)),
    },
  },
  {
    row: "latency at a fixed rate, p95",
    scenarios: ["rate-2000"],
    measure: "p95_us",
    against: {
      limit: most(1.3),
      redis: most(1.1),
      ...each(["nats", "mosquitto", "ws", "socket.io", "aedes"], most(1)),
    },
  },
  {
    row: "idle memory at 10,000, private, bytes each",
    scenarios: ["idle-10000"],
    measure: "bytes_per_connection",
    against: each(["redis", "nats", "ws", "socket.io", "aedes"], most(1)),
    ourselves: most(4096),
  },
  // No goal, but half of the question: what does not grow with the connections is shared by fewer.
  { row: "idle memory at 1,000", scenarios: ["idle-1000"], measure: "bytes_per_connection", against: {} },
];

/** With size rising, the ratio to the yardstick stays above this part of the best earlier step's. */
export const GROWTH_BOUND = 0.75;

/** The steps of a growth line, as scenario ids, smallest first. */
export function growthSteps(line: GrowthLine): string[] {
  return SCENARIOS.filter((scenario) => scenario.growth?.line === line).map(({ id }) => id);
}

export function meets(value: number, bound: Bound): boolean {
  return "atLeast" in bound ? value >= bound.atLeast : value <= bound.atMost;
}

export function boundText(bound: Bound): string {
  return "atLeast" in bound ? `≥ ${bound.atLeast}` : `≤ ${bound.atMost}`;
}
