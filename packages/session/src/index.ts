export {
  type Account,
  type AccountStore,
  equalBytes,
  type MaybePromise,
  memoryAccounts,
} from "./accounts.ts";
export { addressKey, plainAddress } from "./addresses.ts";
export {
  type Backplane,
  type BackplaneEvent,
  type BackplaneNode,
  type Channel,
  type Elsewhere,
  type Member,
  NAMES_TOLD,
  type NodeSummary,
  type RoomPost,
  type RoomSummary,
  type SessionSummary,
  type UserPost,
} from "./backplane.ts";
export { Counters, type ProtocolCounts, type RefusedConnections } from "./counters.ts";
export { Deadlines, DeadlineWheel, type Phase, TICK_MS } from "./deadlines.ts";
export { type RefusalCode, RefusedError, UsageError } from "./errors.ts";
export {
  type CommandEvent,
  type Encodable,
  encodeOnce,
  type HubEvent,
  type MemberEvent,
  type MessageEvent,
} from "./events.ts";
export { createHub, Hub, type HubOptions, type PostOptions } from "./hub.ts";
export { NODE_NUMBERS, nodeOfId } from "./ids.ts";
export { DEFAULT_LIMITS, FAN_OUT, type Limits, MAX_GROUPS, MAX_NAME_LENGTH } from "./limits.ts";
export { memoryBackplane } from "./memory-backplane.ts";
export { accountNameProblem, MAX_ACCOUNT_NAME, MIN_ACCOUNT_NAME, nameKey, nameProblem } from "./names.ts";
export { WindowCounter } from "./rate.ts";
export type { HubRoom } from "./rooms.ts";
export { Secret } from "./secret.ts";
export { type Peer, Session } from "./session.ts";
