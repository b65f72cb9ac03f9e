export type { ClientOptions, ConnectOptions, TlsOptions } from "./client-options.ts";
export { connect } from "./connect.ts";
export { EventQueue } from "./event-queue.ts";
export { Lifeline } from "./lifeline.ts";
export {
  type CloseReason,
  type Link,
  type LinkHandlers,
  type Listener,
  type ListenOptions,
  type StreamService,
  TICK_INTERVAL_MS,
} from "./link.ts";
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
export { DEFAULT_MAX_QUEUED_BYTES } from "./socket-link.ts";
export { connectTcp, listenTcp } from "./tcp.ts";
export {
  type Certificate,
  checkCertificate,
  DEFAULT_HANDSHAKE_TIMEOUT_MS,
  listenTls,
  type TlsListener,
  type TlsListenOptions,
} from "./tls.ts";
export {
  connectUdp,
  type DatagramHandlers,
  type DatagramLink,
  type DatagramService,
  type DatagramSocket,
  listenUdp,
} from "./udp.ts";
export { RECONNECT_DEFAULTS } from "./way-back.ts";
export { hostOf } from "./websocket-client.ts";
