export {
  decodeClientMessage,
  decodeServerMessage,
  encodeClientMessage,
  encodeEcho,
  encodeServerMessage,
  longBytes,
  MAX_ADDRESS_LENGTH,
  MAX_RESPONSE_LENGTH,
  readLong,
} from "./codec.ts";
export {
  MAX_PACKET_BYTES,
  STATUS_STATE,
  VarintConnection,
  type VarintConnectionOptions,
} from "./connection.ts";
export {
  type ClientMessage,
  type Counts,
  ERRORS,
  type ErrorCode,
  type Player,
  type ServerMessage,
  type Status,
} from "./messages.ts";
export { type State, type Step, TRANSITIONS, transition } from "./state.ts";
export { decodeStatus, encodeStatus } from "./status.ts";
