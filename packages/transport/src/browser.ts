// What bundlers for browsers take in place of index.ts: nothing here needs Node.
export { connect, connectUdp } from "./browser-connect.ts";
export type { ClientOptions, ConnectOptions, TlsOptions } from "./client-options.ts";
export { EventQueue } from "./event-queue.ts";
export { Lifeline } from "./lifeline.ts";
export type { CloseReason, Link, LinkHandlers } from "./link.ts";
export { memoryLinks } from "./memory.ts";
export { type PumpedConnection, type PumpHandlers, pump } from "./pump.ts";
export { readFrames } from "./read-frames.ts";
export {
  type ConnectionEvent,
  DEFAULT_TIMEOUT_MS,
  type LifelineOptions,
  type LifelineOwner,
  type ReconnectOptions,
  within,
} from "./reconnect.ts";
export { Requests } from "./requests.ts";
export { hostOf } from "./websocket-client.ts";
