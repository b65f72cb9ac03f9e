export {
  type Account,
  type AccountStore,
  equalBytes,
  type MaybePromise,
  memoryAccounts,
} from "./accounts.ts";
export { addressKey, plainAddress } from "./addresses.ts";
export type {
  Backplane,
  BackplaneEvent,
  BackplaneNode,
  Channel,
  Member,
  RoomPost,
  RoomSummary,
  UserPost,
} from "./backplane.ts";
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
export { DEFAULT_LIMITS, type Limits, MAX_GROUPS, MAX_NAME_LENGTH } from "./limits.ts";
export { memoryBackplane } from "./memory-backplane.ts";
export { accountNameProblem, MAX_ACCOUNT_NAME, MIN_ACCOUNT_NAME, nameKey, nameProblem } from "./names.ts";
export { WindowCounter } from "./rate.ts";
export type { HubRoom } from "./rooms.ts";
export { type Peer, Session } from "./session.ts";
