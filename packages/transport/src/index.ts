export { type ConnectOptions, connect } from "./connect.ts";
export { EventQueue } from "./event-queue.ts";
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
export { Requests } from "./requests.ts";
export { connectTcp, DEFAULT_MAX_QUEUED_BYTES, listenTcp } from "./tcp.ts";
export {
  connectUdp,
  type DatagramHandlers,
  type DatagramLink,
  type DatagramService,
  type DatagramSocket,
  listenUdp,
} from "./udp.ts";
