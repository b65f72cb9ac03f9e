import { relay, type Scenario } from "../scenarios.ts";

const WIREYARD = { "wireyard-1": "colon", "wireyard-2": "colon", "wireyard-4": "colon" } as const;
const ALL = {
  ...WIREYARD,
  "socket.io-1": "socket.io",
  "socket.io-2": "socket.io",
  "socket.io-2-streams": "socket.io",
} as const;
const WEBSOCKET = {
  ...ALL,
  "wireyard-1": "colon-websocket",
  "wireyard-2": "colon-websocket",
  "wireyard-4": "colon-websocket",
} as const;

/** Everything that `pnpm bench:nodes` measures. Connections take turns among the nodes, so every room is on all of them. */
export const NODES_SCENARIOS: readonly Scenario[] = [
  relay("nodes-1x10", { talks: ALL, isQuick: true }),
  relay("nodes-1x100", { members: 100, talks: ALL }),
  relay("nodes-100x10", { rooms: 100, window: 4, talks: ALL, isQuick: true }),
  relay("nodes-100x10-solo", { rooms: 100, window: 1, talks: ALL }),
  overWebSocket(relay("nodes-100x10-websocket", { rooms: 100, window: 4, talks: WEBSOCKET })),
  relay("nodes-100x10-together", { rooms: 100, window: 4, isTogether: true, talks: ALL }),
  // socket.io promises no order between nodes: there is nothing to ask it for.
  relay("nodes-1x10-ordered", { way: "ordered", talks: WIREYARD }),
  relay("nodes-100x10-ordered", { rooms: 100, window: 4, way: "ordered", talks: WIREYARD, isQuick: true }),
];

/** socket.io always is. */
function overWebSocket(scenario: Scenario): Scenario {
  return { ...scenario, title: `${scenario.title}, all over WebSocket` };
}
