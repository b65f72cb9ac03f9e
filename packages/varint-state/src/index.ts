export {
  decodeClientMessage,
  decodeServerMessage,
  encodeClientMessage,
  encodeEcho,
  encodeServerMessage,
  longBytes,
  MAX_ADDRESS_LENGTH,
  MAX_RESPONSE_LENGTH,
  parseLong,
  readLong,
} from "./codec.ts";
export { VarintConnection, type VarintConnectionOptions } from "./connection.ts";
export {
  encodeLegacyStatus,
  LEGACY_QUIET_MS,
  type LegacyForm,
  type LegacyStatus,
} from "./legacy.ts";
export {
  type ClientMessage,
  type ClientPacket,
  type Counts,
  ERRORS,
  type ErrorCode,
  MAX_PACKET_BYTES,
  type Player,
  type ServerMessage,
  STATUS_STATE,
  type Status,
  type UnknownPacket,
} from "./messages.ts";
export {
  NEXT_STATES,
  type Said,
  STATES,
  type State,
  type StateRow,
  type Step,
  transition,
} from "./state.ts";
export { decodeStatus, encodeStatus } from "./status.ts";
